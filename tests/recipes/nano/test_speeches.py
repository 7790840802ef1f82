from dataclasses import replace
from pathlib import Path

import torch
from recipes.nano.clips import find_clips
from recipes.nano.speeches import Speeches
from torch import Tensor

from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.dvae import Dvae
from escuta.text.tokenizer import Tokenizer
from recipes.nano import tokenizer


def speeches_of(work: Path, config: XttsConfig) -> Speeches:
    (work / "vocab.json").write_text(tokenizer.learn(["the cat sat on a mat .", "o gato dorme no sofá ."]))
    torch.manual_seed(0)
    found = Speeches(Tokenizer(work / "vocab.json"), Dvae(config), torch.full((80,), -5.0))
    found.add(work, find_clips(work))
    return found


def test_clips_that_came_since_are_taken_in_once(work: Path, tiny: XttsConfig):
    speeches = speeches_of(work, tiny)
    before = len(speeches)
    speeches.add(work, find_clips(work))
    assert len(speeches) == before > 0
    speeches.add(work, find_clips(work, ("validation",)))
    assert len(speeches) > before


def test_a_batch_is_drawn_by_its_step_alone_and_told_sound_is_as_long_as_its_codes(work: Path, tiny: XttsConfig):
    speeches = speeches_of(work, tiny)
    one, other = (speeches.batch(4, 240, torch.Generator().manual_seed(7)) for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert one["stacks"].shape[:2] == one["codes"].shape
    assert one["conditioning_mel"].shape[2] == one["conditioning_lengths"][0]


def test_espeaks_clips_are_a_share_of_all_items_however_many_there_are(work: Path, tiny: XttsConfig, monkeypatch):
    for name, value in {"JOINED": 0.0, "DRAWN": 1}.items():
        monkeypatch.setattr(f"recipes.nano.speeches.{name}", value)
    speeches = speeches_of(work, tiny)

    def lengths() -> Tensor:
        return speeches.batch(400, 240, torch.Generator().manual_seed(3))["text_lengths"]

    longest = lengths().max()
    longer = [replace(clip, text=f"{clip.text} {clip.text}") for clip in find_clips(work, ("validation",))]
    speeches.add(work, longer, spelling=True)
    for wanted in (0.0, 0.5, 1.0):
        monkeypatch.setattr("recipes.nano.speeches.SPELLING", wanted)
        assert abs((lengths() > longest).float().mean() - wanted) < 0.1


def test_two_clips_of_one_voice_become_one_item(work: Path, tiny: XttsConfig, monkeypatch):
    monkeypatch.setattr("recipes.nano.speeches.JOINED", 1.0)
    speeches = speeches_of(work, tiny)
    joined = speeches.batch(4, 240, torch.Generator().manual_seed(1))
    single = speeches.batch(4, 0, torch.Generator().manual_seed(1))
    assert joined["code_lengths"].max() > 1.5 * single["code_lengths"].max()
    assert joined["text_lengths"].max() > 1.5 * single["text_lengths"].max()
