import json
import shutil
from dataclasses import replace

import pytest

from escuta.errors import BaseError, CheckpointError, DataError, InstallError, LanguageError, RunError, SettingsError
from escuta.terminal import Terminal
from escuta.training.advice import advise
from escuta.training.request import Request, assign
from runs import make_reference


def refusal(kind, request):
    """What is said when `request` is refused; nothing on disk is changed by it."""
    before = contents(request.run.path)
    with pytest.raises(kind) as refused:
        assign(request, Terminal())
    assert contents(request.run.path) == before
    return str(refused.value)


def contents(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.fixture
def finished(train, request_for):
    """A run of one epoch."""
    train(training__epochs=1)
    return request_for().run


def test_what_was_asked_for_is_completed(request_for, quick_base):
    request = request_for(language="en-US", sampling__num_sentences=1)

    assignment = assign(request, Terminal())

    advised = advise(request.settings, [clip.seconds for clip in assignment.dataset.train])
    assert (assignment.run, assignment.settings, assignment.advised) == (request.run, *advised)
    assert assignment.language == "en"
    assert assignment.base.folder == quick_base
    assert len(assignment.base_fingerprint) == 64
    assert (len(assignment.dataset.train), len(assignment.dataset.held_out)) == (8, 2)
    assert len(assignment.audition.sentences) == 1
    held_out = {clip.audio for clip in assignment.dataset.held_out}
    assert assignment.audition.reference in held_out
    assert assignment.resumed is None
    assert not request.run.path.exists()


def test_a_request_without_a_language_is_refused(request_for):
    request = request_for()
    silent = replace(request, settings=request.settings.model_copy(update={"language": None}))

    assert refusal(SettingsError, silent) == (
        "language: not given; expected that of the clips. Add --language pt, en, es, ..."
    )


@pytest.mark.parametrize(
    "flags",
    [
        {"sampling__mode": "background", "scores__enabled": True},
        {"training__patience": 2, "scores__enabled": True},
        {"training__patience": 2, "sampling__mode": "background"},
    ],
)
def test_to_stop_on_scores_takes_patience_and_somebody_who_speaks(request_for, flags):
    problem = refusal(SettingsError, request_for(training__stop_on="score", **flags))

    assert problem.startswith("training.stop_on: score; expected training.patience with it, and samples to score.")


def test_a_decoder_does_not_learn_beside_adapters_nor_where_there_is_none(request_for, f5_base):
    sound = {"training__decoder_learning_rate": 1e-4}

    assert refusal(SettingsError, request_for(training__lora_rank=4, **sound)) == (
        "training.decoder_learning_rate: found training.lora_rank beside it; expected one of them. Leave one out."
    )
    problem = refusal(SettingsError, request_for(base=str(f5_base), **sound))
    assert problem.startswith("training.decoder_learning_rate: ")
    assert problem.endswith(" has no decoder that learns; expected XTTS-v2. Leave it out.")


def test_f5_has_to_know_what_its_reference_says(request_for, f5_base, tmp_path):
    voice = str(make_reference(tmp_path / "voice.wav"))

    asked = {"base": str(f5_base), "sampling__mode": "inline", "sampling__reference": voice}

    assert refusal(SettingsError, request_for(**asked)) == (
        f"sampling.reference_text: not given; F5-TTS has to know what {voice} says. Add --set "
        "sampling.reference_text=..., or choose a clip of the dataset."
    )
    told = assign(request_for(**asked, sampling__reference_text="Good evening."), Terminal())
    assert told.audition.reference_text == "Good evening."


def test_a_folder_whose_first_file_was_being_written_when_all_ended_will_do(request_for, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".run.json.0a1b.partial").touch()

    assert assign(request_for(), Terminal()).resumed is None


def test_a_rule_that_is_not_there_is_refused_before_anything_begins(request_for, tmp_path):
    rule = f"{tmp_path}/my_rules.py:choose"

    assert refusal(SettingsError, request_for(scores__rule=rule)).startswith(f"scores.rule {rule!r}: cannot be loaded")


def test_a_language_that_the_model_lacks_is_refused(request_for):
    assert refusal(LanguageError, request_for(language="tlh")).startswith(
        "language 'tlh': this model lacks it; expected one of en, es,"
    )


def test_a_run_that_is_there_is_not_touched(finished, request_for):
    assert refusal(RunError, request_for()) == (
        f"{finished.path}: a run is already there, at epoch 1, step 4; nothing was changed. Continue it with "
        "--resume, or begin afresh with --fresh, which moves it aside."
    )


def test_a_run_without_a_checkpoint_is_there_too(request_for, tmp_path):
    request = request_for()
    request.run.path.mkdir()
    request.run.write_facts({})

    assert "a run is already there, at epoch 0, step 0;" in refusal(RunError, request)


def test_there_must_be_a_run_to_resume(request_for, tmp_path):
    assert refusal(RunError, request_for(resume=True)) == (
        f"{tmp_path / 'run'}: no run to resume; leave --resume out to begin one."
    )


def test_to_resume_and_to_begin_afresh_is_a_contradiction(finished, request_for):
    assert refusal(SettingsError, request_for(resume=True, fresh=True)) == (
        "--resume and --fresh: found both; expected one of them. Leave one out."
    )


def test_a_folder_with_other_files_is_refused(request_for, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("precious")

    message = f"{tmp_path / 'run'}: holds other files; expected an empty or new folder. Choose another with --out."
    assert refusal(RunError, request_for()) == message
    assert refusal(RunError, request_for(fresh=True)) == message


def test_an_empty_folder_will_do(request_for, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").touch()

    assert assign(request_for(), Terminal()).resumed is None


def test_a_run_is_resumed_where_it_was_with_what_it_has_spoken_so_far(finished, request_for, tmp_path):
    sentences = tmp_path / "sentences.txt"
    sentences.write_text("Something else.\n")
    facts = finished.read_facts()

    assignment = assign(request_for(resume=True, sampling__sentences=str(sentences)), Terminal())

    assert (assignment.resumed.epoch, assignment.resumed.step) == (1, 4)
    assert assignment.resumed_from == finished.epoch_checkpoint(1)
    assert [{"text": one.text, "source": one.source} for one in assignment.audition.sentences] == facts["sentences"]
    assert str(assignment.audition.reference) == facts["reference"]


def test_a_run_is_not_resumed_with_another_base(finished, request_for, random_base):
    assert refusal(CheckpointError, request_for(resume=True, base=str(random_base))) == (
        f"{finished.path}: was begun with another base model than {random_base}. Name that one with --base, or begin "
        "afresh with --fresh."
    )


def test_a_run_that_does_not_say_what_it_speaks_is_not_resumed(finished, request_for):
    facts = finished.read_facts()
    del facts["reference"]
    finished.facts.write_text(json.dumps(facts))

    assert refusal(RunError, request_for(resume=True)) == (
        f"{finished.facts}: lacks the sentences of the run. Begin afresh with --fresh."
    )


@pytest.mark.parametrize("setting", ["training__device", "sampling__device"])
def test_a_device_that_is_not_there_is_refused(request_for, setting):
    device = "mps" if setting == "training__device" else "cuda:99"

    assert refusal(InstallError, request_for(**{setting: device})).startswith(
        f"device {device}: not there, or not for this PyTorch; expected one of cpu"
    )


def test_a_base_that_is_not_there_is_refused(request_for, tmp_path):
    assert refusal(BaseError, request_for(base=str(tmp_path / "nowhere"))).startswith(
        f"--base {tmp_path / 'nowhere'}: no such folder"
    )


def test_problems_of_the_dataset_are_told_and_too_few_clips_refused(request_for, dataset, tmp_path, capsys):
    data = tmp_path / "data"
    shutil.copytree(dataset, data)
    lines = (data / "metadata.csv").read_text().splitlines()
    (data / "metadata.csv").write_text("\n".join([*lines[:2], "audio_00003|", "audio_00099|Not there."]) + "\n")

    message = refusal(DataError, request_for(data=data))

    assert message.startswith(f"{data}: 2 usable clips in metadata.csv, 2 left out; expected 3 or more.")
    said = capsys.readouterr().out
    assert "metadata.csv line 3: audio_00003: has no text" in said
    assert "metadata.csv line 4: audio_00099: not found" in said
    assert isinstance(request_for(), Request)
