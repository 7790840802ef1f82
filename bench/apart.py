"""A measurement in a process of its own: no other one's memory, threads or pinning are left in it."""

import multiprocessing
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeAlias, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Measurement: TypeAlias = dict[str, Any]
"""What was measured, as JSON has it."""

SECONDS_TO_END = 10
"""For a process to end those it started."""


def apart(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `work` in a fresh process, which ends when this one stops waiting for it.

    Raises:
        RuntimeError: It failed; it has told why.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sender, work, args, kwargs))
    process.start()
    sender.close()
    try:
        answer: T = receiver.recv()
    except EOFError:
        raise RuntimeError(f"{work.__module__} failed; its last words are above") from None
    except BaseException:
        process.terminate()
        raise
    finally:
        process.join(SECONDS_TO_END)
        process.kill()
    return answer


def end_on_sigterm() -> None:
    """Let a request to end run what is to be run at the end, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _answer(sender: Connection, work: Callable[..., Any], args: Any, kwargs: Any) -> None:
    end_on_sigterm()
    sender.send(work(*args, **kwargs))
