"""Hands the numbers and samples of a training to trackers; what they do, or fail to do, never holds it up."""

import json
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from escuta.messages import _
from escuta.run.folder import RunFolder
from escuta.settings import Settings
from escuta.settings import Tracker as Name

MAX_WAITING = 10_000
"""Events that wait for a tracker that does not answer; later ones are left out."""

PATIENCE_SECONDS = 30.0
"""For what is still to be handed over when the training has ended."""

PLACES = {"event", "time", "step", "epoch"}
"""Fields of an event that say what and when it was."""


class Tracker(Protocol):
    """Where numbers and samples go; each call may raise whatever it likes."""

    def begin(self, settings: Settings, step: int) -> None:
        """Take what is trained with; `step` is the last one that counts of an earlier start, 0 for none."""
        ...

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """Take the numbers of optimizer step `step`."""
        ...

    def sample(self, number: int, wav: Path, text: str, step: int) -> None:
        """Take the sentence `number` (from 1) as the checkpoint of `step` spoke it."""
        ...

    def scores(self, values: Mapping[str, float], step: int) -> None:
        """Take what the checkpoint of `step` scored, which may be long ago."""
        ...

    def close(self) -> None:
        """Take no more."""
        ...


class Trackers:
    """All trackers of one training, in a thread of their own.

    Args:
        makers: How each is made, by name.
        run: The run.
        settings: What it is trained with.
        tell: Called, by who notes events, with a line for the user.
    """

    def __init__(
        self,
        makers: Mapping[str, Callable[[RunFolder], Tracker]],
        run: RunFolder,
        settings: Settings,
        tell: Callable[[str], None],
    ) -> None:
        self._run = run
        self._settings = settings
        self._makers = dict(makers)
        self._trackers: dict[str, Tracker] = {}
        self._tell = tell
        self._problems: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._events: queue.Queue[Mapping[str, Any] | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._work, name="trackers", daemon=True)
        if makers:
            self._thread.start()

    def note(self, event: Mapping[str, Any]) -> None:
        """Hand over an event of the run; never waits."""
        self._tell_problems()
        if self._thread.is_alive():
            try:
                self._events.put_nowait(event)
            except queue.Full:
                return

    def close(self) -> None:
        """Wait for what is still to be handed over, but not for ever."""
        if self._thread.is_alive():
            with suppress(queue.Full):
                self._events.put(None, timeout=PATIENCE_SECONDS)
            self._thread.join(PATIENCE_SECONDS)
            if self._thread.is_alive():
                names = ", ".join(self._trackers or self._makers)
                self._problems.put(_("⚠️  Not all of this training has reached {names}.").format(names=names))
        self._tell_problems()

    def _tell_problems(self) -> None:
        while not self._problems.empty():
            self._tell(self._problems.get())

    def _work(self) -> None:
        while (event := self._events.get()) is not None:
            self._each(partial(self._hand_over, event))
        self._each(_close)

    def _each(self, action: Callable[[Tracker], None]) -> None:
        """Do `action` with every tracker; one that fails is asked no more."""
        for name in list(self._makers):
            try:
                if name not in self._trackers:
                    self._trackers[name] = self._makers[name](self._run)
                action(self._trackers[name])
            except Exception as error:  # whatever another's code raises, the training goes on
                del self._makers[name]
                self._trackers.pop(name, None)
                reason = f"{type(error).__name__}: {error}".partition("\n")[0]
                self._problems.put(
                    _("⚠️  Tracker {name} failed ({reason}); training goes on without it.").format(
                        name=name, reason=reason
                    )
                )

    def _hand_over(self, event: Mapping[str, Any], tracker: Tracker) -> None:
        match event:
            case {"event": "start", "step": int(step)}:
                tracker.begin(self._settings, step)
            case {"event": "step" | "epoch" as kind, "step": int(step)}:
                tracker.numbers({f"{kind}/{name}": value for name, value in _numbers(event)}, step)
            case {"event": "scored", "step": int(step), "mean": dict(mean)}:
                tracker.scores({f"score/{name}": value for name, value in _numbers(mean)}, step)
            case {"event": "sample", "status": "spoken", "name": str(name), "step": int(step)}:
                about = json.loads((self._run.samples / f"{name}.json").read_text(encoding="utf-8"))
                seed = about.get("seed")
                for number, sentence in enumerate(
                    (one for one in about["sentences"] if one.get("seed", seed) == seed), 1
                ):
                    tracker.sample(number, self._run.samples / sentence["file"], sentence["text"], step)


def choose_trackers(
    names: Sequence[Name] | None, tell: Callable[[str], None]
) -> dict[str, Callable[[RunFolder], Tracker]]:
    """Find how trackers are made; those whose package is not installed are told of and left out.

    Args:
        names: As the settings have them; None takes TensorBoard where it is installed, and says nothing where not.
        tell: Called with a line for the user.
    """
    there = {name: find_spec(name) is not None for name in (["tensorboard"] if names is None else names)}
    for name, installed in there.items():
        if not installed and names is not None:
            tell(
                _("⚠️  Tracker {name} is not installed; training goes on without it. Install it with: {command}").format(
                    name=name, command=f"pip install {name.replace('_', '-')}"
                )
            )
    return {name: partial(_make, name) for name, installed in there.items() if installed}


def _make(name: str, run: RunFolder) -> Tracker:
    if name == "tensorboard":
        from escuta.training.board import Board

        return Board(run)
    from escuta.training.services import Service

    return Service(name, run)


def _close(tracker: Tracker) -> None:
    tracker.close()


def _numbers(event: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in event.items():
        if name not in PLACES and isinstance(value, int | float) and not isinstance(value, bool):
            yield name, float(value)
