"""What comes before the first step: the features of all clips."""

import time
from collections.abc import Callable
from pathlib import Path

from escuta.data.feature_cache import FeatureCache, default_folder
from escuta.data.feature_worker import FeatureJob
from escuta.data.features import CachedClip, ClipFeatures
from escuta.messages import _
from escuta.models.load import features_fingerprint
from escuta.terminal import Terminal
from escuta.training.assignment import Assignment


def cache_folder(assignment: Assignment) -> Path:
    """Where features are kept."""
    return (assignment.settings.data.cache or default_folder()).expanduser()


def find_features(assignment: Assignment) -> ClipFeatures:
    """Say where the features of all clips are, those learned from first; compute none.

    Raises:
        ModelError: The base model cannot be used.
    """
    base, dataset = assignment.base.folder, assignment.dataset
    fingerprint, sound = features_fingerprint(base), assignment.settings.training.learns_sound
    clips = (
        CachedClip.of(FeatureJob(clip.audio.resolve(), clip.text, assignment.language, sound), entry.audio, fingerprint)
        for clip, entry in zip((*dataset.train, *dataset.held_out), assignment.inventory.entries, strict=True)
    )
    return ClipFeatures(tuple(clips), FeatureCache(cache_folder(assignment)), base)


def prepare_features(assignment: Assignment, terminal: Terminal, stopped: Callable[[], bool]) -> ClipFeatures:
    """Find the features of all clips, those learned from first; compute what the cache lacks, once for all runs.

    Args:
        assignment: What is trained.
        terminal: Where people read.
        stopped: Whether somebody wants the rest no more.

    Raises:
        DataError: A recording cannot be read any more.
        ModelError: The base model cannot be used.
    """
    features = find_features(assignment)
    cache = features.cache
    if missing := features.missing():
        started = time.perf_counter()
        with terminal.progress(_("Features"), len(missing)) as advance:
            features.compute(missing, tell=terminal.say, progress=lambda: advance(""), stopped=stopped)
        terminal.say(
            _("Features of {n} clips took {seconds:.1f} s; their cache has {size:.0f} MB: {folder}").format(
                n=len(missing),
                seconds=time.perf_counter() - started,
                size=cache.num_bytes() / 1e6,
                folder=cache.folder,
            )
        )
    return features
