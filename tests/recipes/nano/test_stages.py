"""Every stage that trains goes on after a kill as if there had been none, and what they learn makes a model."""

import shutil
from pathlib import Path

import pytest
import torch
from recipes.nano.clips import find_clips, read_wave
from recipes.nano.stage import latest_figures, learned, read_stage
from recipes.nano.work import read_rows
from torch import Tensor

from escuta.models.base import Generation
from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.model import load_xtts
from escuta.text.tokenizer import Tokenizer
from recipes.nano import assemble, decoder, dvae, gpt, left_off, measure, speaker_encoder, tokenizer, vocoder

BEFORE = {
    "dvae": (),
    "speaker_encoder": (),
    "gpt": ("dvae",),
    "vocoder": ("dvae",),
    "decoder": ("dvae", "gpt", "speaker_encoder", "vocoder"),
}
STAGES = {"dvae": dvae, "speaker_encoder": speaker_encoder, "gpt": gpt, "vocoder": vocoder, "decoder": decoder}


@pytest.fixture
def prepared(work: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work folder with a vocabulary; batches are small, figures come early, and so do the judges."""
    monkeypatch.setattr("sys.argv", ["tokenizer", "--work", str(work)])
    tokenizer.main()
    for module in STAGES.values():
        monkeypatch.setattr(module, "FIGURE_STEPS", 2)
    for module in (dvae, speaker_encoder, gpt):
        monkeypatch.setattr(module, "BATCH", 4)
    for module in (vocoder, decoder):
        monkeypatch.setattr(module, "JUDGED_FROM", 1)
    return work


@pytest.mark.parametrize(
    "name", ["dvae", "speaker_encoder", "gpt", "vocoder", pytest.param("decoder", marks=pytest.mark.slow)]
)
def test_a_stage_that_was_stopped_goes_on_as_if_it_had_not_been(
    name: str, prepared: Path, tiny: XttsConfig, tmp_path: Path
):
    for earlier in BEFORE[name]:
        STAGES[earlier].train(prepared, 1, tiny)
    STAGES[name].train(prepared, 3, tiny)
    straight = read_stage(prepared, name)
    (prepared / "stages" / f"{name}.pt").unlink()
    for num_steps in (1, 3):
        STAGES[name].train(prepared, num_steps, tiny)
    assert same(read_stage(prepared, name), straight)
    assert learned(prepared, name) is not None


def test_what_the_stages_learned_makes_a_model_that_speaks(prepared: Path, tiny: XttsConfig, tmp_path: Path):
    for name in ("dvae", "speaker_encoder", "gpt", "vocoder", "decoder"):
        STAGES[name].train(prepared, 2, tiny)
    out = tmp_path / "nano"
    assemble.assemble(prepared, out, tiny)
    model = load_xtts(out, uses=("features", "training", "speaking"), device="cpu")
    assert model.languages == ("en", "pt")
    reference = model.reference(torch.from_numpy(read_wave(prepared, find_clips(prepared)[0], 22050)))
    said = model.speak("Um gato.", reference, language="pt", generation=Generation(temperature=1.0), seed=0)
    assert said.num_codes > 0
    assert said.wav_T.isfinite().all()
    card = (out / "CARD.md").read_text(encoding="utf-8")
    assert "synthetic" in card
    assert "held out mel" in card


def test_without_a_work_folder_stages_go_on_from_what_ships(prepared: Path, tiny: XttsConfig, tmp_path: Path):
    for name in ("dvae", "speaker_encoder", "gpt", "decoder"):
        STAGES[name].train(prepared, 2, tiny)
    assemble.assemble(prepared, tmp_path / "nano", tiny)
    left_off.keep(prepared, tmp_path / "left_off.safetensors")
    before = {name: learned(prepared, name) for name in ("gpt", "decoder")}
    shutil.rmtree(prepared / "stages")
    (prepared / "vocab.json").unlink()
    figures = latest_figures(prepared)
    (prepared / "figures.jsonl").unlink()

    left_off.restore(prepared, tmp_path / "nano", tmp_path / "left_off.safetensors")
    assert latest_figures(prepared) == figures != []
    for name in ("gpt", "decoder"):
        for tensor, wanted in before[name].items():
            torch.testing.assert_close(learned(prepared, name)[tensor], wanted, rtol=1e-3, atol=1e-3)
        STAGES[name].train(prepared, 3, tiny)
        assert read_stage(prepared, name)["step"] == 3
    assemble.assemble(prepared, tmp_path / "nano", tiny)


def test_each_stage_writes_down_a_figure_of_clips_it_never_heard(prepared: Path, tiny: XttsConfig):
    dvae.train(prepared, 2, tiny)
    (row,) = [row for row in read_rows(prepared / "figures.jsonl") if row["stage"] == "dvae"]
    assert row["step"] == 2
    assert row["held_out_error"] > 0


def test_true_codes_are_voiced_by_the_parts_of_an_assembled_model(prepared: Path, tiny: XttsConfig, tmp_path: Path):
    for name in ("dvae", "speaker_encoder", "gpt", "decoder"):
        STAGES[name].train(prepared, 1, tiny)
    assemble.assemble(prepared, tmp_path / "nano", tiny)
    nano = measure.Nano(tmp_path / "nano")
    clip = find_clips(prepared, ("held_out",))[0]
    wav_T = read_wave(prepared, clip, 22050)
    voiced_T = nano.voice_codes(clip.text, clip.language, wav_T, nano.whole.reference(torch.from_numpy(wav_T)))
    assert abs(len(voiced_T) / 24000 - clip.seconds) < 0.1

    human, synthetic = measure.demo_sounds(nano, 1)
    assert [human.kind, synthetic.kind] == ["codec_allison", "codec_dora"]
    assert human.text.startswith("All of our representatives")
    for sound in (human, synthetic):
        assert abs(len(sound.wav_T) / sound.sample_rate - len(sound.true_T) / measure.JUDGE_RATE) < 0.1


def test_the_decoder_begins_with_what_the_vocoder_made_of_the_told_sound(prepared: Path, tiny: XttsConfig):
    dvae.train(prepared, 1, tiny)
    gpt.train(prepared, 1, tiny)
    vocoder.train(prepared, 1, tiny)
    config = tiny
    told = vocoder.Voicing(config, torch.nn.Linear(vocoder.stack_width(config), config.gpt.width))
    told.voices.load_state_dict(learned(prepared, "vocoder"))
    begun = decoder.Voicing(config, torch.nn.Identity())
    decoder.begin_as_vocoder(begun, learned(prepared, "vocoder"), learned(prepared, "gpt"))
    latents_BKD, nobody_BE = (
        torch.randn(1, 12, config.gpt.width),
        torch.zeros(1, config.speaker_encoder.embedding_width),
    )
    sound = learned(prepared, "gpt")
    stacks_BKS = latents_BKD @ sound["sound.weight"].T + sound["sound.bias"]
    front = told.voices["front"](stacks_BKS)
    with torch.no_grad():
        expected_BT = told.voices["decoder"](front, nobody_BE)
        said_BT = begun.voices["decoder"](latents_BKD, nobody_BE)
    middle = slice(2000, -2000)  # a bias is no longer padded with zeros at the ends
    torch.testing.assert_close(said_BT[:, middle], expected_BT[:, middle], rtol=1e-3, atol=1e-4)


def test_the_vocabulary_holds_both_languages_and_every_letter(prepared: Path):
    known = Tokenizer(prepared / "vocab.json")
    assert known.languages == ("en", "pt")
    assert not known.unknown_characters("Ação, “você” — sim…", "pt")
    assert known.start_id == 3


def same(one: object, other: object) -> bool:
    """Whether two states are equal to the bit."""
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other
