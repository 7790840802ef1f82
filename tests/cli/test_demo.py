import json
import subprocess
import sys


def test_the_demo_trains_speaks_and_says_where_to_listen(tmp_path):
    command = [sys.executable, "-m", "escuta", "demo", "--out", str(tmp_path / "run")]
    command += ["--set", "training.epochs=1", "--set", "data.max_clips=4", "--set", "sampling.num_sentences=1"]

    found = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (found.returncode, found.stderr) == (0, "")
    *_others, samples, report, sound = found.stdout.splitlines()
    assert samples == f"Samples: {tmp_path / 'run' / 'samples'}"
    assert report == f"Report:  {tmp_path / 'run' / 'report.html'}"
    assert "noise" in sound
    assert {path.name for path in (tmp_path / "run" / "samples").glob("*_output.wav")} == {
        "epoch_0_output.wav",
        "epoch_1_output.wav",
    }
    facts = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert (facts["language"], facts["base"]["kind"], facts["dataset"]["clips"]) == ("en", "random", 4)
