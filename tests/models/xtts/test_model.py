import inspect

import pytest
import torch

from escuta.engine.faithfulness import TOLERANCE
from escuta.errors import CheckpointError, LanguageError, RunError, TextError
from escuta.models.base import Generation, VoiceModel
from escuta.models.xtts.model import PARTS, Xtts, load_xtts
from escuta.sampling.fingerprint import fingerprint
from sounds import speechlike

EVERY_USE = ("features", "training", "speaking")
SHORT = Generation(temperature=0.8, top_k=20)


@pytest.fixture
def model(random_base):
    """A model that ends its sentences soon."""
    model = load_xtts(random_base, uses=EVERY_USE, device="cpu")
    with torch.no_grad():
        model.trainable.mel_head.bias[model.trainable.config.stop_audio_token] += 1
    return model


@pytest.fixture(scope="module")
def wav_T():
    return torch.from_numpy(speechlike(4.0))


def speak(model, text, wav_T, *, seed=0, **options):
    return model.speak(text, model.reference(wav_T), language="en", generation=SHORT, seed=seed, **options)


@pytest.mark.parametrize(
    ("asked", "own"), [("pt", "pt"), ("pt-BR", "pt"), ("PT_br", "pt"), ("zh", "zh-cn"), ("en-GB", "en")]
)
def test_a_language_has_the_name_that_the_model_has_for_it(model, asked, own):
    assert model.language(asked) == own


def test_a_language_that_the_model_lacks_is_refused(model):
    model.languages = ("pt", "en")
    with pytest.raises(LanguageError, match=r"^language 'tlh': this model lacks it; expected one of pt, en\.$"):
        model.language("tlh")
    with pytest.raises(LanguageError) as refusal:
        model.language("fr-CA")
    assert str(refusal.value) == "language 'fr-CA': this model lacks it; expected one of pt, en."


def test_texts_that_can_be_spoken_have_no_problems(model):
    assert model.text_problems("Olá, São Paulo! São 10h.", "pt") == []
    assert model.text_problems("Good evening.", "en", learning=True) == []


def test_every_problem_of_a_text_is_told(model):
    assert model.text_problems("Snow \N{SNOWMAN} and \N{SNOWMAN WITHOUT SNOW}.", "en") == [
        "the vocabulary lacks '\N{SNOWMAN}' '\N{SNOWMAN WITHOUT SNOW}'"
    ]
    assert model.text_problems("  ", "en") == ["there is nothing to say"]


def test_a_long_text_can_be_spoken_but_not_learned(model):
    text = "word " * 60
    limit = model.clip_limits.max_text_tokens

    assert model.text_problems(text, "en") == []
    assert model.text_problems(text, "en", learning=True) == [
        f"300 text tokens, of which the model learns {limit} at most"
    ]


def test_features_are_of_the_whole_clip_and_need_no_gradient(model, wav_T):
    features = model.features(wav_T, "Good evening.", "en")

    assert features["text"].dtype == features["codes"].dtype == torch.int64
    assert features["text"].ndim == features["codes"].ndim == 1
    assert len(features["codes"]) == pytest.approx(4.0 * 22050 / 1024, abs=1)
    assert features["mel"].shape[0] == 80
    assert features["mel"].shape[1] == pytest.approx(4.0 * 22050 / 256, abs=1)
    assert not any(tensor.requires_grad for tensor in features.values())
    assert features["codes"].unique().numel() > 5  # something to learn


def test_a_decoder_learns_from_the_clip_at_the_rate_it_speaks_and_from_its_voice(model, wav_T):
    features = model.features(wav_T, "Good evening.", "en", sound=True)

    assert features["sound"].dtype == torch.int16
    assert len(features["sound"]) == pytest.approx(4.0 * 24000, abs=1)
    assert features["sound"].abs().max() / 32767 == pytest.approx(float(wav_T.abs().max()), rel=0.05)
    assert torch.equal(features["speaker"], model.reference(wav_T)["speaker"])
    silent = model.features(wav_T, "Good evening.", "en")
    assert all(torch.equal(tensor, features[name]) for name, tensor in silent.items())


