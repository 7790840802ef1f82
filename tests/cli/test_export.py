import pytest
import torch

from escuta.cli.main import main
from escuta.models.load import load_model
from escuta.run.checkpoints import mark_best, read_checkpoint
from escuta.run.folder import RunFolder
from runs import make_checkpoint


def escuta(*arguments):
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as ended:
        return ended.code


@pytest.fixture
def run(tmp_path, random_base):
    run = RunFolder(tmp_path / "run")
    run.checkpoints.mkdir(parents=True)
    run.write_facts({"base": {"folder": str(random_base)}})
    mark_best(run, make_checkpoint(run.epoch_checkpoint(1), random_base))
    return run


def test_the_best_checkpoint_becomes_a_model_folder(run, tmp_path):
    assert escuta("export", run.path, tmp_path / "model") == 0

    exported = load_model(tmp_path / "model", uses=["training"]).trained_tensors()
    trained = read_checkpoint(run.best_checkpoint).model
    assert exported.keys() == trained.keys()
    assert all(torch.equal(exported[name], trained[name]) for name in trained)


def test_the_best_by_score_is_exported_when_it_is_asked_for(run, random_base, tmp_path, capsys):
    assert escuta("export", run.path, tmp_path / "model", "--best-by-score") == 2
    assert "best_by_score.pt: not found; there are checkpoint_epoch_1.pt, best_model.pt" in capsys.readouterr().err

    make_checkpoint(run.best_by_score, random_base, scale=1.5)
    assert escuta("export", run.path, tmp_path / "model", "--best-by-score") == 0

    exported = load_model(tmp_path / "model", uses=["training"]).trained_tensors()
    trained = read_checkpoint(run.best_by_score).model
    assert all(torch.equal(exported[name], trained[name]) for name in trained)


def test_what_is_exported_can_be_trained_and_spoken_with(run, tmp_path):
    escuta("export", run.path, tmp_path / "model")

    load_model(tmp_path / "model", uses=["features", "training", "speaking"])


def test_a_model_that_coqui_cannot_load_is_said_to_be_one(run, tmp_path, capsys):
    escuta("export", run.path, tmp_path / "model")

    assert "coqui-tts cannot load" in capsys.readouterr().out


def test_a_folder_with_something_in_it_is_left_alone(run, tmp_path, capsys):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.txt").write_text("mine")

    assert escuta("export", run.path, tmp_path / "model") == 2
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["mine.txt"]
    assert capsys.readouterr().err.startswith(f"{tmp_path / 'model'}: already there")


def test_a_checkpoint_that_is_not_there_is_told_with_those_that_are(run, tmp_path, capsys):
    assert escuta("export", run.path, tmp_path / "model", "--checkpoint", "checkpoint_epoch_9.pt") == 2
    assert "checkpoint_epoch_1.pt, best_model.pt" in capsys.readouterr().err
