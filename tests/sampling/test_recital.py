import json
import os
import shutil

import pytest

from escuta.errors import DataError, ModelError, RunError, SettingsError
from escuta.run.folder import RunFolder
from escuta.sampling.recital import Recital, Wish
from escuta.settings import load_settings, settings_toml
from runs import make_checkpoint, make_run


@pytest.fixture
def run(quick_base, tmp_path):
    """A run of two epochs, the second the best; nothing is spoken yet."""
    run = make_run(tmp_path / "run", quick_base, epochs=2)
    os.link(run.epoch_checkpoint(2), run.best_checkpoint)
    return run


def job(recital, run, epoch):
    return recital.job(f"epoch_{epoch}", run.epoch_checkpoint(epoch) if epoch else None)


def spoken(run, *epochs):
    recital = Recital(run, Wish())
    for epoch in epochs:
        assert recital.speak(job(recital, run, epoch)).status == "spoken"
    return recital


def about(run, name):
    return json.loads((run.samples / f"{name}.json").read_text())


def up_to_date(run, epoch, *, reading, **wish):
    recital = Recital(run, Wish(**wish))
    return recital.is_up_to_date(job(recital, run, epoch), reading=reading)


def test_a_checkpoint_is_placed_in_its_training_when_it_speaks(run):
    spoken(run, 0, 2)

    assert (about(run, "epoch_0")["epoch"], about(run, "epoch_0")["checkpoint"]) == (0, None)
    assert (about(run, "epoch_2")["step"], about(run, "epoch_2")["mode"]) == (8, "later")
    assert (run.best_samples / "epoch_2.json").exists()
    assert about(run, "epoch_0")["weights"] != about(run, "epoch_2")["weights"]


def test_the_base_and_the_best_speak_with_further_seeds_as_while_it_trained(run, tmp_path):
    run.settings.write_text(settings_toml(load_settings(run.settings, environment={"ESCUTA_SCORES__NUM_SEEDS": "2"})))
    recital = Recital(run, Wish())
    assert [job(recital, run, epoch).num_seeds for epoch in (0, 1, 2)] == [2, 1, 2]

    os.link(run.epoch_checkpoint(1), run.best_by_score)

    assert [job(recital, run, epoch).num_seeds for epoch in (0, 1, 2)] == [2, 2, 1]
    assert [job(recital, run, epoch).best for epoch in (0, 1, 2)] == [False, False, True]
    elsewhere = Recital(run, Wish(out=tmp_path / "out"))
    assert [job(elsewhere, run, epoch).num_seeds for epoch in (0, 1, 2)] == [1, 1, 1]


@pytest.mark.parametrize("epoch", [0, 1])
def test_what_was_spoken_is_up_to_date_without_a_look_at_weights(run, epoch):
    assert not up_to_date(run, epoch, reading=True)
    spoken(run, epoch)

    assert up_to_date(run, epoch, reading=False)
    assert not up_to_date(run, epoch, reading=False, precision="exact")
    assert not up_to_date(run, epoch, reading=True, again=True)


@pytest.mark.parametrize("epoch", [0, 1])
def test_a_copied_run_is_up_to_date_by_its_weights_and_then_by_its_times(run, tmp_path, epoch):
    spoken(run, epoch)
    copied = RunFolder(tmp_path / "copied")
    shutil.copytree(run.samples, copied.samples)
    shutil.copytree(run.path, copied.path, dirs_exist_ok=True)
    base = tmp_path / "base"
    shutil.copytree(run.base_folder(), base)
    copied.write_facts(run.read_facts() | {"base": {"folder": str(base)}})

    assert [up_to_date(copied, epoch, reading=reading) for reading in (False, True, False)] == [False, True, True]


def test_the_base_model_is_known_by_its_weights_after_others_were_loaded(run):
    recital = spoken(run, 0, 1)
    os.utime(run.samples / "epoch_0.json", (0, 0))

    assert recital.is_up_to_date(job(recital, run, 0), reading=True)


def test_other_weights_under_the_same_name_and_an_old_date_are_noticed(run, quick_base):
    spoken(run, 1)
    make_checkpoint(run.epoch_checkpoint(1), quick_base, scale=1.5)
    os.utime(run.epoch_checkpoint(1), (0, 0))

    assert not up_to_date(run, 1, reading=True)


def test_a_file_of_the_same_name_elsewhere_is_another_one(run, quick_base, tmp_path):
    spoken(run, 1)
    elsewhere = make_checkpoint(tmp_path / "old" / "checkpoint_epoch_1.pt", quick_base, scale=1.5)
    os.utime(run.samples / "epoch_1.json")
    recital = Recital(run, Wish())

    assert not recital.is_up_to_date(recital.job("epoch_1", elsewhere), reading=True)