def test_a_batch_of_features_has_a_loss_with_gradients_for_every_parameter(model, wav_T):
    features = [model.features(wav_T[:length], "Good evening.", "en") for length in (30_000, 88_200)]

    losses = model.trainable(model.collate(features, torch.Generator().manual_seed(0)))
    losses["loss"].backward()

    assert losses["loss"].isfinite()
    assert losses["loss"] == 0.01 * losses["loss_text"] + losses["loss_mel"]
    assert all(parameter.grad is not None for parameter in model.trainable.parameters())


def test_long_texts_are_split_and_joined(model, wav_T):
    text = "Seven old sailors count the waves, and every bird goes home. " * 9

    spoken = speak(model, text, wav_T)

    assert spoken.num_sentences == 3
    assert spoken.sample_rate == model.sample_rate == 24000
    assert spoken.wav_T.ndim == 1
    assert spoken.num_codes >= 3
    assert len(spoken.wav_T) == pytest.approx(spoken.num_codes * 1024 / 22050 * 24000, abs=3 * 512)
    assert speak(model, "Good evening.", wav_T).num_sentences == 1


def test_speech_that_does_not_end_by_itself_says_so(model, wav_T):
    assert speak(model, "Good evening.", wav_T).stop == "ended"
    with torch.no_grad():
        model.trainable.mel_head.bias[model.trainable.config.stop_audio_token] = -100

    spoken = speak(model, "Good evening.", wav_T)

    assert (spoken.stop, spoken.num_codes) == ("limit", model.trainable.config.max_new_tokens)


