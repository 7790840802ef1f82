import pytest

from escuta.cli.main import main
from runs import make_quick_base
from sounds import make_dataset


@pytest.fixture
def train(random_base, tmp_path, capsys, monkeypatch):
    """Run `escuta train` on six clips, which were not there before; give its exit status and what it said."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    dataset = make_dataset(tmp_path / "voice", 6, seconds=(1.0,))
    base = make_quick_base(tmp_path / "base", random_base)

    def train(*more):
        asked = (
            "train",
            dataset,
            "--out",
            tmp_path / "run",
            "--base",
            base,
            "--language",
            "en",
            "--mode",
            "off",
            *more,
        )
        with pytest.raises(SystemExit) as ended:
            main([str(one) for one in asked])
        return ended.value.code, *capsys.readouterr()

    return train


def test_a_dry_run_tells_the_plan_and_leaves_nothing(train, tmp_path):
    status, said, problems = train("--dry-run", "--epochs", "7")

    assert (status, problems) == (0, "")
    assert "7 epochs x 2 steps" in said
    assert {path.name for path in tmp_path.iterdir()} == {"voice", "base"}


def test_a_dry_run_that_would_not_run_says_why(train, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "letter.txt").write_text("mine")

    status, _said, problems = train("--dry-run")

    assert status == 2
    assert (
        problems == f"{tmp_path}/run: holds other files; expected an empty or new folder. Choose another with --out.\n"
    )


def test_a_tracker_that_nobody_knows_is_refused_before_anything_begins(train, tmp_path):
    status, _said, problems = train("--tracker", "tensorbord")

    assert status == 2
    assert "training.trackers.0 is 'tensorbord'; expected one of 'tensorboard', 'wandb'" in problems
    assert not (tmp_path / "run").exists()


def test_a_tracker_that_is_not_installed_stops_nothing(train, tmp_path):
    status, said, problems = train("--epochs", "1", "--tracker", "clearml")

    assert (status, problems) == (0, "")
    assert "⚠️  Tracker clearml is not installed; training goes on without it." in said
    assert 'trackers = [\n    "clearml",\n]' in (tmp_path / "run" / "settings.toml").read_text()
    assert not (tmp_path / "run" / "tensorboard").exists()
