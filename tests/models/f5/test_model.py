import shutil

import pytest
import torch

from escuta.doctor.watch import FftWatch
from escuta.errors import CheckpointError, LanguageError, TextError
from escuta.models.base import Generation, Learning, VoiceModel
from escuta.models.f5.model import load_f5
from escuta.models.load import load_model, speaking_bytes

QUICK = Generation(steps=2)


@pytest.fixture(scope="module")
def model(f5_base):
    return load_f5(f5_base, uses=["features", "training", "speaking"], device="cpu")


@pytest.fixture
def speaker(f5_base):
    return load_f5(f5_base, uses=["speaking"], device="cpu")


@pytest.fixture(scope="module")
def reference(model, wav_T):
    return model.reference(wav_T, "Um gato dorme no sofá da sala.")


def say(model, text, reference, *, seed=0, generation=QUICK):
    return model.speak(text, reference, language="pt", generation=generation, seed=seed)


def test_a_folder_becomes_a_model_that_keeps_the_contract(f5_base):
    made: VoiceModel = load_model(f5_base, uses=["features", "training", "speaking"])

    for name in VoiceModel.__annotations__.keys() | {name for name in vars(VoiceModel) if name[0] != "_"}:
        assert hasattr(made, name), name
    assert made.family == "f5"
    assert speaking_bytes(f5_base, "int8") > 0


def test_a_seed_says_the_same_whoever_listens(model, speaker, reference):
    first, again, other, alone = (
        say(one, "Bom dia.", reference, seed=seed).wav_T
        for one, seed in ((model, 0), (model, 0), (model, 1), (speaker, 0))
    )

    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    torch.testing.assert_close(alone, first, rtol=1e-3, atol=1e-4)


def test_what_was_chosen_is_told(model, reference):
    spoken = model.speak("Oi.", reference, language="pt-BR", generation=Generation(top_k=5), seed=0)

    assert spoken.generation == Generation(steps=16, guidance=2.0)
    assert (spoken.stop, spoken.num_sentences, spoken.sample_rate) == ("ended", 1, 24_000)
    assert spoken.num_codes == len(spoken.wav_T) // 256
    assert spoken.wav_T.abs().max() <= 1


def test_a_text_in_company_is_spoken_as_alone(speaker, reference):
    texts = ["Bom dia.", "A casa amarela fica no fim da rua."]
    together = speaker.speak_all(texts, reference, language="pt", generation=QUICK, seed=3)

    for text, one in zip(texts, together, strict=True):
        torch.testing.assert_close(one.wav_T, say(speaker, text, reference, seed=3).wav_T, rtol=1e-3, atol=1e-4)


def test_a_long_text_is_spoken_in_pieces(speaker, reference):
    spoken = say(speaker, "Era uma vez um gato que morava na rua de cima. " * 12, reference)

    assert spoken.num_sentences > 1
    assert spoken.wav_T.isfinite().all()


def test_letters_that_the_vocabulary_lacks_are_reported(speaker, reference):
    assert say(speaker, "Ônibus é bom. ☃", reference).notes == (
        "characters that the vocabulary lacks were read as others: Ô → ô",
        "characters that the vocabulary lacks were left out: '☃'",
    )
    assert say(speaker, "Bom dia.", reference).notes == ()


def test_texts_with_nothing_to_say_are_refused_all_at_once(speaker, reference):
    with pytest.raises(TextError) as refusal:
        speaker.speak_all(["Bom dia.", "...", "☃"], reference, language="pt", generation=QUICK, seed=0)

    assert len(refusal.value.problems) == 2


def test_what_a_clip_cannot_teach_is_told(model):
    assert model.text_problems("Olá ☃", "pt") == []
    assert model.text_problems("Olá ☃", "pt", learning=True) == ["the vocabulary lacks '☃'"]
    assert "of which the model learns 1000 at most" in model.text_problems("a" * 1001, "pt", learning=True)[0]


