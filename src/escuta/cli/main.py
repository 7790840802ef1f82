"""The command `escuta`: errors become plain lines and exit status 2, never a traceback."""

import errno
import functools
import io
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from escuta import __version__
from escuta.cli import check, demo, doctor, export, listen, report, sample, say, score, train
from escuta.errors import EscutaError
from escuta.messages import _

INTERRUPTED = 130
"""Exit status of a program that Ctrl-C ended, as shells have it."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line with `arguments`, those of this process when not given."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that has no emoji must not end a training
    app = typer.Typer(
        name="escuta",
        help="Fine-tune voice-cloning text-to-speech and hear every checkpoint while it trains.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for command in (
        train.train,
        check.check,
        sample.sample,
        say.say,
        score.score,
        export.export,
        report.report,
        listen.listen,
        demo.demo,
        doctor.doctor,
    ):
        app.command()(plainly(command))
    app.callback()(options)
    app(arguments, prog_name="escuta")


def tell_version(asked: bool) -> None:
    """Print it and exit, where it was asked for."""
    if asked:
        typer.echo(f"escuta {__version__}")
        raise typer.Exit


def options(
    version: Annotated[
        bool, typer.Option("--version", callback=tell_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take what stands before a command."""


def plainly(command: Callable[..., None]) -> Callable[..., None]:
    """Wrap `command` so that what the user can mend ends it in plain lines on standard error and exit status 2."""

    @functools.wraps(command)
    def run(*args: object, **kwargs: object) -> None:
        try:
            command(*args, **kwargs)
        except EscutaError as error:
            problems, status = error.problems, 2
        except OSError as error:
            problems, status = (_explain(error),), 2
        except KeyboardInterrupt:
            problems, status = (_("Interrupted; every finished checkpoint is kept."),), INTERRUPTED
        else:
            return
        for problem in problems:
            print(problem, file=sys.stderr)
        raise typer.Exit(status)

    return run


def _explain(error: OSError) -> str:
    where = error.filename or _("disk")
    if error.errno == errno.ENOSPC:
        return _("{where}: the disk is full; all that was written before is kept. Free some space and go on.").format(
            where=where
        )
    return _("{where}: {reason}. Check the path and its permissions.").format(
        where=where, reason=error.strerror or error
    )
