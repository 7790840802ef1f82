"""The guide's workspace: its folders, its settings file, its three commands, in Portuguese."""

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path

from escuta.cli.main import main
from escuta.messages import _
from escuta.run.folder import RunFolder


def train(root: Path, arguments: list[str]) -> None:
    """Do `train/scripts/train_xtts.py`: train on the workspace's dataset, or on that of `--dataset`.

    Args:
        root: Of the repository.
        arguments: Those of `escuta train`.
    """
    _speak_portuguese()
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--dataset", type=Path, default=root / "train" / "data" / "MyTTSDataset")
    options, others = parser.parse_known_args(arguments)
    run, settings = _run(root), root / "train" / "train_settings.py"
    if "--help" not in others:
        _refuse_missing(options.dataset)
        _show_log(root / run.log.name, run)
    main(["train", str(options.dataset), "--out", str(run.path), "--settings", str(settings), *others])


def generate_checkpoint_samples(root: Path, arguments: list[str]) -> None:
    """Do `scripts/generate_checkpoint_samples.py`: speak checkpoints of the workspace's run, all when none is named."""
    _speak_portuguese()
    main(["sample", str(_run(root).path), *(arguments or ["--all"])])


def generate_sample(root: Path, arguments: list[str]) -> None:
    """Do `scripts/generate_sample_subprocess.py`: one text, with a checkpoint, else the best, else the base model."""
    _speak_portuguese()
    parser = argparse.ArgumentParser(prog="generate_sample_subprocess.py", allow_abbrev=False)
    parser.add_argument("--reference_wav", required=True, help=_("A recording of the voice."))
    parser.add_argument("--text", required=True, help=_("What to say."))
    parser.add_argument("--output", required=True, help=_("The wav file to write."))
    parser.add_argument("--checkpoint", help=_("A checkpoint: a file, or a name in the run's checkpoints/."))
    options, others = parser.parse_known_args(arguments)
    run = _run(root)
    by_name = options.checkpoint and not Path(options.checkpoint).is_file()
    main(
        [
            *("say", "--text", options.text, "--reference", options.reference_wav, "--output", options.output),
            *(["--run", str(run.path)] if run.exists() or by_name else []),
            *(["--checkpoint", options.checkpoint] if options.checkpoint else []),
            *others,
        ]
    )


def _run(root: Path) -> RunFolder:
    return RunFolder(root / "train" / "output")


def _speak_portuguese() -> None:
    os.environ.setdefault("ESCUTA_LANG", "pt_BR")


def _refuse_missing(dataset: Path) -> None:
    if not dataset.is_dir():
        line = _(
            "{dataset}: not found; expected a folder with metadata.csv (id|text) and wavs/. Put your recordings "
            "there, or hear the bundled voice first: make demo"
        )
        print(line.format(dataset=dataset), file=sys.stderr)
        sys.exit(2)


def _show_log(log: Path, run: RunFolder) -> None:
    """Let `log`, where the guide looks, lead to the run's log; a file that is there already stays.

    `… > train_output.log` writes through such a link, into the run's own log. That file then takes the link's place,
    and the run begins another: each has one writer.
    """
    with suppress(OSError):  # a convenience: a root that cannot be written stops nobody
        if not os.path.lexists(log):
            run.path.mkdir(parents=True, exist_ok=True)  # or else `> train_output.log` could not open it
            log.symlink_to(run.log.relative_to(log.parent))
        elif log.is_symlink() and run.log.exists() and _written_by_shell(run.log):
            run.log.replace(log)


def _written_by_shell(log: Path) -> bool:
    """Whether `>` or `tee` has just emptied `log`, or `>>` goes on in it."""
    standard_output = 1
    return log.stat().st_size == 0 or os.path.samestat(os.fstat(standard_output), log.stat())
