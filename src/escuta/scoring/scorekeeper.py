"""Has the samples of a training scored by a process beside it, and tells people and events.jsonl what came of it.

Training never waits for it before the end, and cannot be harmed by it: a process that dies or hangs is started again a
few times, then samples go unscored, which is said once.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from escuta.messages import _, _n
from escuta.run.child import Child
from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from escuta.scoring.catalogue import title
from escuta.scoring.scored import ENDING
from escuta.scoring.scorer import HELD_OUT, sample_names
from escuta.scoring.worker import command
from escuta.terminal import Terminal

NICENESS = 10
"""Of the process, above that of training and of who speaks (5): both go first."""
MAX_ATTEMPTS = 2
"""At one sample: one that ends the process twice is at fault itself."""
BACK_OFF_SECONDS = (0.5, 2.0, 8.0)
"""Before each restart in a row."""
TIMEOUT_SECONDS = 300.0
"""Of silence, after which the process is taken for hung; it gives a sign of life with every recording."""
PATIENCE_SECONDS = 600.0
"""For what is still to be scored when a training has ended."""


class _GaveUp(Exception):
    """Nothing is scored any more."""


class Scorekeeper:
    """Between a training and who scores for it.

    Args:
        run: The run.
        events: Where scores are noted.
        terminal: Where people read.
        threads: CPU threads of the process.
        timeout_seconds: Silence after which it is taken for hung.
    """

    def __init__(
        self,
        run: RunFolder,
        events: EventLog,
        terminal: Terminal,
        *,
        threads: int,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._run = run
        self._events = events
        self._terminal = terminal
        self._threads = threads
        self._timeout_seconds = timeout_seconds
        self._names: deque[str] = deque()
        self._scoring: str | None = None
        self._process: Child | None = None
        self._ready = False
        self._attempts: dict[str, int] = {}
        self._restarts = 0
        self._restart_at = 0.0
        self._num_scored = 0
        self._has_asked_held_out = False
        self._said_missing = False

    @property
    def pid(self) -> int | None:
        """Of the process, None while there is none."""
        return self._process.pid if self._process else None

    def recall(self) -> None:
        """Have scored what an earlier start of this run has spoken and left unscored."""
        for name in sample_names(self._run):
            if not (self._run.samples / f"{name}{ENDING}").exists():
                self.ask(name)

    def ask(self, name: str) -> None:
        """Have the sample `name` scored, and after the first of a run the real clips."""
        if self._restart_at < math.inf and name not in self._names:
            self._names.append(name)
        if not (self._has_asked_held_out or (self._run.samples / f"{HELD_OUT}{ENDING}").exists()):
            self._has_asked_held_out = True
            self.ask(HELD_OUT)

    def waiting(self) -> list[str]:
        """Samples that are not scored yet."""
        return [*([self._scoring] if self._scoring else []), *self._names]

    def tell(self) -> bool:
        """Tell what was scored since the last time, and hand over the next; say whether there is news; never waits."""
        before = self._num_scored
        try:
            if self._process:
                self._listen(self._process)
            self._hand_over()
        except _GaveUp as error:
            self._tell_given_up(str(error))
        return self._num_scored > before

    def catch_up(self, stop: Callable[[], bool]) -> bool:
        """Wait until all is scored, until `stop` says so, or patience ends; say whether there is news."""
        before = self._num_scored
        self.tell()
        if waiting := len(self.waiting()):
            self._terminal.say(
                _n("⏳ Scoring {n} sample...", "⏳ Scoring {n} samples...", waiting).format(n=waiting),
            )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.waiting() and not stop() and time.monotonic() < deadline:
            time.sleep(0.05)
            self.tell()
        return self._num_scored > before

    def tell_left(self) -> None:
        """Say what is not scored at the end."""
        if left := self.waiting():
            self._terminal.say(
                _("Not scored: {names}. Score them later with: escuta score RUN").format(names=", ".join(left))
            )

    def close(self) -> None:
        """End the process at once, and start none any more."""
        self._restart_at = math.inf
        self._names.clear()
        self._scoring = None
        if self._process:
            self._process.end()
            self._process = None

    def _listen(self, process: Child) -> None:
        alive = process.alive()
        for message in process.messages():
            match message:
                case {"fatal": str(reason)}:
                    raise _GaveUp(reason)
                case {"ready": _anything}:
                    self._ready = True
                case {"scored": dict(scored)}:
                    self._note(scored)
                case {"unscored": {"name": str(name), "reason": str(reason)}}:
                    self._note_failure(name, reason)
        busy = self._scoring is not None or not self._ready
        if not alive:
            self._restart(_("it died ({why})").format(why=process.end()))
        elif busy and process.silent_seconds() > self._timeout_seconds:
            process.end()
            self._restart(_("it was silent for {seconds:.0f} s").format(seconds=self._timeout_seconds))

    def _hand_over(self) -> None:
        if not self._names or self._scoring:
            return
        if self._process is None and time.monotonic() >= self._restart_at:
            try:
                self._process = Child(command(self._run.path, self._threads), nice=NICENESS, threads=self._threads)
            except OSError as error:  # no memory or no handles left for one more process
                raise _GaveUp(str(error)) from error
        if self._process:
            self._scoring = self._names.popleft()
            self._process.tell({"name": self._scoring})

    def _restart(self, reason: str) -> None:
        self._process, self._ready = None, False
        if name := self._scoring:
            self._scoring = None
            self._attempts[name] = self._attempts.get(name, 0) + 1
            if self._attempts[name] < MAX_ATTEMPTS:
                self._names.appendleft(name)
            else:
                self._note_failure(name, reason)
        if self._restarts >= len(BACK_OFF_SECONDS):
            raise _GaveUp(reason)
        self._restart_at = time.monotonic() + BACK_OFF_SECONDS[self._restarts]
        self._restarts += 1

    def _note(self, scored: dict[str, Any]) -> None:
        self._scoring = None
        self._restarts = 0
        self._num_scored += 1
        if not self._said_missing and scored["missing"]:
            self._said_missing = True
            self._terminal.say(*missing_lines(scored["missing"]))
        if scored["name"] != HELD_OUT:
            self._events.write("scored", scored)

    def _note_failure(self, name: str, reason: str) -> None:
        self._scoring = None
        self._events.write("unscored", {"name": name, "reason": reason})
        self._terminal.say(_("⚠️  {name} could not be scored: {reason}").format(name=name, reason=reason))

    def _tell_given_up(self, reason: str) -> None:
        left = self.waiting()
        self.close()
        for name in left:
            self._events.write("unscored", {"name": name, "reason": reason})
        self._terminal.say(
            _(
                "⚠️  Samples are scored no more ({reason}); training goes on. Score them later with: escuta score RUN"
            ).format(reason=reason)
        )


def missing_lines(missing: Mapping[str, str]) -> list[str]:
    """Lines that say which scores there are none of, and why; scores that share a reason share a line."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in missing.items():
        by_reason.setdefault(reason, []).append(title(name))
    return [
        _("⚠️  Not measured: {scores} ({reason})").format(scores=", ".join(titles), reason=reason)
        for reason, titles in by_reason.items()
    ]