def test_a_folder_of_ones_own_is_asked_for_its_weights(run, quick_base, tmp_path):
    """Two runs may have spoken into it."""
    wish = {"out": tmp_path / "out"}
    recital = Recital(run, Wish(**wish))
    recital.speak(job(recital, run, 2))
    other = make_run(tmp_path / "other" / "run", quick_base, epochs=1)
    facts = other.read_facts() | {"reference": run.read_facts()["reference"]}
    other.write_facts(facts)
    shutil.copyfile(other.epoch_checkpoint(1), other.epoch_checkpoint(2))
    os.utime(tmp_path / "out" / "epoch_2.json")

    assert [up_to_date(run, 2, reading=reading, **wish) for reading in (False, True)] == [False, True]
    assert not up_to_date(other, 2, reading=True, **wish)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("epoch_2.json", "epoch_2_output.wav", "epoch_2_output_02.wav", "epoch_2_reference.wav")
    }
    assert list(run.samples.iterdir()) == []


def test_other_sentences_go_to_another_folder(run, tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("# mine\nBye.\n")

    with pytest.raises(SettingsError, match=r"--sentences .*: needs --out FOLDER"):
        Recital(run, Wish(sentences=texts))
    for out in (run.samples, run.best_samples, tmp_path / "run" / "." / "samples"):
        with pytest.raises(SettingsError, match="holds the run's own samples"):
            Recital(run, Wish(sentences=texts, out=out))
    assert job(Recital(run, Wish(sentences=texts, out=tmp_path / "out")), run, 1).sentences == ("Bye.",)


def test_sentences_that_cannot_be_spoken_are_all_named(run, tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("Snow: \N{SNOWMAN}\nBye.\n\N{UMBRELLA}\n", encoding="utf-8")

    with pytest.raises(DataError) as refusal:
        Recital(run, Wish(sentences=texts, out=tmp_path / "out"))

    assert [problem.partition(":")[0] for problem in refusal.value.problems] == [f"{texts} line 1", f"{texts} line 3"]


def test_a_damaged_checkpoint_is_a_result(run):
    run.epoch_checkpoint(1).write_bytes(b"nothing")
    recital = Recital(run, Wish())

    result = recital.speak(job(recital, run, 1))

    assert (result.name, result.status) == ("epoch_1", "failed")
    assert result.reason.startswith(f"{run.epoch_checkpoint(1)}: damaged")


def test_a_damaged_checkpoint_leaves_the_sample_that_is_there(run):
    recital = spoken(run, 1)
    run.epoch_checkpoint(1).write_bytes(b"nothing")

    assert not recital.is_up_to_date(job(recital, run, 1), reading=True)
    assert recital.speak(job(recital, run, 1)).status == "failed"
    assert (run.samples / "epoch_1.json").exists()


def test_files_of_two_makings_never_pass_for_one(run):
    """From the first file that is written anew, the record of the older ones is gone."""
    recital = spoken(run, 1)
    for file in run.samples.glob("*_output.wav"):
        file.unlink()
        file.mkdir()  # nothing can be written there

    with pytest.raises(OSError, match="epoch_1_output"):
        recital.speak(job(recital, run, 1))

    assert not (run.samples / "epoch_1.json").exists()


def test_what_a_killed_process_left_of_a_sample_is_removed(run):
    run.best_samples.mkdir()
    for partial in (".epoch_2_output.wav.77.partial", ".epoch_2.json.77.partial", "best/.epoch_2.json.77.partial"):
        (run.samples / partial).touch()
    others = run.samples / ".epoch_20_output.wav.77.partial"
    others.touch()

    spoken(run, 2)

    assert list(run.samples.rglob("*.partial")) == [others]


def test_a_base_model_that_is_gone_is_told_once_for_all(run, tmp_path):
    run.write_facts(run.read_facts() | {"base": {"folder": str(tmp_path / "gone")}})
    recital = Recital(run, Wish())

    with pytest.raises(ModelError, match="gone"):
        recital.speak(job(recital, run, 1))


def test_a_run_that_does_not_say_what_it_speaks_is_refused(run):
    facts = run.read_facts()
    del facts["sentences"]
    run.write_facts(facts)

    with pytest.raises(RunError) as refusal:
        Recital(run, Wish())

    assert str(refusal.value) == f"{run.facts}: lacks the sentences of the run; expected what a training wrote."
