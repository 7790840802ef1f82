import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from escuta import __version__
from escuta.audio.files import read_audio
from escuta.engine import linear
from escuta.engine.faithfulness import TOLERANCE
from escuta.errors import AudioError, CheckpointError, TextError
from escuta.models.base import Generation
from escuta.models.load import load_model
from escuta.models.xtts.newborn import newborn_config, newborn_tensors
from escuta.models.xtts.weights import save_base
from escuta.run.checkpoints import Checkpoint, Progress, read_checkpoint, write_checkpoint
from escuta.run.held_out import write_held_out
from escuta.run.staging import Staging
from escuta.sampling.fingerprint import fingerprint
from escuta.sampling.speaking import Voice, read_reference
from escuta.text.vocabulary import character_vocabulary
from runs import SENTENCES, make_checkpoint, make_job, make_reference
from sounds import speechlike


@pytest.fixture
def voice(quick_base):
    return Voice(load_model(quick_base, uses=["speaking"]), "background")


@pytest.fixture(scope="session")
def checkpoint(quick_base, tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("run") / "checkpoint_epoch_1.pt", quick_base)


def make_base_of_another_size(folder):
    vocabulary = character_vocabulary()
    config = newborn_config(num_text_tokens=max(json.loads(vocabulary)["model"]["vocab"].values()) + 1)
    config = replace(config, gpt=replace(config.gpt, layers=1))
    save_base(folder, config, newborn_tensors(config, seed=0), vocabulary)
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_a_sample_is_its_sentences_the_reference_and_how_they_were_made(voice, checkpoint, tmp_path):
    job = make_job(tmp_path, checkpoint=checkpoint, sentences=SENTENCES, seed=3, generation=Generation(top_k=40))

    result = voice.speak(job)

    assert names(job.folder) == ["epoch_1.json", "epoch_1_output.wav", "epoch_1_output_02.wav", "epoch_1_reference.wav"]
    assert result.files == ("epoch_1_output.wav", "epoch_1_output_02.wav")
    assert (result.status, result.mode, result.best, result.reason) == ("spoken", "background", False, "")
    about = json.loads((job.folder / "epoch_1.json").read_text())
    seconds = about.pop("seconds")
    codes = [one.pop("num_codes") for one in about["sentences"]]
    audio = [one.pop("audio_seconds") for one in about["sentences"]]
    assert about == {
        "name": "epoch_1",
        "epoch": 1,
        "step": 4,
        "checkpoint": "checkpoint_epoch_1.pt",
        "weights": fingerprint(read_checkpoint(checkpoint).model),
        "mode": "background",
        "device": "cpu",
        "precision": {"asked": "auto", "used": "int8", "difference": None, "checked": None, "refused": {}},
        "averaged": False,
        "language": "en",
        "reference": "epoch_1_reference.wav",
        "reference_source": str(tmp_path / "voice.wav"),
        "seed": 3,
        "generation": {
            "temperature": 0.75,  # what the job leaves open is the model's own
            "top_k": 40,
            "top_p": 0.85,
            "repetition_penalty": 5.0,
            "greedy": False,
            "steps": None,
            "guidance": 0.0,
        },
        "sample_rate": 22050,
        "escuta": __version__,
        "torch": torch.__version__,
        "machine": about["machine"],
        "sentences": [
            {
                "file": "epoch_1_output.wav",
                "text": SENTENCES[0],
                "seed": 3,
                "stop": "ended",
                "num_pieces": 1,
                "notes": [],
            },
            {
                "file": "epoch_1_output_02.wav",
                "text": SENTENCES[1],
                "seed": 3,
                "stop": "ended",
                "num_pieces": 1,
                "notes": [],
            },
        ],
        "scores": {},
    }
    assert 0 < seconds <= result.seconds
    assert result.audio_seconds == pytest.approx(sum(audio), abs=0.002)
    assert audio == pytest.approx([num * 1024 / 22050 for num in codes], abs=0.06)  # each code is 46 ms


@pytest.mark.parametrize("sample_rate", [22050, 24000])
def test_its_files_are_16_bit_mono_and_last_as_long_as_what_was_said(voice, tmp_path, sample_rate):
    job = make_job(tmp_path, sample_rate=sample_rate)

    result = voice.speak(job)

    info = soundfile.info(job.folder / "epoch_1_output.wav")
    assert (info.format, info.subtype, info.channels, info.samplerate) == ("WAV", "PCM_16", 1, sample_rate)
    assert info.frames / sample_rate == pytest.approx(result.audio_seconds, abs=0.002)
    wav_T, _rate = soundfile.read(job.folder / "epoch_1_output.wav")
    assert np.abs(wav_T).max() > 0


