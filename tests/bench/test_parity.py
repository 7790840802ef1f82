import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from bench.parity import CHECKS, main

from bench import f5_parity

FIXTURES = Path(__file__).parents[1] / "fixtures" / "parity"


def run(case, manifest=FIXTURES / "small.json"):
    return main(["--manifest", str(manifest), "--case", str(case)])


def a_part_of_the_case(folder, *names, **changed):
    with np.load(FIXTURES / "small-seed0.npz") as whole:
        arrays = {name: whole[name] for name in ("seed", *names)} | changed
    np.savez(folder / "part.npz", **arrays)
    return folder / "part.npz"


def verdicts(printed):
    """Array name to the last word of its row."""
    rows = [line.split("│")[1:-1] for line in printed.splitlines() if line.startswith("│")]
    return {row[0].strip(): row[-1].strip() for row in rows}


def test_escuta_computes_what_coqui_computes(capsys):
    assert run(FIXTURES / "small-seed0.npz") == 0
    assert verdicts(capsys.readouterr().out) == dict.fromkeys(CHECKS, "ok")


def test_escuta_computes_what_f5_tts_and_vocos_compute(capsys):
    assert run(FIXTURES / "f5-small-seed0.npz", FIXTURES / "f5-small.json") == 0
    printed = capsys.readouterr().out
    assert verdicts(printed) == dict.fromkeys(f5_parity.CHECKS, "ok")
    assert "unknown" not in printed


def test_a_result_out_of_its_limit_fails(tmp_path, capsys):
    with np.load(FIXTURES / "small-seed0.npz") as whole:
        shifted = whole["conditioning_mel"] + np.float32(2e-4)
    case = a_part_of_the_case(tmp_path, "wav_22050", conditioning_mel=shifted)
    assert run(case) == 1
    assert verdicts(capsys.readouterr().out)["conditioning_mel"] == "MISS"


def test_a_result_of_another_shape_fails(tmp_path, capsys):
    with np.load(FIXTURES / "small-seed0.npz") as whole:
        longer = np.pad(whole["dvae_codes"], [(0, 0), (0, 1)])
    case = a_part_of_the_case(tmp_path, "dvae_mel", dvae_codes=longer)
    assert run(case) == 1
    printed = capsys.readouterr().out
    assert verdicts(printed)["dvae_codes"] == "MISS"
    assert "[1, 93], not [1, 94]" in printed


def test_what_a_case_lacks_is_missing_and_what_it_has_too_much_is_listed(tmp_path, capsys):
    case = a_part_of_the_case(tmp_path, "wav_22050", "dvae_mel", surplus=np.zeros(1))
    assert run(case) == 0
    printed = capsys.readouterr().out
    assert verdicts(printed) == dict.fromkeys(CHECKS, "missing") | {"dvae_mel": "ok"}
    assert "no loss_text" in printed
    assert "unknown, not compared: surplus" in printed


@pytest.mark.parametrize("content", [b"", b"not a case", b"PK\x03\x04 nor an archive"])
def test_a_file_that_is_no_case_is_refused(tmp_path, capsys, content):
    case = tmp_path / "case.npz"
    case.write_bytes(content)
    with pytest.raises(SystemExit) as end:
        run(case)
    assert end.value.code == 2
    assert f"{case}: no NPZ of arrays" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        run(tmp_path / "case.npz")
    assert end.value.code == 2
    assert str(tmp_path / "case.npz") in capsys.readouterr().err


def test_a_file_of_one_array_is_refused(tmp_path, capsys):
    np.save(tmp_path / "case.npy", np.zeros(3))
    with pytest.raises(SystemExit):
        run(tmp_path / "case.npy")
    assert "holds one array; expected an NPZ of several" in capsys.readouterr().err


def test_a_manifest_without_a_shape_is_refused(tmp_path, capsys):
    manifest = tmp_path / "small.json"
    shutil.copy(FIXTURES / "small.json", manifest)
    manifest.write_text(manifest.read_text().replace('"mel_stats"', '"mel_statistics"'))
    with pytest.raises(SystemExit) as end:
        run(a_part_of_the_case(tmp_path, "wav_22050", "dvae_mel"), manifest)
    assert end.value.code == 2
    assert f"{manifest}: has no 'mel_stats'" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif("ESCUTA_PARITY_KIT" not in os.environ, reason="ESCUTA_PARITY_KIT names no folder")
def test_the_released_size_computes_what_coqui_computes(capsys):
    kit = Path(os.environ["ESCUTA_PARITY_KIT"])
    assert run(kit / "release-seed0.npz", kit / "release.json") == 0
    assert verdicts(capsys.readouterr().out) == dict.fromkeys(CHECKS, "ok")
