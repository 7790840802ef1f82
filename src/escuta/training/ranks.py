"""Several processes that train one model together, as `accelerate launch` or `torchrun` start them."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed

from escuta.errors import EscutaError, ToldElsewhereError
from escuta.messages import _
from escuta.sampling.rank import read_rank

PATIENCE = timedelta(days=1)
"""One process may compute features for hours while the others wait; one that dies ends their waiting at once."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those that train together; alone, the first of one.

    What each method here does, all processes have to do in the same order.
    """

    number: int = 0
    of: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes, samples and talks for all."""
        return self.number == 0

    def most(self, urgency: int) -> int:
        """Find the highest number that any process names."""
        if self.of == 1:
            return urgency
        return max(self.all(urgency))

    def from_first(self, value: T) -> T:
        """Take what the first process has."""
        if self.of == 1:
            return value
        return self.all(value)[0]

    def all(self, value: T) -> list[T]:
        """Gather what every process has, in their order."""
        if self.of == 1:
            return [value]
        values: list[T | None] = [None] * self.of
        distributed.all_gather_object(values, value)
        return values  # type: ignore[return-value]

    def together(self, work: Callable[[], T]) -> T:
        """Do `work` in every process; where it fails in one, none goes on, and the first says why.

        Raises:
            EscutaError: What went wrong, in whichever process.
        """
        if self.of == 1:
            return work()
        problems: tuple[str, ...] = ()
        try:
            done = work()
        except EscutaError as error:
            problems = error.problems
        of_each = self.all(problems)
        if not any(of_each):
            return done
        if not self.is_first:
            raise ToldElsewhereError
        everybodys = [one for one in dict.fromkeys(sum(of_each, ())) if all(one in own for own in of_each)]
        ones_own = [
            Ranks(rank, self.of)._named(one) for rank, own in enumerate(of_each) for one in own if one not in everybodys
        ]
        raise EscutaError(*everybodys, *ones_own)

    def first_first(self, work: Callable[[], T]) -> T:
        """Do `work` in the first process, then in the others: what it leaves on a shared disk they find there."""
        if self.of == 1:
            return work()
        if self.is_first:
            done = self.together(work)
            self.together(lambda: None)
            return done
        self.together(lambda: None)
        return self.together(work)

    @contextmanager
    def naming(self) -> Iterator[None]:
        """While entered, what ends this process names it, and what ended another is no traceback here.

        Raises:
            EscutaError: Instead of any other.
        """
        try:
            yield
        except ToldElsewhereError:
            raise
        except EscutaError as error:
            if self.of == 1:
                raise
            raise EscutaError(*map(self._named, error.problems)) from None
        except RuntimeError as error:
            if self.of == 1 or not (isinstance(error, distributed.DistError) or "gloo" in str(error)):
                raise
            raise EscutaError(self._named(self._left_alone(error))) from None

    def _named(self, problem: str) -> str:
        return _("process {rank} of {n}: {problem}").format(rank=self.number + 1, n=self.of, problem=problem)

    def _left_alone(self, error: RuntimeError) -> str:
        reason = str(error).strip().splitlines()[0]
        return _("another process has ended, and this one cannot go on alone ({reason}).").format(reason=reason)

    def leave(self) -> None:
        """Let go of the others."""
        if self.of > 1 and distributed.is_initialized():
            distributed.destroy_process_group()


ALONE = Ranks()


def join_ranks(device: str) -> Ranks:
    """Meet the processes that were started together with this one.

    Args:
        device: As the settings have it.

    Raises:
        SettingsError: The environment is no launcher's.
    """
    rank = read_rank(os.environ)
    if rank.of == 1:
        return ALONE
    from accelerate import PartialState

    on_cpu = device == "cpu" or (device == "auto" and not torch.cuda.is_available())
    PartialState(cpu=on_cpu, timeout=PATIENCE)  # before it is one, so that nobody else decides how long to wait
    return Ranks(rank.number, rank.of)