def test_one_seed_says_one_thing_and_the_choices_of_codes_count(model, wav_T):
    first, again, other = (speak(model, "Good evening.", wav_T, seed=seed).wav_T for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert first.shape != other.shape or not torch.equal(first, other)

    greedy = Generation(greedy=True)
    reference = model.reference(wav_T)
    one, two = (
        model.speak("Good evening.", reference, language="en", generation=greedy, seed=seed).wav_T for seed in (1, 2)
    )
    assert torch.equal(one, two)


def test_speaking_leaves_the_model_and_the_random_state_as_they_were(model, wav_T):
    module = model.trainable
    module.train()
    module.final_norm.eval()
    module.text_head.weight.requires_grad_(False)
    module.mel_head.weight.grad = torch.ones_like(module.mel_head.weight)
    torch.manual_seed(3)

    def state():
        return (
            [part.training for part in module.modules()],
            [parameter.requires_grad for parameter in module.parameters()],
            torch.get_rng_state().tolist(),
            torch.is_grad_enabled(),
        )

    before = state()
    quiet = speak(model, "Good evening.", wav_T)

    assert state() == before
    assert torch.equal(module.mel_head.weight.grad, torch.ones_like(module.mel_head.weight))
    assert torch.equal(speak(model, "Good evening.", wav_T).wav_T, quiet.wav_T)  # without dropout


def test_progress_is_called_with_every_code(model, wav_T):
    signs = []

    spoken = speak(model, "Good evening.", wav_T, progress=lambda: signs.append(1))

    assert len(signs) == spoken.num_codes


def test_what_cannot_be_spoken_is_refused(model, wav_T):
    with pytest.raises(TextError) as refusal:
        speak(model, "\N{SNOWMAN}", wav_T)
    assert str(refusal.value) == "text '\N{SNOWMAN}': the vocabulary lacks '\N{SNOWMAN}'."
    with pytest.raises(LanguageError):
        model.speak("Hi.", model.reference(wav_T), language="tlh", generation=SHORT, seed=0)


def test_a_reference_is_heard_in_chunks_and_no_longer_than_the_model_listens(model):
    config = model._config
    chunk, rate = config.conditioning_chunk_seconds, config.sample_rate
    long_T = torch.from_numpy(speechlike(config.conditioning_seconds + 5.0))

    long = model.reference(long_T)
    heard = model.reference(long_T[: config.conditioning_seconds * rate])
    short = model.reference(long_T[: rate * (chunk + 1)])
    shorter = model.reference(long_T[: rate * chunk + rate // 4])  # the rest of it is too short to listen to

    assert torch.equal(long["mels"], heard["mels"])
    assert len(long["mel_lengths"]) == -(-config.conditioning_seconds // chunk)
    assert len(short["mel_lengths"]) == 2
    assert short["mel_lengths"][0] > short["mel_lengths"][1]
    assert len(shorter["mel_lengths"]) == 1
    assert short["mels"].shape[:2] == (2, 80)
    assert short["speaker"].shape == (512,)
    assert not short["speaker"].requires_grad


def test_trained_tensors_are_the_live_ones_under_the_names_of_the_release(model):
    tensors = model.trained_tensors()

    assert all(name.startswith("gpt.") for name in tensors)
    assert "gpt.gpt.h.0.attn.c_attn.weight" in tensors
    with torch.no_grad():
        model.trainable.mel_head.bias.fill_(0.5)
    assert (tensors["gpt.mel_head.bias"] == 0.5).all()


def test_a_checkpoint_takes_the_place_of_the_weights_and_what_was_there_stays_as_it_is(model, random_base, wav_T):
    original = model.trained_tensors()
    copies = {name: tensor.clone() for name, tensor in original.items()}
    changed = {name: tensor * 1.5 if tensor.ndim > 1 else tensor.clone() for name, tensor in original.items()}
    before = speak(model, "Good evening.", wav_T).wav_T

    model.load_trained(changed, "checkpoint_epoch_1.pt")
    between = speak(model, "Good evening.", wav_T).wav_T
    model.load_trained(original, "base model")

    assert all(torch.equal(tensor, copies[name]) for name, tensor in original.items())
    assert before.shape != between.shape or not torch.equal(before, between)
    assert torch.equal(speak(model, "Good evening.", wav_T).wav_T, before)


@pytest.mark.parametrize("wrong", ["missing", "too many", "another shape"])
def test_a_checkpoint_of_another_model_is_refused_by_its_name(model, wrong):
    tensors = dict(model.trained_tensors())
    name = "gpt.mel_head.bias"
    match wrong:
        case "missing":
            del tensors[name]
        case "too many":
            name = "gpt.new"
            tensors[name] = torch.ones(1)
        case "another shape":
            tensors[name] = tensors[name][:-1]
    before = {name: tensor.clone() for name, tensor in model.trained_tensors().items()}

    with pytest.raises(CheckpointError) as refusal:
        model.load_trained(tensors, "checkpoint_epoch_1.pt")

    assert str(refusal.value) == (
        f"checkpoint_epoch_1.pt: 1 tensors differ from the base model's, {name} among them; expected a checkpoint of "
        "this model. Choose the base it was trained from."
    )
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.trained_tensors().items())


@pytest.mark.parametrize("use", EVERY_USE)
def test_parts_that_no_use_needs_are_not_loaded(random_base, use):
    model = load_xtts(random_base, uses=[use], device="cpu")

    there = {
        part
        for part, found in {
            "gpt": model._gpt,
            "decoder": model._mouth,
            "speaker_encoder": model._encoder,
            "dvae": model._dvae,
            "mel_stats": model._mel_stats_F,
        }.items()
        if found is not None
    }
    assert there == set(PARTS[use])


def test_an_export_speaks_like_the_model_it_is_of(model, wav_T, tmp_path):
    with torch.no_grad():
        model.trainable.mel_head.weight.mul_(1.1)

    model.export(tmp_path / "export")

    exported = load_xtts(tmp_path / "export", uses=EVERY_USE, device="cpu")
    # Not to the bit: tensors lie at other addresses in another file, and sums then run in another order.
    said, again = (speak(one, "Good evening.", wav_T) for one in (model, exported))
    assert again.num_codes == said.num_codes
    torch.testing.assert_close(again.wav_T, said.wav_T, rtol=0, atol=1e-5)
    with pytest.raises(RunError, match="already there"):
        model.export(tmp_path / "export")


def test_it_keeps_the_contract_of_every_family():
    for name in {name for name in vars(VoiceModel) if name[0] != "_"} - VoiceModel.__annotations__.keys():
        asked, kept = getattr(VoiceModel, name), getattr(Xtts, name)
        if isinstance(asked, property):
            assert isinstance(kept, property), name
        else:
            assert inspect.signature(kept) == inspect.signature(asked), name


@pytest.fixture(scope="module")
def tuned(random_base):
    """What a model and its decoder have learned, made up."""
    learning = load_xtts(random_base, uses=["training", "decoder_training"], device="cpu")
    generator = torch.Generator().manual_seed(0)
    return {
        name: tensor * (1 + 0.2 * torch.rand(tensor.shape, generator=generator))
        if name.startswith("hifigan_decoder.")
        else tensor.detach().clone()
        for name, tensor in learning.trained_tensors().items()
    }


@pytest.mark.parametrize("precision", ["exact", "int8"])
def test_a_checkpoints_own_decoder_speaks_it_and_the_bases_own_speaks_others(random_base, wav_T, tuned, precision):
    speaking = load_xtts(random_base, uses=["speaking"], device="cpu")
    base = speaking.trained_tensors()

    def said(tensors):
        speaking.load_trained(tensors, "here")
        speaking.pack(precision)
        return speak(speaking, "Good evening.", wav_T)

    first, changed, again = said(base), said(tuned), said(base)

    assert first.num_codes == changed.num_codes  # the language model is the same
    assert (first.wav_T - changed.wav_T).abs().max() > 1e-3
    assert torch.equal(first.wav_T, again.wav_T)
    assert fingerprint(speaking.trained_tensors()) == fingerprint(base)


def test_a_decoder_speaks_in_training_as_it_is_and_is_exported_so(random_base, wav_T, tuned, tmp_path):
    uses = ("training", "decoder_training", "speaking")
    model, plain = (load_xtts(random_base, uses=uses, device="cpu") for _ in range(2))
    assert torch.equal(speak(model, "Good evening.", wav_T).wav_T, speak(plain, "Good evening.", wav_T).wav_T)

    with torch.no_grad():
        for name, tensor in model.trained_tensors().items():
            tensor.copy_(tuned[name])
    said = speak(model, "Good evening.", wav_T)
    model.export(tmp_path / "export")

    exported = speak(load_xtts(tmp_path / "export", uses=["speaking"], device="cpu"), "Good evening.", wav_T)
    assert (said.wav_T - speak(plain, "Good evening.", wav_T).wav_T).abs().max() > 1e-3
    torch.testing.assert_close(exported.wav_T, said.wav_T, rtol=0, atol=1e-5)
    plain.load_trained(tuned, "here")
    assert torch.equal(speak(plain, "Good evening.", wav_T).wav_T, said.wav_T)


def test_a_model_that_learns_takes_a_decoder_along_and_leaves_it_again(model, wav_T, tuned):
    base, before = model.trained_tensors(), speak(model, "Good evening.", wav_T)

    model.load_trained(tuned, "here")
    assert fingerprint(model.trained_tensors()) == fingerprint(tuned)
    changed = speak(model, "Good evening.", wav_T)
    model.load_trained(base, "here")

    assert model.trained_tensors().keys() == base.keys()
    again = speak(model, "Good evening.", wav_T)
    assert torch.equal(before.wav_T, again.wav_T)
    assert changed.wav_T.shape != again.wav_T.shape or (changed.wav_T - again.wav_T).abs().max() > 1e-3


def test_a_decoder_that_is_not_whole_is_refused(model, tuned):
    name = "hifigan_decoder.waveform_decoder.conv_post.weight"

    with pytest.raises(CheckpointError, match=rf"^here: 1 tensors differ from the base model's, {name} among them"):
        model.load_trained({one: tensor for one, tensor in tuned.items() if one != name}, "here")


def test_texts_spoken_at_once_are_those_spoken_alone(model, wav_T):
    reference = model.reference(wav_T)
    long = "Seven old sailors count the waves, and every bird goes home. " * 9
    texts = ["Good evening.", long, "The tide is out."]

    together = model.speak_all(texts, reference, language="en", generation=SHORT, seed=4)

    assert [spoken.num_sentences for spoken in together] == [1, 3, 1]
    alone = [model.speak(text, reference, language="en", generation=SHORT, seed=4) for text in texts]
    assert [spoken.num_codes for spoken in together] == [spoken.num_codes for spoken in alone]
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one.wav_T, other.wav_T, atol=1e-4, rtol=0)


def test_all_texts_that_cannot_be_spoken_are_named(model, wav_T):
    texts = ["Snow \N{SNOWMAN}.", "Good evening.", " "]

    with pytest.raises(TextError) as refusal:
        model.speak_all(texts, model.reference(wav_T), language="en", generation=SHORT, seed=0)

    assert len(refusal.value.problems) == 2


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_packed_weights_are_spoken_with_until_others_are_loaded(model, wav_T, precision):
    exact = speak(model, "Good evening.", wav_T)

    model.pack(precision)
    packed = speak(model, "Good evening.", wav_T)
    model.load_trained(model.trained_tensors(), "here")
    loaded = speak(model, "Good evening.", wav_T)

    assert packed.wav_T.isfinite().all()
    assert not torch.equal(packed.wav_T, exact.wav_T)
    assert torch.equal(loaded.wav_T, exact.wav_T)


def test_exact_is_the_model_as_it_learns(model, wav_T):
    first = speak(model, "Good evening.", wav_T)
    model.pack("int8")
    model.pack("exact")
    assert torch.equal(speak(model, "Good evening.", wav_T).wav_T, first.wav_T)
    with torch.no_grad():
        model.trainable.mel_head.weight.mul_(0.5)
    assert not torch.equal(speak(model, "Good evening.", wav_T).wav_T, first.wav_T)


def test_clips_tell_whether_packed_weights_are_faithful(model, wav_T):
    clips = [model.features(wav_T[:length], "Good evening.", "en") for length in (44_100, 88_200)]
    assert model.difference(clips) == 0
    model.pack("int8")
    assert 0 < model.difference(clips) <= TOLERANCE
    model.pack("exact")
    assert model.difference(clips) == 0


@pytest.mark.parametrize("precision", ["exact", "bf16", "int8"])
def test_a_model_that_does_not_learn_says_and_measures_the_same_and_reads_its_weights_when_it_needs_them(
    model, random_base, wav_T, precision
):
    read = []

    class File(dict):
        def __getitem__(self, name):
            read.append(name)
            return super().__getitem__(name)

    clips = [model.features(wav_T[:44_100], "Good evening.", "en")]
    speaker = load_xtts(random_base, uses=["speaking"], device="cpu")
    tensors = File({name: tensor.detach().clone() for name, tensor in model.trained_tensors().items()})
    speaker.load_trained(tensors, "checkpoint_epoch_1.pt")
    assert not any(".h." in name for name in read)

    for one in (model, speaker):
        one.pack(precision)

    assert torch.equal(speak(speaker, "Good evening.", wav_T).wav_T, speak(model, "Good evening.", wav_T).wav_T)
    assert speaker.difference(clips) == pytest.approx(model.difference(clips), abs=1e-6)
    assert speaker.trained_tensors().keys() == tensors.keys()