def test_the_same_weights_and_seed_say_the_same_to_the_bit_and_others_do_not(voice, checkpoint, quick_base, tmp_path):
    again = Voice(load_model(quick_base, uses=["speaking"]), "later")
    jobs = {
        "first": (voice, {"checkpoint": checkpoint}),
        "base": (voice, {}),
        "first_again": (voice, {"checkpoint": checkpoint}),
        "elsewhere": (again, {"checkpoint": checkpoint}),
        "base_again": (again, {}),
        "other_seed": (again, {"seed": 1}),
    }
    wav, weights = {}, {}
    for name, (speaker, changes) in jobs.items():
        job = make_job(tmp_path, name=name, **changes)
        speaker.speak(job)
        wav[name] = (job.folder / f"{name}_output.wav").read_bytes()
        weights[name] = json.loads((job.folder / f"{name}.json").read_text())["weights"]

    assert wav["first"] == wav["first_again"] == wav["elsewhere"]
    assert wav["base"] == wav["base_again"]
    assert len({wav["first"], wav["base"], wav["other_seed"]}) == 3
    assert weights["first"] == weights["first_again"] == weights["elsewhere"]
    assert weights["base"] == weights["base_again"] == weights["other_seed"] != weights["first"]


def test_every_sentence_is_spoken_again_with_each_further_seed(voice, tmp_path):
    job = make_job(tmp_path, sentences=SENTENCES, seed=3, num_seeds=2, best=True)
    result = voice.speak(job)

    first = ("epoch_1_output.wav", "epoch_1_output_02.wav")
    assert result.files == (*first, "epoch_1_output_seed_4.wav", "epoch_1_output_02_seed_4.wav")
    assert set(names(job.folder / "best")) == {*result.files, "epoch_1.json", "epoch_1_reference.wav"}
    said = json.loads((job.folder / "epoch_1.json").read_text())["sentences"]
    expected = [(seed, text) for seed in (3, 4) for text in SENTENCES]
    assert [(one["seed"], one["text"]) for one in said] == expected
    assert [one["file"] for one in said] == list(result.files)
    spoken = {file: (job.folder / file).read_bytes() for file in result.files}
    assert len(set(spoken.values())) == 4
    for seed, ending in ((3, ""), (4, "_seed_4")):
        alone = replace(job, name="alone", seed=seed, num_seeds=1, best=False)
        voice.speak(alone)
        assert (job.folder / "alone_output.wav").read_bytes() == spoken[f"epoch_1_output{ending}.wav"]


def test_best_holds_only_the_newest_best(voice, checkpoint, tmp_path):
    voice.speak(make_job(tmp_path, name="epoch_1", checkpoint=checkpoint, best=True, sentences=SENTENCES))
    voice.speak(make_job(tmp_path, name="epoch_2", checkpoint=checkpoint))
    best = tmp_path / "samples" / "best"
    assert names(best) == ["epoch_1.json", "epoch_1_output.wav", "epoch_1_output_02.wav", "epoch_1_reference.wav"]

    voice.speak(make_job(tmp_path, name="epoch_3", checkpoint=checkpoint, best=True))

    assert names(best) == ["epoch_3.json", "epoch_3_output.wav", "epoch_3_reference.wav"]
    for path in best.iterdir():
        assert path.read_bytes() == (tmp_path / "samples" / path.name).read_bytes()
    assert (tmp_path / "samples" / "epoch_1_output_02.wav").exists()


def test_a_wav_reference_is_copied_as_it_is(voice, tmp_path):
    job = make_job(tmp_path)
    soundfile.write(job.reference, read_audio(job.reference, 16000), 16000, subtype="PCM_24")

    voice.speak(job)

    assert (job.folder / "epoch_1_reference.wav").read_bytes() == job.reference.read_bytes()


def test_a_flac_reference_becomes_a_real_wav(voice, tmp_path):
    job = make_job(tmp_path, reference=make_reference(tmp_path / "voice.flac"))

    voice.speak(job)

    info = soundfile.info(job.folder / "epoch_1_reference.wav")
    assert (info.format, info.subtype, info.samplerate) == ("WAV", "PCM_16", 22050)
    heard_T, copied_T = (read_audio(path, 22050) for path in (job.reference, job.folder / "epoch_1_reference.wav"))
    np.testing.assert_allclose(copied_T, heard_T, atol=2 / 32768)


