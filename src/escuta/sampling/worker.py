"""The process that speaks: jobs come in on standard input, results go out on standard output, one JSON line each.

It knows nothing of training. It ends when its input ends, so that it never outlives the training that started it, and
it gives a sign of life with every code it generates, so that slow and hung can be told apart. What it says of a sample
may change once more after the result: packed weights are checked when nobody waits for them.

Messages out: `{"alive": true}`, `{"ready": true}`, `{"result": {...}}`, `{"fatal": "..."}`.
"""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from escuta.engine.faithfulness import Asked
from escuta.errors import InstallError
from escuta.messages import _
from escuta.run.child import claim_standard_output, encode_line, parent_messages
from escuta.run.priority import step_back
from escuta.sampling.job import SampleJob, SampleResult, cause
from escuta.sampling.memory import available_bytes, own_bytes

if TYPE_CHECKING:
    from escuta.sampling.speaking import Voice

SIGN_OF_LIFE_SECONDS = 1.0
"""At most one sign of life in so long a time."""


def main() -> int:
    """Serve jobs until standard input ends."""
    step_back()
    options = _options()
    output = claim_standard_output()
    messages = parent_messages()
    progress = _sign_of_life(output)

    import torch

    from escuta.engine.allocation import share_one_heap
    from escuta.models.load import load_model
    from escuta.sampling.speaking import Voice

    torch.set_num_threads(options.threads)
    share_one_heap()
    try:
        refuse_tight(options.base, options.device, "auto")
        model = load_model(options.base, uses=["speaking"], device=options.device)
    except Exception as error:  # whatever it is, it would be the same again
        traceback.print_exc()
        _send(output, {"fatal": cause(error)})
        return 2
    voice = Voice(model, options.mode, progress)
    _send(output, {"ready": True})
    while (message := messages.get()) is not None:
        job = SampleJob.from_json(message)
        try:
            refuse_tight(options.base, options.device, job.precision)
            result = voice.speak(job)
        except InstallError as error:
            _send(output, {"fatal": cause(error)})
            return 2
        except Exception as error:  # the outermost line: a failure is a result that names its cause
            traceback.print_exc()
            result = SampleResult.unspoken(job, mode=options.mode, status="failed", reason=cause(error))
        if options.mode == "isolated":  # its process ends with the result
            _check(voice, lambda: False)
        _send(output, {"result": result.to_json()})
        _check(voice, lambda: not messages.empty())
    return 0


def refuse_tight(base: Path, device: str, asked: Asked) -> None:
    """Make sure that there is the memory to speak with, so that the system need not choose what to end.

    Raises:
        InstallError: There is not.
        ModelError: Files of the model are missing or damaged.
    """
    from escuta.models.families import family_of
    from escuta.models.load import speaking_bytes
    from escuta.models.precision import precision_for

    needed = speaking_bytes(base, precision_for(asked, device.partition(":")[0], family_of(base)))
    available = available_bytes() + own_bytes()
    if available < needed:
        raise InstallError(
            _(
                "{available:.1f} GB of memory are free for speaking; expected {needed:.1f} GB. Close other programs, "
                "or sample when training has ended."
            ).format(available=available / 1e9, needed=needed / 1e9)
        )


def _check(voice: "Voice", somebody_waits: Callable[[], bool]) -> None:
    """Measure how faithful the sample just spoken is; only the first measurement keeps another job waiting."""
    may_wait = not voice.unchecked
    try:
        voice.check(lambda: may_wait and somebody_waits())
    except Exception:  # the sample is there, and says that it was not checked
        traceback.print_exc()


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
