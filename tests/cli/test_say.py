import dataclasses
import json

import pytest
import soundfile

from escuta.cli.main import main
from escuta.models import bases
from escuta.models.xtts.weights import load_weights, save_base
from escuta.run.checkpoints import Progress
from escuta.run.folder import RunFolder
from runs import make_checkpoint, make_quick_base, make_reference
from sounds import SAMPLE_RATE, noise, silence


@pytest.fixture
def base(random_base, tmp_path):
    return make_quick_base(tmp_path / "base", random_base)


@pytest.fixture
def run(base, tmp_path):
    """A run of two epochs in English; the first is the best."""
    run = RunFolder(tmp_path / "run")
    run.write_facts({"language": "en", "base": {"folder": str(base)}})
    make_checkpoint(run.epoch_checkpoint(1), base, scale=1.1)
    make_checkpoint(run.epoch_checkpoint(2), base, scale=1.2, progress=Progress(epoch=2, step=8))
    run.best_checkpoint.hardlink_to(run.epoch_checkpoint(1))
    return run


@pytest.fixture
def say(tmp_path, capsys):
    """Say one text; what was printed, and the sound."""
    reference = make_reference(tmp_path / "voice.wav")

    def say(*options, text="Good evening."):
        output = tmp_path / "said.wav"
        words = ["say", "--text", text, "--reference", reference, "--output", output, *options]
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        assert ended.value.code == 0, capsys.readouterr().err
        return capsys.readouterr().out, output.read_bytes()

    return say


