import pytest
import torch
from bench.scores import Bench as Measured
from bench.scores import measure_ladder

from bench import ladder
from escuta.run.checkpoints import list_checkpoints, mark_best, read_checkpoint
from runs import make_run
from scored_samples import scored, write_scored

SIGMAS = (0.0, 0.1, 0.5)


@pytest.fixture
def tuned(tmp_path, random_base):
    run = make_run(tmp_path / "tuned", random_base, epochs=1)
    mark_best(run, run.epoch_checkpoint(1))
    run.clips.write_text("[]")
    return run


@pytest.fixture
def rungs(tmp_path, tuned):
    run = type(tuned)(tmp_path / "ladder")
    ladder.build(run, tuned, SIGMAS)
    return run


def test_noise_grows_in_matrices_alone_and_along_one_line():
    tensors = {"weight": torch.randn(200, 100) * 3, "bias": torch.ones(7), "count": torch.tensor(3)}

    clean, some, more = (ladder.noisy(tensors, sigma) for sigma in SIGMAS)

    assert torch.equal(clean["weight"], tensors["weight"])
    assert (some["weight"] - clean["weight"]).std() == pytest.approx(0.3, rel=0.02)
    torch.testing.assert_close(more["weight"] - clean["weight"], 5 * (some["weight"] - clean["weight"]))
    assert all(torch.equal(more[name], tensors[name]) for name in ("bias", "count"))


def test_rungs_do_not_tell_their_order_by_their_names(tuned, rungs):
    sigmas = ladder.rungs_of(rungs)

    assert sorted(sigmas) == ["step_1", "step_2", "step_3"]
    assert list(sigmas.values()) == list(SIGMAS)
    assert list(sigmas) != sorted(sigmas)
    assert len(list_checkpoints(rungs)) == 3
    (clean,) = (name for name, sigma in sigmas.items() if sigma == 0)
    tensors = read_checkpoint(rungs.checkpoint(clean)).model
    expected = read_checkpoint(tuned.best_checkpoint).model
    assert all(torch.equal(tensors[name], expected[name]) for name in expected)
    assert rungs.read_facts() == tuned.read_facts()


def test_a_ladder_of_other_rungs_is_not_taken_for_the_one_that_is_asked_for(tuned, rungs):
    with pytest.raises(SystemExit, match=r"ladder: its rungs are \(0.0, 0.1, 0.5\); expected \(0.0, 0.2\)"):
        measure_ladder(Measured("nano", rungs.path.parent, tuned, sigmas=(0.0, 0.2)))


def test_the_rule_and_each_score_are_judged_by_the_order_that_is_known(rungs):
    sigmas = ladder.rungs_of(rungs)
    write_scored(rungs, scored("epoch_0", character_error_rate=[(0.2, 0.21)] * 8, naturalness=3.0))
    for name, sigma in sigmas.items():
        natural = 4.0 if sigma else 3.8  # it is mistaken in the clean one
        write_scored(
            rungs, scored(name, character_error_rate=0.1 + sigma, naturalness=natural - sigma, loudness=-20 - sigma)
        )

    found = ladder.judge(rungs)

    assert found["order"] == [0.0, 0.1, 0.5]
    assert found["picks_the_clean_one"]
    assert found["num_sentences"] == 8
    assert found["tau"] == {"rule": 1.0, "character_error_rate": 1.0, "naturalness": pytest.approx(1 / 3)}
    assert found["mean"]["loudness"] == pytest.approx([-20, -20.1, -20.5])


def test_a_rung_that_was_not_scored_is_missed(rungs):
    with pytest.raises(FileNotFoundError, match="step_"):
        ladder.judge(rungs)
