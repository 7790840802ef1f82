"""What a person sees while a command runs, and the file that keeps it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


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

    def keep(self, log: Path) -> None:
        """Append all lines to `log` too, those said so far among them."""
        self._log = log
        self._write_log()

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Callable[[str], None]]:
        """Show a bar of `total` steps; call what is yielded after each, with a few words or none."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[words]}"),
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
            with self._log.open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in self._not_logged)
            self._not_logged = []