def test_a_reference_is_read_once(voice, tmp_path):
    job = make_job(tmp_path, reference=make_reference(tmp_path / "voice.wav"))
    voice.speak(job)
    first = (job.folder / "epoch_1_output.wav").read_bytes()
    soundfile.write(job.reference, np.zeros(100, np.float32), 22050)

    voice.speak(job)

    assert (job.folder / "epoch_1_output.wav").read_bytes() == first


def test_a_reference_too_short_to_clone_from_is_refused(quick_base, tmp_path):
    path = make_reference(tmp_path / "blip.wav", seconds=0.5)

    with pytest.raises(AudioError) as refusal:
        read_reference(load_model(quick_base, uses=["speaking"]), path)

    assert str(refusal.value) == f"{path}: lasts 0.50 s; a reference lasts 1 s or more. Choose a longer one."


def test_a_failed_job_writes_nothing_and_the_next_one_is_spoken(voice, checkpoint, tmp_path):
    other = make_checkpoint(tmp_path / "other.pt", make_base_of_another_size(tmp_path / "other"))
    job = make_job(tmp_path)

    with pytest.raises(CheckpointError, match=r"other\.pt: \d+ tensors differ from the base model's"):
        voice.speak(make_job(tmp_path, checkpoint=other))
    with pytest.raises(TextError, match="vocabulary lacks"):
        voice.speak(make_job(tmp_path, sentences=("Good.", "\N{SNOWMAN}")))
    assert not job.folder.exists()

    assert voice.speak(job).status == "spoken"


def test_progress_is_a_sign_of_life(quick_base, tmp_path):
    signs = []
    voice = Voice(load_model(quick_base, uses=["speaking"]), "background", progress=lambda: signs.append(1))

    voice.speak(make_job(tmp_path))

    about = json.loads((tmp_path / "samples" / "epoch_1.json").read_text())
    assert len(signs) == about["sentences"][0]["num_codes"]


def features_of(model, seeds):
    return [model.features(torch.from_numpy(speechlike(2.0, seed=seed)), SENTENCES[seed % 2], "en") for seed in seeds]


