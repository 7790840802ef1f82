import json
import subprocess
import sys

import pytest

from escuta.cli.main import main
from escuta.models import bases
from runs import make_quick_base

QUICK = ("training.epochs=1", "data.max_clips=4", "sampling.num_sentences=1", "scores.enabled=false")


def arguments(out, *more):
    return ["demo", "--out", str(out), *more, *(word for one in QUICK for word in ("--set", one))]


def facts(run):
    return json.loads((run / "run.json").read_text(encoding="utf-8"))


def test_the_demo_trains_speaks_and_says_where_to_listen(tmp_path):
    run = tmp_path / "run"
    command = [sys.executable, "-m", "escuta", *arguments(run, "--base", "random")]

    found = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (found.returncode, found.stderr) == (0, "")
    *_others, samples, report, sound = found.stdout.splitlines()
    assert samples == f"Samples: {run / 'samples'}"
    assert report == f"Report:  {run / 'report.html'}"
    assert "noise" in sound
    assert {path.name for path in (run / "samples").glob("*_output.wav")} == {
        "epoch_0_output.wav",
        "epoch_1_output.wav",
    }
    assert (facts(run)["language"], facts(run)["base"]["kind"], facts(run)["dataset"]["clips"]) == ("en", "random", 4)


def test_nano_learns_the_portuguese_voice_and_every_epoch_has_a_line(random_base, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bases, "NANO", make_quick_base(tmp_path / "nano", random_base))

    with pytest.raises(SystemExit) as ended:
        main(arguments(tmp_path / "run", "--voice", "dora"))

    assert ended.value.code == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    assert "60 clips of one synthetic speaker, 1 epochs" in printed
    rows = [line.split() for line in printed.splitlines() if line.startswith("    ")]
    assert [row[0] for row in rows if row[0].rstrip("⭐").isdecimal()] == ["0", "1⭐"]
    assert "noise" not in printed
    assert "decoder_learning_rate = 0.001" in (tmp_path / "run" / "settings.toml").read_text(encoding="utf-8")
    assert (facts(tmp_path / "run")["language"], facts(tmp_path / "run")["base"]["kind"]) == ("pt", "nano")


def test_the_demo_goes_with_adapters_too(random_base, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bases, "NANO", make_quick_base(tmp_path / "nano", random_base))

    with pytest.raises(SystemExit) as ended:
        main(arguments(tmp_path / "run", "--set", "training.lora_rank=4", "--set", "sampling.mode=off"))

    assert ended.value.code == 0, capsys.readouterr().err
    assert "decoder_learning_rate" not in (tmp_path / "run" / "settings.toml").read_text(encoding="utf-8")


def test_a_voice_that_is_not_there_is_refused_with_those_that_are(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--out", str(tmp_path / "run"), "--voice", "nobody"])

    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert "allison" in printed
    assert "dora" in printed
