import os

import pytest
from bench.export_parity import differences, main

SAID = {"tokens": [1, 2], "codes": [3, 4], "wav": [0.5, -0.5], "file_unchanged": True}


def test_the_same_is_no_difference():
    assert differences(SAID, SAID | {"wav": [0.5, -0.501]}) == []


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"tokens": [1]}, "tokens differ: escuta [1, 2], coqui-tts [1]"),
        ({"codes": [3, 5]}, "codes differ: escuta [3, 4], coqui-tts [3, 5]"),
        ({"wav": [0.5]}, "audio differs: escuta 2 points, coqui-tts 1"),
        ({"wav": [0.5, -0.6]}, "audio differs by 12.8% of its level; expected 1% at most"),
        ({"wav": [0.5, float("nan")]}, "audio differs by nan% of its level; expected 1% at most"),
        ({"file_unchanged": False}, "coqui-tts rewrote model.pth"),
    ],
)
def test_every_difference_is_said(changed, problem):
    assert differences(SAID, SAID | changed) == [problem]


def test_without_the_peers_environment_it_says_how_to_make_it(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["--peer-python", str(tmp_path / "python")])

    assert end.value.code == 2
    assert "run bench/peer/setup.sh, or give --peer-python" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif("ESCUTA_PEER_PYTHON" not in os.environ, reason="ESCUTA_PEER_PYTHON names no Python with coqui-tts")
def test_coqui_loads_an_export_and_says_the_same(capsys):
    assert main(["--peer-python", os.environ["ESCUTA_PEER_PYTHON"]]) == 0
    assert capsys.readouterr().out.startswith("the same ")
