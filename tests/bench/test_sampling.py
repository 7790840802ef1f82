import json
import os
import sys

import pytest
from bench.export_parity import ROOT
from bench.figures import FIGURES
from bench.machine import peer_versions
from bench.models import Models
from bench.pages import Pages
from bench.sampling import SECTIONS, Bench, main, measure
from bench.table import tables
from bench.words import WORDS

from escuta.models.xtts.config import DecoderConfig, DvaeConfig, GptConfig, XttsConfig

SMALL = XttsConfig(
    gpt=GptConfig(layers=3, width=128, heads=4), dvae=DvaeConfig(width=32), decoder=DecoderConfig(input_width=128)
)
"""The release's sizes where coqui-tts knows no others."""
VERSIONS = {"peer_torch": "2.13.0", "coqui-tts": "0.28.0"}


def small(models, *peer):
    """All sections in little; without a peer our own half speaks for it too."""
    peer = peer or (sys.executable, "-m", "bench.speaking")
    return Bench(models, peer, threads=1, rounds=1, counts=(1, 8), seconds=(1,), block_seconds=0.3, stalls=2)


@pytest.fixture
def pages(tmp_path):
    (tmp_path / "pt-BR").mkdir()
    for page in WORDS:
        (tmp_path / page).write_text("<!-- sampling -->\n<!-- end -->\n", encoding="utf-8")
    return Pages("sampling", tables, tmp_path / "results", tmp_path)


@pytest.mark.slow
def test_sections_are_measured_one_by_one_and_the_others_stay(models, pages, capsys):
    first = measure(small(models), ["batch"], pages, VERSIONS)
    again = measure(small(models), ["warm", "lengths"], pages, VERSIONS)

    assert json.loads(pages.file.read_text(encoding="utf-8")) == again
    assert list(again["sections"]) == ["batch", "warm", "lengths"]
    assert again["sections"]["batch"] == first["sections"]["batch"]
    assert {name for name, value in again["ratios"].items() if value} == {"batch_8", "warm_7s"}
    assert again["ratios"].keys() == FIGURES.keys()
    assert [run["codes"] for run in again["sections"]["warm"]["coqui"]] == [[20]]
    assert again["sections"]["warm"]["machine"]["peer_torch"] == "2.13.0"
    assert capsys.readouterr().out.count(": done in ") == 3
    for page in WORDS:
        assert tables(again, page) in (pages.docs / page).read_text(encoding="utf-8")


def test_without_a_gpu_earlier_figures_of_one_stay(models, pages, monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    before = {"gpu": {"escuta": {"1": []}}}
    pages.results.mkdir()
    pages.file.write_text(json.dumps({"sections": before}), encoding="utf-8")

    assert measure(small(models), ["gpu"], pages, VERSIONS)["sections"] == before
    assert "gpu: not here; what was measured before stays" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--peer-python", "nowhere"], "nowhere: no such Python; run bench/peer/setup.sh, or give --peer-python"),
        (["--only", "warm,cold"], "--only cold: no such sections; expected some of warm, batch, lengths"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(flags, problem, capsys):
    with pytest.raises(SystemExit) as end:
        main(flags)
    assert end.value.code == 2
    assert problem in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif("ESCUTA_PEER_PYTHON" not in os.environ, reason="ESCUTA_PEER_PYTHON names no Python with coqui-tts")
def test_every_section_runs_beside_coqui(tmp_path, pages):
    models = Models(tmp_path / "models", codes=20)
    models.build(SMALL)
    peer = os.environ["ESCUTA_PEER_PYTHON"]
    bench = small(models, peer, str(ROOT / "bench" / "peer" / "sampling.py"))
    result = measure(bench, list(SECTIONS), pages, peer_versions(peer))
    assert all(value > 0 for value in result["ratios"].values())
