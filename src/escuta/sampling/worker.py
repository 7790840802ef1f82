"""The process that speaks: jobs come in on standard input, results go out on standard output, one JSON line each.

It knows nothing of training. It ends when its input ends, so that it never outlives the training that started it, and
it gives a sign of life with every code it generates, so that slow and hung can be told apart.

Messages out: `{"alive": true}`, `{"ready": true}`, `{"result": {...}}`, `{"fatal": "..."}`.
"""

import argparse
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

from escuta.messages import _
from escuta.sampling.job import SampleJob, SampleResult, cause, encode_line

SIGN_OF_LIFE_SECONDS = 1.0
"""At most one sign of life in so long a time."""


def main() -> int:
    """Serve jobs until standard input ends."""
    options = _options()
    output = _claim_standard_output()
    jobs = _read_jobs(sys.stdin.buffer)
    progress = _sign_of_life(output)

    import torch

    from escuta.models.load import load_model
    from escuta.sampling.speaking import Voice

    torch.set_num_threads(options.threads)
    try:
        model = load_model(options.base, uses=["speaking"], device=options.device)
    except Exception as error:  # whatever it is, it would be the same again
        traceback.print_exc()
        _send(output, {"fatal": cause(error)})
        return 2
    voice = Voice(model, options.mode, progress)
    _send(output, {"ready": True})
    while (job := jobs.get()) is not None:
        try:
            result = voice.speak(job)
        except Exception as error:  # the outermost line: a failure is a result that names its cause
            traceback.print_exc()
            result = SampleResult.unspoken(job, mode=options.mode, status="failed", reason=cause(error))
        _send(output, {"result": result.to_json()})
    return 0


def command(base: Path, *, device: str, threads: int, mode: str) -> list[str]:
    """The command line that starts this process."""
    return [
        *(sys.executable, "-m", "escuta.sampling.worker", str(base)),
        *("--device", device, "--threads", str(threads), "--mode", mode),
    ]


def read_result(message: dict[str, Any]) -> SampleResult | None:
    """The result in a message, or None when it is another one."""
    return SampleResult.from_json(message["result"]) if "result" in message else None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="escuta.sampling.worker", description=_("Speaks checkpoints of a training."))
    parser.add_argument("base", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--mode", default="background")
    return parser.parse_args()


def _claim_standard_output() -> BinaryIO:
    """Keep standard output for messages alone: whatever a library prints goes to standard error."""
    messages = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return messages


def _read_jobs(stream: BinaryIO) -> "SimpleQueue[SampleJob | None]":
    jobs: SimpleQueue[SampleJob | None] = SimpleQueue()

    def read() -> None:
        for line in stream:
            content = json.loads(line)
            if content.get("finish"):
                jobs.put(None)
                return
            jobs.put(SampleJob.from_json(content))
        os._exit(0)  # the training process is gone: nobody waits for what is being said

    threading.Thread(target=read, daemon=True).start()
    return jobs


def _sign_of_life(output: BinaryIO) -> Callable[[], None]:
    last = 0.0

    def progress() -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= SIGN_OF_LIFE_SECONDS:
            last = now
            _send(output, {"alive": True})

    return progress


def _send(output: BinaryIO, message: dict[str, Any]) -> None:
    output.write(encode_line(message))
    output.flush()


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # Python's own end would abort on the thread that still reads standard input
