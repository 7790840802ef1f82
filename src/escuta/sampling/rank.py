"""Which of several processes this one is, as `torchrun`, `accelerate launch` and their like say it."""

from collections.abc import Mapping
from dataclasses import dataclass

from escuta.errors import SettingsError
from escuta.messages import _


@dataclass(frozen=True, slots=True)
class Rank:
    """One of the processes that share a job; alone, the first of one."""

    number: int = 0
    of: int = 1
    on_machine: int | None = None
    """Its number among those of its machine; None when nobody said."""

    @property
    def is_first(self) -> bool:
        """Whether this process speaks for all: one bar, one summary, one verdict."""
        return self.number == 0

    def device(self, asked: str) -> str:
        """Give each process of a machine a GPU of its own; a GPU that was asked for by number is that one."""
        return f"cuda:{self.on_machine}" if asked == "cuda" and self.on_machine is not None else asked


def read_rank(environment: Mapping[str, str]) -> Rank:
    """Read RANK, WORLD_SIZE and LOCAL_RANK; without them this process is alone.

    Raises:
        SettingsError: One is missing, no number, or too large.
    """
    given = {name: environment[name] for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK") if name in environment}
    if not given.keys() & {"RANK", "WORLD_SIZE"}:
        return Rank()
    problems = [
        _("environment {name}: missing beside {others}; expected a number. Set all of them, or none.").format(
            name=name, others=", ".join(given)
        )
        for name in ("RANK", "WORLD_SIZE")
        if name not in given
    ]
    problems += [
        _("environment {name}: {text!r}; expected a number, 0 or more.").format(name=name, text=text)
        for name, text in given.items()
        if not text.isdecimal()
    ]
    if problems:
        raise SettingsError(*problems)
    number, of = int(given["RANK"]), int(given["WORLD_SIZE"])
    if number >= of:
        raise SettingsError(
            _("environment RANK: {number}; expected less than WORLD_SIZE, {of}. Ranks count from 0.").format(
                number=number, of=of
            )
        )
    return Rank(number, of, int(given["LOCAL_RANK"]) if "LOCAL_RANK" in given else None)
