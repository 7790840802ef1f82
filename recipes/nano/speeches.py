"""What the language model learns from: texts, codes, and another clip of the same voice to hear it from.

Shapes: B batch, F mel bins, M mel frames, N text tokens, K codes, S one stack of frames (see `vocoder.py`).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from recipes.nano.clips import TAKES, Clip
from recipes.nano.features import FRAMES_PER_CODE
from recipes.nano.vocoder import stack
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from escuta.audio.mel import CONDITIONING
from escuta.models.xtts.dvae import Dvae
from escuta.text.tokenizer import Tokenizer
from recipes.nano import features

JOINED = 0.1  # of all items, those made of two clips: people want longer sentences than the clips are
CROP_SECONDS = (1.5, 3.5)
DRAWN = 4  # batches' worth of items of which those of like length make one batch
SPELLING = 0.3  # of all items, those of eSpeak's: with seven of eight, Kokoro's were forgotten
EVEN = 16  # lengths are multiples of it: each new one has kernels made for it, a fifth of a step


@dataclass(frozen=True, slots=True)
class Speech:
    """A text and its sound, in one take."""

    text_N: Tensor
    codes_K: Tensor
    log_mel_FM: Tensor
    """In 16 bits, not divided by anything."""
    voice: tuple[str, float]
    """Who, and at which speed of the tape."""


class Speeches:
    """All takes of some clips, by voice.

    Args:
        tokenizer: Of nano.
        dvae: Of nano.
        stats_F: Its mel_stats.
    """

    def __init__(self, tokenizer: Tokenizer, dvae: Dvae, stats_F: Tensor) -> None:
        self._tokenizer = tokenizer
        self._dvae = dvae.eval()
        self._stats_F = stats_F
        self._space_1 = torch.tensor(tokenizer.encode("a a", "en")[2:-1])
        self._clips: set[str] = set()
        self._all: list[Speech] = []
        self._drawn_from: dict[bool, list[int]] = {True: [], False: []}  # eSpeak's, and all others
        self._of_voice: dict[tuple[str, float], list[int]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._all)

    def add(
        self, work: Path, clips: Sequence[Clip], takes: Sequence[int] = range(len(TAKES)), *, spelling: bool = False
    ) -> None:
        """Take in the clips that are new, all of them eSpeak's or none."""
        new = [clip for clip in clips if clip.id not in self._clips]
        mels, dvae_mels = (features.read(work, new, kind, takes) for kind in ("mel", "dvae"))
        for clip, mels_of, dvae_mels_of in zip(new, mels, dvae_mels, strict=True):
            text_N = torch.tensor(self._tokenizer.encode(clip.text, clip.language))
            for take, log_mel_FM, dvae_FM in zip(takes, mels_of, dvae_mels_of, strict=True):
                codes_K = self._dvae.codes(dvae_FM.float()[None] / self._stats_F[:, None])[0]
                voice = (clip.voice, TAKES[take].speed)
                self._of_voice[voice].append(len(self._all))
                self._drawn_from[spelling].append(len(self._all))
                self._all.append(Speech(text_N, codes_K, log_mel_FM, voice))
            self._clips.add(clip.id)

    def batch(self, size: int, max_codes: int, draws: torch.Generator) -> dict[str, Tensor]:
        """Draw a batch of items of like length: what `Gpt.forward` takes, and `stacks` [B, K, S], how they sound."""
        items = [self._item(int(place), max_codes, draws) for place in self._places(DRAWN * size, draws)]
        items.sort(key=lambda item: len(item.codes_K) + len(item.text_N))
        start = size * int(torch.randint(DRAWN, (1,), generator=draws))
        seconds = CROP_SECONDS[0] + float(torch.rand((), generator=draws)) * (CROP_SECONDS[1] - CROP_SECONDS[0])
        return self.collate(items[start : start + size], seconds, draws)

    def each(self, size: int, seconds: float) -> Iterator[tuple[list[int], dict[str, Tensor]]]:
        """Every speech once, in batches of like length with their places, always the same."""
        draws = torch.Generator().manual_seed(0)
        order = sorted(range(len(self)), key=lambda place: len(self._all[place].codes_K))
        for start in range(0, len(order), size):
            places = order[start : start + size]
            yield places, self.collate([self._all[place] for place in places], seconds, draws)

    def collate(self, items: Sequence[Speech], seconds: float, draws: torch.Generator) -> dict[str, Tensor]:
        """A batch, every voice heard for so long."""
        num_frames = even(round(seconds * CONDITIONING.sample_rate / CONDITIONING.hop))
        heard = [self._reference(item, num_frames, draws) for item in items]
        num_tokens = max(len(item.text_N) for item in items)
        num_codes = even(num_tokens + max(len(item.codes_K) for item in items)) - num_tokens

        def padded(rows: Sequence[Tensor]) -> Tensor:
            rows_BK = pad_sequence(rows, batch_first=True)
            return functional.pad(rows_BK, (0, 0) * (rows_BK.ndim - 2) + (0, num_codes - rows_BK.shape[1]))

        return {
            "text": pad_sequence([item.text_N for item in items], batch_first=True),
            "text_lengths": torch.tensor([len(item.text_N) for item in items]),
            "codes": padded([item.codes_K for item in items]),
            "code_lengths": torch.tensor([len(item.codes_K) for item in items]),
            "ignored_codes": torch.zeros(len(items), 2, dtype=torch.long),
            "conditioning_mel": torch.stack(heard) / self._stats_F[:, None],
            "conditioning_lengths": torch.full((len(items),), num_frames),
            "stacks": padded([stack(item.log_mel_FM, self._stats_F) for item in items]),
        }

    def _places(self, count: int, draws: torch.Generator) -> list[int]:
        spelling = torch.rand(count, generator=draws) < SPELLING * bool(self._drawn_from[True])
        pools = [self._drawn_from[is_spelling] for is_spelling in spelling.tolist()]
        return [pool[int(torch.randint(len(pool), (1,), generator=draws))] for pool in pools]

    def _item(self, place: int, max_codes: int, draws: torch.Generator) -> Speech:
        """One clip, or two of one voice after another."""
        first = self._all[place]
        if float(torch.rand((), generator=draws)) > JOINED:
            return first
        others = self._of_voice[first.voice]
        second = self._all[others[int(torch.randint(len(others), (1,), generator=draws))]]
        if len(first.codes_K) + len(second.codes_K) > max_codes:
            return first
        missing = len(first.codes_K) * FRAMES_PER_CODE - first.log_mel_FM.shape[1]
        whole_FM = functional.pad(first.log_mel_FM[None], (0, missing), mode="replicate")[0]
        return Speech(
            torch.cat([first.text_N, self._space_1, second.text_N[1:]]),
            torch.cat([first.codes_K, second.codes_K]),
            torch.cat([whole_FM, second.log_mel_FM], dim=1),
            first.voice,
        )

    def _reference(self, item: Speech, num_frames: int, draws: torch.Generator) -> Tensor:
        """Somewhere in other clips of the voice, of itself where there are none: [F, M]."""
        others = [self._all[i].log_mel_FM for i in self._of_voice[item.voice]]
        others = [mel_FM for mel_FM in others if mel_FM is not item.log_mel_FM] or others
        heard_FM = others[int(torch.randint(len(others), (1,), generator=draws))].float()
        heard_FM = heard_FM.repeat(1, -(-num_frames // heard_FM.shape[1]))
        start = int(torch.randint(heard_FM.shape[1] - num_frames + 1, (1,), generator=draws))
        return heard_FM[:, start : start + num_frames]


def even(length: int) -> int:
    """The next multiple of `EVEN`."""
    return -(-length // EVEN) * EVEN