def test_a_language_that_nobody_knows_is_refused(speaker, reference):
    with pytest.raises(LanguageError):
        speaker.speak("Hi.", reference, language="tlh", generation=QUICK, seed=0)


def test_features_make_a_batch_that_gives_a_loss(model, wav_T):
    clip = model.features(wav_T, "Um gato dorme.", "pt")
    batch = model.collate([clip, clip], torch.Generator().manual_seed(0))

    assert clip["mel"].shape == (len(wav_T) // 256 + 1, 100)
    assert model.trainable(batch)["loss"].isfinite()
    assert model.num_targets(batch).item() > 0


def test_frozen_parts_stay_as_they_are(f5_base):
    model = load_f5(f5_base, uses=["training"], device="cpu")
    model.learn(Learning(freeze=("embeddings",), recomputes=True))

    frozen = {name.partition(".")[0] for name, one in model.trainable.named_parameters() if not one.requires_grad}
    assert frozen == {"text_embed"}
    assert model.trainable.recomputes


@pytest.mark.parametrize("uses", [["training", "speaking"], ["speaking"]])
def test_a_checkpoint_is_what_speaks_from_then_on(f5_base, reference, uses):
    model = load_f5(f5_base, uses=uses, device="cpu")
    before = say(model, "Bom dia.", reference).wav_T
    own = {name: tensor.detach().clone() for name, tensor in model.trained_tensors().items()}
    changed = {name: tensor * 1.1 for name, tensor in own.items()}
    model.load_trained(changed, where="there")

    assert not torch.equal(say(model, "Bom dia.", reference).wav_T, before)
    model.load_trained(own, where="there")
    torch.testing.assert_close(say(model, "Bom dia.", reference).wav_T, before, rtol=1e-3, atol=1e-4)


def test_a_checkpoint_of_another_family_is_named(speaker):
    with pytest.raises(CheckpointError, match=r"epoch_1: is of an XTTS-v2; expected one of an F5-TTS"):
        speaker.load_trained({"gpt.mel_head.bias": torch.ones(1)}, where="epoch_1")


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_packed_weights_speak_and_tell_how_far_they_are(f5_base, speaker, reference, wav_T, precision):
    clips = [load_f5(f5_base, uses=["features"], device="cpu").features(wav_T, "Um gato dorme.", "pt")]
    exact = say(speaker, "Bom dia.", reference).wav_T
    assert speaker.difference(clips) == 0
    speaker.pack(precision)
    signs = []

    assert len(say(speaker, "Bom dia.", reference).wav_T) == len(exact)
    assert 0 < speaker.difference(clips, lambda: signs.append(1)) < 0.001
    assert signs


def test_speaking_leaves_the_train_mode_the_gradients_and_the_random_state_alone(model, reference, wav_T):
    model.trainable.train()
    state = torch.get_rng_state()
    say(model, "Bom dia.", reference)

    assert model.trainable.training
    assert all(one.requires_grad for one in model.trainable.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    model.trainable.eval()


def test_nobody_makes_a_spectrogram_while_speaking(speaker, reference):
    with FftWatch() as watch:
        say(speaker, "Bom dia.", reference)

    assert watch.ffts == []


def test_an_export_speaks_the_same(model, reference, tmp_path):
    assert model.export(tmp_path / "out") is None
    again = load_f5(tmp_path / "out", uses=["speaking"], device="cpu")

    torch.testing.assert_close(
        say(again, "Bom dia.", reference).wav_T, say(model, "Bom dia.", reference).wav_T, rtol=1e-3, atol=1e-4
    )


def test_features_need_no_weights_of_the_network(f5_base, tmp_path, wav_T):
    folder = tmp_path / "f5"
    shutil.copytree(f5_base, folder, ignore=shutil.ignore_patterns("vocos"))

    assert load_f5(folder, uses=["features"], device="cpu").features(wav_T, "Oi.", "pt")["text"].tolist()
