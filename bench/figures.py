"""The figures to reach, computed from what was measured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

Sections = Mapping[str, Any]
"""What each section measured, by its name; those never measured are missing."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One ratio and its target."""

    section: str
    """Where it is measured."""
    target: float
    at_least: bool
    """Whether more is better."""
    of: Callable[[Sections], list[float]]
    """Each single ratio where several were measured in turns, so that their spread is known; the figure is their
    median."""

    def value(self, sections: Sections) -> float | None:
        """The figure, None where nothing was measured."""
        return round(median(self.of(sections)), 3) if self.section in sections else None

    def met(self, value: float) -> bool:
        """Whether the target is reached."""
        return value >= self.target if self.at_least else value <= self.target


def seconds(runs: list[dict[str, Any]]) -> list[float]:
    """Of each run."""
    return [run["seconds"] for run in runs]


def percentile_95(values: list[float]) -> float:
    """What one in twenty exceeds."""
    return quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def best_read(bound: Mapping[str, Any]) -> float:
    """The fastest that memory was ever read, bytes a second."""
    return max(float(max(patterns.values())) for patterns in bound["read_bytes_per_second"])


def median_step(bound: Mapping[str, Any]) -> float:
    """Seconds from one code to the next."""
    return float(median(step for steps in bound["step_seconds"] for step in steps))


def bound_seconds(bound: Mapping[str, Any]) -> float:
    """Seconds that reading the weights once takes at the least."""
    return float(bound["bytes_per_code"] / best_read(bound))


def peak_bytes(sections: Sections) -> tuple[int, int]:
    """The most memory of the speaking process, and the least that coqui-tts took at its most: the harder comparison."""
    ours = max(run["peak_bytes"] for run in sections["checkpoint"]["escuta"])
    theirs = [sections[name]["coqui"][-1]["peak_bytes"] for name in ("checkpoint", "warm") if name in sections]
    return ours, min(theirs)


def training_speeds(pair: Mapping[str, Any]) -> float:
    """Steps a second while somebody speaks, over those while nobody does."""
    speaking, silent = (len(pair[name]["step_seconds"]) / pair[name]["seconds"] for name in ("speaking", "silent"))
    return float(speaking / silent)


def _warm(sections: Sections) -> list[float]:
    return _each(sections["warm"])


def _batch(sections: Sections) -> list[float]:
    batch = sections["batch"]
    return [seconds(batch["coqui"])[0] / one for one in seconds(batch["escuta"]["8"])]


def _checkpoint(sections: Sections) -> list[float]:
    return _each(sections["checkpoint"])


def _each(section: Mapping[str, Any]) -> list[float]:
    return [peer / ours for ours, peer in zip(seconds(section["escuta"]), seconds(section["coqui"]), strict=True)]


def _step(sections: Sections) -> list[float]:
    bound = sections["bound"]
    return [median_step(bound) / bound_seconds(bound)]


def _memory(sections: Sections) -> list[float]:
    ours, theirs = peak_bytes(sections)
    return [ours / theirs]


def _stall(sections: Sections) -> list[float]:
    weights = sections["stall"]["weights"]
    return [percentile_95(weights["put_seconds"]) / median(weights["copy_seconds"])]


def _throughput(sections: Sections) -> list[float]:
    return [training_speeds(pair) for pair in sections["throughput"]["pairs"]]


FIGURES = {
    "warm_7s": Figure("warm", 6, True, _warm),
    "batch_8": Figure("batch", 10, True, _batch),
    "checkpoint_to_sample": Figure("checkpoint", 10, True, _checkpoint),
    "step_over_bandwidth_bound": Figure("bound", 2.2, False, _step),
    "memory_over_peer": Figure("checkpoint", 0.45, False, _memory),
    "stall_over_copy": Figure("stall", 1.3, False, _stall),
    "throughput_with_background": Figure("throughput", 0.95, True, _throughput),
}
"""By their names in sampling.json; coqui-tts over escuta where more is better."""


def ratios(sections: Sections) -> dict[str, float | None]:
    """All figures."""
    return {name: figure.value(sections) for name, figure in FIGURES.items()}
