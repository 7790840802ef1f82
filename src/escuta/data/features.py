"""The features of a run's clips: computed once, kept in a cache, read from it when a batch needs them."""

import hashlib
import json
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

from escuta.data.feature_cache import FeatureCache, decode
from escuta.data.feature_processes import compute_elsewhere
from escuta.data.feature_worker import FeatureJob, compute
from escuta.data.inventory import file_hash
from escuta.errors import DataError
from escuta.messages import _
from escuta.models.base import Features

VERSION = 1
"""To be raised whenever the same clip and model would give other features: then nothing of an older cache is found."""

MIN_CLIPS_EACH = 50
"""For fewer clips a process is not worth its start: 3 s, in which one computes 30 clips of 7 s."""

MAX_PROCESSES = 8
"""Each takes half a gigabyte."""


@dataclass(frozen=True, slots=True)
class CachedClip:
    """A clip, and where the cache has its features."""

    job: FeatureJob
    audio_hash: str
    """SHA-256 of the recording that the features are of."""
    key: str

    @classmethod
    def of(cls, job: FeatureJob, audio_hash: str, model: str) -> "CachedClip":
        """Derive the key from all that features depend on; `model` is the fingerprint of its files."""
        sources = [VERSION, model, job.language, job.text, audio_hash, *(["sound"] if job.sound else [])]
        return cls(job, audio_hash, hashlib.sha256(json.dumps(sources).encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class ClipFeatures(Sequence[Features]):
    """Features by the number of the clip: not in memory, but read from the cache each time."""

    clips: tuple[CachedClip, ...]
    cache: FeatureCache
    base: Path
    """Folder of the model, for what is missing."""

    def missing(self) -> dict[str, FeatureJob]:
        """What the cache does not have, by key."""
        return {clip.key: clip.job for clip in self.clips if clip.key not in self.cache}

    def compute(
        self,
        missing: Mapping[str, FeatureJob],
        *,
        tell: Callable[[str], None],
        progress: Callable[[], None] = lambda: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """Compute what is missing and keep it, clip by clip: what is finished stays.

        Args:
            missing: Clips by key.
            tell: Called with lines for the user.
            progress: Called after each clip.
            stopped: Whether somebody wants the rest no more.

        Raises:
            DataError: A recording cannot be read any more.
            ModelError: The base model cannot be used.
        """
        self.cache.tidy()
        num_processes = min(os.cpu_count() or 1, MAX_PROCESSES, len(missing) // MIN_CLIPS_EACH)
        computed = (
            compute_elsewhere(missing, self.base, num_processes=num_processes, tell=tell, stopped=stopped)
            if num_processes > 1
            else self._compute_here(missing, stopped)
        )
        with closing(computed):
            for key, content in computed:
                if not self.cache.write(key, content):
                    tell(
                        _("⚠️  Features cannot be kept in {folder} ({reason}); they stay in memory.").format(
                            folder=self.cache.folder, reason=self.cache.refusal
                        )
                    )
                progress()

    def _compute_here(
        self, missing: Mapping[str, FeatureJob], stopped: Callable[[], bool]
    ) -> Generator[tuple[str, bytes]]:
        computed = iter(compute(self.base, missing.values()))
        for key in missing:
            if stopped():
                return
            yield key, next(computed)

    def __len__(self) -> int:
        return len(self.clips)

    @overload
    def __getitem__(self, index: int) -> Features: ...

    @overload
    def __getitem__(self, index: slice) -> "ClipFeatures": ...

    def __getitem__(self, index: int | slice) -> "Features | ClipFeatures":
        if isinstance(index, slice):
            return replace(self, clips=self.clips[index])
        clip = self.clips[index]
        return self.cache.read(clip.key) or self._again(clip)

    def _again(self, clip: CachedClip) -> Features:
        """Compute what was damaged, or removed while training.

        Raises:
            DataError: The recording is not the same any more.
        """
        if file_hash(clip.job.audio) != clip.audio_hash:
            raise DataError(
                _(
                    "{path}: was changed since the training began, and its features in {folder} were removed; expected "
                    "one of them as it was. Continue with --resume."
                ).format(path=clip.job.audio, folder=self.cache.folder)
            )
        (content,) = compute(self.base, [clip.job])
        self.cache.write(clip.key, content)
        features = decode(content)
        assert features is not None
        return features
