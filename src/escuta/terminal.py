"""What a person sees while a command runs, and the file that keeps it."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text


class Terminal:
    """Lines go to the terminal and, once there is one, to a log; progress bars go to the terminal alone."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._log: Path | None = None
        self._not_logged: list[str] = []

    def say(self, *lines: str) -> None:
        """Show `lines`."""
        for line in lines:
            self._console.print(line)
        self._not_logged += lines
        self._write_log()

    def hush(self) -> None:
        """Show nothing from now on: another process talks for this one."""
        self._console.quiet = True

    def keep(self, log: Path) -> None:
        """Append all lines to `log` too, those said so far among them."""
        self._log = log
        self._write_log()

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Callable[[str], None]]:
        """Show a bar of `total` steps; call what is yielded after each, with a few words or none.

        It takes one line, however narrow the terminal is: the end of the words is cut off.
        """
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=min(40, self._console.width // 8)),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            _Words(table_column=Column(no_wrap=False)),  # of all columns, this one gives way
        )
        with Progress(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal
        ) as progress:
            task = progress.add_task(title, total=total, words="")
            yield lambda words: progress.update(task, advance=1, words=words)

    @contextmanager
    def waiting(self, title: str) -> Iterator[Callable[[int, int], None]]:
        """Show a bar whose length is not known yet; call what is yielded with how much is done, and of how much."""
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        ) as progress:
            task = progress.add_task(title, total=None)
            yield lambda done, total: progress.update(task, completed=done, total=total)

    def _write_log(self) -> None:
        if self._log:
            try:
                with self._log.open("a", encoding="utf-8") as file:
                    file.writelines(f"{line}\n" for line in self._not_logged)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                return  # a full disk; there may be room when more is said
            self._not_logged = []


class _Words(ProgressColumn):
    """A few words on one line, cut off where there is no more room."""

    def render(self, task: Task) -> Text:
        """Show the words of a bar."""
        return Text(task.fields["words"], no_wrap=True, overflow="ellipsis")