def test_what_is_no_wav_no_text_or_no_rate_is_refused(tmp_path, capsys):
    for options, problem in (
        (["hi", "--out", str(tmp_path / "said.mp3")], "expected a file that ends in .wav. Name one.\n"),
        (["hi", "--out", ""], "--out '.': expected a file that ends in .wav. Name one.\n"),
        (["hi\udcff", "--out", str(tmp_path / "said.wav")], "the text: not in UTF-8; expected plain text."),
        (["hi", "--out", str(tmp_path / "said.wav"), "--sample-rate", "0"], "--sample-rate"),
        (["hi", "--out", str(tmp_path / "said.wav"), "--seed", "-1"], "--seed"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["say", *options])
        assert ended.value.code == 2
        assert problem in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.fixture
def refused(tmp_path, capsys):
    """Try to say something; the lines that say why it was refused."""

    def refused(*words):
        with pytest.raises(SystemExit) as ended:
            main(["say", *map(str, words), "--out", str(tmp_path / "said.wav")])
        assert ended.value.code == 2
        assert not (tmp_path / "said.wav").exists()
        return capsys.readouterr().err.splitlines()

    return refused


def test_a_run_speaks_with_its_best_checkpoint_and_says_so(run, say):
    printed, sound = say("--run", run.path)
    assert "best_model.pt" in printed.splitlines()[0]
    assert sound == say("--run", run.path, "--checkpoint", "checkpoint_epoch_1.pt")[1]


def test_what_scored_best_goes_before_what_has_the_lowest_loss(run, say):
    run.best_by_score.hardlink_to(run.epoch_checkpoint(2))
    printed, sound = say("--run", run.path)
    assert "best_by_score.pt" in printed.splitlines()[0]
    assert sound == say("--run", run.path, "--checkpoint", "checkpoint_epoch_2.pt")[1]


def test_a_run_speaks_in_its_own_voice_unless_it_is_given_another(run, say, tmp_path):
    own, copy = make_reference(tmp_path / "own.wav", 3.0), run.samples / "epoch_0_reference.wav"
    run.write_facts({**run.read_facts(), "reference": str(own)})
    run.samples.mkdir()
    copy.write_bytes(own.read_bytes())
    output = tmp_path / "own_said.wav"

    def sound():
        with pytest.raises(SystemExit) as ended:
            main(["say", "Good evening.", "--run", str(run.path), "--out", str(output)])
        assert ended.value.code == 0
        return output.read_bytes()

    given = say("--run", run.path, "--reference", own)[1]
    assert sound() == given != say("--run", run.path)[1]
    own.unlink()  # the copy beside the samples is the same
    assert sound() == given


def test_nano_is_what_speaks_when_nothing_is_named_and_has_voices_of_its_own(base, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bases, "NANO", base)
    for language, seconds in (("pt", 2.0), ("en", 3.0)):
        make_reference(base / "voices" / f"{language}.flac", seconds)
    sounds = set()
    for language in ("pt", "en"):
        with pytest.raises(SystemExit) as ended:
            main(["say", "Até logo.", "--language", language, "--out", str(tmp_path / "said.wav")])
        assert ended.value.code == 0
        assert "nano" in capsys.readouterr().out.splitlines()[0]
        sounds.add((tmp_path / "said.wav").read_bytes())
    assert len(sounds) == 2


def test_how_fast_it_was_is_told(base, say):
    printed, _sound = say("--base", base)
    assert "Real-time factor: " in printed


def test_another_checkpoint_can_be_named(run, say):
    printed, sound = say("--run", run.path, "--checkpoint", "checkpoint_epoch_2.pt")
    assert "checkpoint_epoch_2.pt" in printed.splitlines()[0]
    assert sound != say("--run", run.path)[1]


def test_a_run_without_a_best_checkpoint_speaks_with_its_base_and_says_so(run, base, say):
    run.best_checkpoint.unlink()
    printed, sound = say("--run", run.path)
    assert base.name in printed.splitlines()[0]
    assert sound == say("--base", base, "--language", "en")[1]


def test_the_language_is_the_runs_unless_another_is_asked_for(run, say):
    sound = say("--run", run.path, text="Seven 7 sailors.")[1]
    assert sound == say("--run", run.path, "--language", "en", text="Seven 7 sailors.")[1]
    assert sound != say("--run", run.path, "--language", "pt", text="Seven 7 sailors.")[1]


def test_the_file_is_a_22050_hz_wav_unless_another_rate_is_asked_for(base, say, tmp_path):
    say("--base", base)
    assert soundfile.info(tmp_path / "said.wav").samplerate == 22050
    say("--base", base, "--sample-rate", "24000")
    assert soundfile.info(tmp_path / "said.wav").samplerate == 24000


def test_the_weights_are_packed_unless_exact_ones_are_asked_for(run, say):
    packed, exact = say("--run", run.path)[1], say("--run", run.path, "--precision", "exact")[1]
    assert packed == say("--run", run.path, "--precision", "int8")[1]
    assert packed != exact


def test_what_the_samples_of_the_run_refused_is_refused_here_too(run, say):
    run.samples.mkdir()
    precision = {"asked": "auto", "used": "bf16", "difference": 0.0, "checked": "epoch_0", "refused": {"int8": 0.1}}
    (run.samples / "epoch_0.json").write_text(json.dumps({"name": "epoch_0", "device": "cpu", "precision": precision}))
    assert say("--run", run.path)[1] == say("--run", run.path, "--precision", "bf16")[1]


def test_two_thousand_characters_are_said_in_pieces_and_joined(base, say, tmp_path):
    short = "Olá, tudo bem com você? Eu vou bem, obrigado, e amanhã vou ao mercado comprar pão. "
    say("--base", base, text=short)
    one = soundfile.info(tmp_path / "said.wav").duration
    say("--base", base, text=(short * 25)[:2000])
    assert soundfile.info(tmp_path / "said.wav").duration > 3 * one


def test_numbers_that_grow_too_long_in_words_are_said_in_shorter_pieces(base, say, tmp_path):
    say("--base", base, text="9" * 200)
    assert soundfile.info(tmp_path / "said.wav").duration > 0


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_text_is_refused(base, refused, tmp_path, text):
    reference = make_reference(tmp_path / "voice.wav")
    assert refused(text, "--base", base, "--reference", reference) == [f"text {text!r}: there is nothing to say."]


def test_a_text_that_is_given_twice_or_never_is_refused(refused):
    assert refused("a", "--text", "b") == ["the text and --text: found both; expected one of them. Leave one out."]
    assert refused() == ["the text: not given; expected what to say. Write it between quotation marks after say."]


@pytest.mark.parametrize("language", ["de", "tlh"])
def test_a_language_that_the_base_lacks_is_refused_with_those_it_has(random_base, refused, tmp_path, language):
    weights = load_weights(random_base)
    config = dataclasses.replace(weights.config, languages=("en", "pt"))
    save_base(tmp_path / "two", config, weights.tensors, weights.files.vocab.read_text(encoding="utf-8"))
    assert refused("Guten Tag.", "--base", tmp_path / "two", "--language", language) == [
        f"language {language!r}: this model lacks it; expected one of en, pt."
    ]


def test_a_reference_that_is_too_short_silent_or_missing_is_refused_with_the_reason(base, refused, tmp_path):
    voice = tmp_path / "voice.wav"
    soundfile.write(voice, noise(0.2), SAMPLE_RATE)
    assert refused("Olá.", "--base", base, "--reference", voice) == [
        f"{voice}: lasts 0.20 s; a reference lasts 1 s or more. Choose a longer one."
    ]
    soundfile.write(voice, silence(3.0), SAMPLE_RATE)
    assert refused("Olá.", "--base", base, "--reference", voice) == [
        f"{voice}: silent; expected a voice to clone. Choose another one."
    ]
    assert refused("Olá.", "--base", base) == [
        "--reference: not given; expected a recording of the voice, 1 s or more."
    ]


def test_f5_tts_speaks_after_a_recording_whose_text_is_given(say, refused, tmp_path):
    printed, sound = say("--base", "random-f5", "--reference-text", "Um gato dorme.", text="Ônibus.")

    assert sound[:4] == b"RIFF"
    assert "read as others: Ô → ô" in printed
    (tmp_path / "said.wav").unlink()
    reference = make_reference(tmp_path / "other.wav")
    assert "Give --reference-text" in " ".join(refused("Oi.", "--base", "random-f5", "--reference", reference))