@pytest.fixture(scope="session")
def trained(quick_base, tmp_path_factory):
    """A checkpoint that has really learned, and clips that it has not seen."""
    folder = tmp_path_factory.mktemp("trained")
    model = load_model(quick_base, uses=["features", "training"])
    learned, held_out = features_of(model, range(4)), features_of(model, range(4, 7))
    write_held_out(folder / "held_out.safetensors", held_out)
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW(model.trainable.parameters(), lr=1e-3)
    batch, losses = model.collate(learned, None), []
    for _ in range(30):
        loss = model.trainable.train()(batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    tensors = {name: tensor.detach() for name, tensor in model.trained_tensors().items()}
    checkpoint = Checkpoint("xtts", "", Progress(epoch=1, step=30), None, tensors, {}, {})
    write_checkpoint(folder / "checkpoint_epoch_1.pt", checkpoint)
    return {"checkpoint": folder / "checkpoint_epoch_1.pt", "held_out": folder / "held_out.safetensors"}


@pytest.fixture
def damaged_int8(monkeypatch):
    """The kernel of int8 keeps 3 bits of each weight."""

    def pack(weight_OI, bias_O):
        step_O1 = weight_OI.abs().amax(1, keepdim=True) / 3
        return linear._pack_as_is((weight_OI / step_O1).round() * step_O1, bias_O)

    linear._fastest.cache_clear()
    monkeypatch.setitem(linear.KERNELS, "int8", (linear.Kernel("3 bits", torch.float32, pack),))
    yield
    linear._fastest.cache_clear()


def told(job):
    return json.loads((job.folder / f"{job.name}.json").read_text())


def test_sound_packing_is_measured_after_the_sample_and_accepted(voice, trained, tmp_path):
    job = make_job(tmp_path, **trained)
    voice.speak(job)
    assert voice.unchecked
    before, sound = told(job), (job.folder / "epoch_1_output.wav").read_bytes()

    voice.check()

    assert not voice.unchecked
    precision = told(job)["precision"]
    assert 0 < precision.pop("difference") <= TOLERANCE
    assert precision == {"asked": "auto", "used": "int8", "checked": "epoch_1", "refused": {}}
    assert {**told(job), "precision": None} == {**before, "precision": None}
    assert (job.folder / "epoch_1_output.wav").read_bytes() == sound


def test_a_measurement_is_left_when_somebody_waits_and_made_after_the_next_sample(voice, trained, tmp_path):
    job, after = make_job(tmp_path, **trained), make_job(tmp_path, name="epoch_2", **trained)
    voice.speak(job)
    before = told(job)

    voice.check(gives_way=lambda: True)

    assert told(job) == before
    voice.speak(after)
    voice.check()
    assert told(after)["precision"]["checked"] == "epoch_2"


@pytest.mark.usefixtures("damaged_int8")
def test_damaged_packing_is_refused_and_the_sample_spoken_again_and_said_so(voice, trained, quick_base, tmp_path):
    job = make_job(tmp_path, **trained, best=True)
    voice.speak(job)
    assert told(job)["precision"]["used"] == "int8"
    damaged = (job.folder / "epoch_1_output.wav").read_bytes()

    voice.check()

    precision = told(job)["precision"]
    assert (precision["asked"], precision["used"], precision["checked"]) == ("auto", "bf16", "epoch_1")
    assert precision["refused"]["int8"] > TOLERANCE
    assert precision["difference"] <= TOLERANCE
    again = (job.folder / "epoch_1_output.wav").read_bytes()
    best = job.folder / "best"
    assert (best / "epoch_1.json").read_bytes() == (job.folder / "epoch_1.json").read_bytes()
    assert (best / "epoch_1_output.wav").read_bytes() == again != damaged
    asked_for = make_job(tmp_path, **trained, name="asked_for", precision="bf16")
    voice.speak(asked_for)
    assert (job.folder / "asked_for_output.wav").read_bytes() == again

    later = make_job(tmp_path, name="epoch_2", **trained)
    Voice(load_model(quick_base, uses=["speaking"]), "background").speak(later)  # a process that was started again
    assert told(later)["precision"] == precision


@pytest.mark.usefixtures("damaged_int8")
def test_what_was_refused_is_spoken_again_though_somebody_waits_for_the_next_measurement(voice, trained, tmp_path):
    job = make_job(tmp_path, **trained)
    voice.speak(job)

    voice.check(gives_way=lambda: bool(voice._trust_in(job).refused))

    precision = told(job)["precision"]
    assert (precision["used"], precision["difference"], precision["checked"]) == ("bf16", None, None)
    assert precision["refused"]["int8"] > TOLERANCE


def test_without_held_out_clips_it_says_that_nothing_was_measured(voice, trained, tmp_path):
    job = make_job(tmp_path, checkpoint=trained["checkpoint"], held_out=tmp_path / "gone.safetensors")
    voice.speak(job)
    before = (job.folder / "epoch_1.json").read_bytes()

    voice.check()

    assert (job.folder / "epoch_1.json").read_bytes() == before
    assert told(job)["precision"]["difference"] is None


def test_exact_is_the_exported_model_to_the_bit(trained, voice, quick_base, tmp_path):
    model = load_model(quick_base, uses=["training"])
    model.load_trained(read_checkpoint(trained["checkpoint"]).model, "checkpoint")
    model.export(tmp_path / "exported")
    exported = Voice(load_model(tmp_path / "exported", uses=["speaking"]), "later")
    jobs = [
        make_job(tmp_path, name="epoch_1", checkpoint=trained["checkpoint"], precision="exact"),
        make_job(tmp_path, name="exported", precision="exact"),
    ]

    for speaker, job in zip((voice, exported), jobs, strict=True):
        speaker.speak(job)
        assert told(job)["precision"] == {
            "asked": "exact",
            "used": "exact",
            "difference": 0.0,
            "checked": None,
            "refused": {},
        }
        speaker.check()

    one, other = ((job.folder / f"{job.name}_output.wav").read_bytes() for job in jobs)
    assert one == other
    assert told(jobs[0])["weights"] == told(jobs[1])["weights"]


def test_weights_that_moved_in_memory_are_read_from_their_file(voice, trained, tmp_path):
    staging = Staging()
    weights = dict(read_checkpoint(trained["checkpoint"]).model)
    staged = staging.put(weights)
    job = make_job(tmp_path, **trained, staged=staged)
    voice.speak(replace(job, checkpoint=tmp_path / "not_yet_written.pt"))
    first = told(job)["weights"]

    voice.speak(make_job(tmp_path, **trained, name="epoch_2", staged=staged))
    staging.put({"other": torch.ones(3)})
    voice.check()
    voice.speak(make_job(tmp_path, **trained, name="epoch_3", staged=staged))

    names = ("epoch_1", "epoch_2", "epoch_3")
    assert len({(job.folder / f"{name}_output.wav").read_bytes() for name in names}) == 1
    assert {json.loads((job.folder / f"{name}.json").read_text())["weights"] for name in names} == {first}
    staging.close()
