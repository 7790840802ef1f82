"""From what somebody asked for to an assignment: everything is checked before anything is begun."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from escuta.data.batches import epoch_batches, order_fingerprint
from escuta.data.checks import check
from escuta.data.dataset import split
from escuta.data.inventory import Inventory, take_inventory
from escuta.data.sentences import Audition, Sentence, choose_audition
from escuta.errors import CheckpointError, RunError, SettingsError
from escuta.messages import _
from escuta.models.base import ClipLimits, VoiceModel
from escuta.models.bases import find_base
from escuta.models.load import load_model, model_fingerprint, refuse_absent
from escuta.run.checkpoints import Progress, newest_state
from escuta.run.folder import RunFolder
from escuta.scoring.own_rule import find_rule
from escuta.settings import Settings
from escuta.terminal import Terminal
from escuta.training.advice import advise
from escuta.training.assignment import Assignment


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked for."""

    dataset: Path
    run: RunFolder
    settings: Settings
    resume: bool = False
    """Continue the run that is there."""
    fresh: bool = False
    """Set the run that is there aside."""
    accept_changed_data: bool = False
    """Continue with clips that are not those the run began with."""
    accept_licence: bool = False
    ask_licence: Callable[[str], bool] | None = None


def assign(request: Request, terminal: Terminal, num_ranks: int = 1) -> Assignment:
    """Check all that was asked for, and complete it.

    Args:
        request: What is asked for.
        terminal: Where people read.
        num_ranks: How many processes are going to train together.

    Raises:
        EscutaError: Something cannot be used, or contradicts what is on disk; nothing was changed.
    """
    _refuse_mess(request, terminal)
    settings = request.settings
    rule = find_rule(settings.scores.rule)
    for device in (settings.training.device.replace("auto", "cpu"), settings.sampling.device):
        refuse_absent(device)
    base = find_base(settings.base, accept_licence=request.accept_licence, ask=request.ask_licence)
    terminal.say(_("Base model: {title} ({folder})").format(title=base.title, folder=base.folder))
    if base.warning:
        terminal.say(f"⚠️  {base.warning}")
    model = load_model(base.folder, uses=["features"])
    if settings.training.learns_sound and model.family != "xtts":
        raise SettingsError(
            _(
                "training.decoder_learning_rate: {title} has no decoder that learns; expected XTTS-v2. Leave it out."
            ).format(title=base.title)
        )
    language = model.language(settings.language or "")
    text_problems = partial(model.text_problems, language=language)
    with terminal.waiting(_("Listening to the clips")) as heard:
        findings = check(
            request.dataset,
            limits=_limits(model, settings),
            text_problems=partial(text_problems, learning=True),
            progress=heard,
        )
    terminal.say(*findings.lines())
    data, sampling = settings.data, settings.sampling
    dataset = split(findings, held_out_share=data.held_out_share, seed=settings.seed, max_clips=data.max_clips)
    settings, advised = advise(settings, [clip.seconds for clip in dataset.train], num_ranks)
    audition = (
        _same_audition(request.run)
        if request.resume
        else choose_audition(
            dataset,
            num_sentences=sampling.num_sentences,
            text_problems=text_problems,
            sentences_file=sampling.sentences,
            reference_file=sampling.reference,
            reference_text=sampling.reference_text,
        )
    )
    resumed_from, resumed = newest_state(request.run, on_damaged=_warning(terminal)) if request.resume else (None, None)
    if model.family == "f5" and sampling.mode != "off" and not audition.reference_text:
        raise SettingsError(
            _(
                "sampling.reference_text: not given; F5-TTS has to know what {file} says. Add --set "
                "sampling.reference_text=..., or choose a clip of the dataset."
            ).format(file=audition.reference)
        )
    assignment = Assignment(
        run=request.run,
        settings=settings,
        language=language,
        base=base,
        base_fingerprint=model_fingerprint(base.folder),
        dataset=dataset,
        inventory=take_inventory(dataset),
        audition=audition,
        resumed=resumed.progress if resumed else None,
        resumed_from=resumed_from,
        rule=rule,
        advised=advised,
        processes=num_ranks,
    )
    if resumed and resumed.base_fingerprint != assignment.base_fingerprint:
        raise CheckpointError(
            _(
                "{run}: was begun with another base model than {base}. Name that one with --base, or begin afresh "
                "with --fresh."
            ).format(run=request.run.path, base=base.folder)
        )
    if not request.accept_changed_data:
        _refuse_other_clips(assignment)
    return _in_order(assignment, terminal, accept=request.accept_changed_data)


def _refuse_mess(request: Request, terminal: Terminal) -> None:
    """Stop before any work where the request contradicts what is on disk."""
    run = request.run
    if request.resume and request.fresh:
        raise SettingsError(_("--resume and --fresh: found both; expected one of them. Leave one out."))
    if request.resume and not run.exists():
        raise RunError(_("{run}: no run to resume; leave --resume out to begin one.").format(run=run.path))
    if run.exists() and not (request.resume or request.fresh):
        _path, checkpoint = newest_state(run, on_damaged=_warning(terminal))
        progress = checkpoint.progress if checkpoint else Progress()
        raise RunError(
            _(
                "{run}: a run is already there, at epoch {epoch}, step {step}; nothing was changed. Continue it with "
                "--resume, or begin afresh with --fresh, which moves it aside."
            ).format(run=run.path, epoch=progress.epoch, step=progress.step)
        )
    settings = request.settings
    is_scored = settings.scores.enabled and settings.sampling.mode != "off"
    if settings.training.stop_on == "score" and (settings.training.patience is None or not is_scored):
        raise SettingsError(
            _("training.stop_on: score; expected training.patience with it, and samples to score. Set --patience N.")
        )
    if settings.training.learns_sound and settings.training.lora_rank:
        raise SettingsError(
            _(
                "training.decoder_learning_rate: found training.lora_rank beside it; expected one of them. Leave one "
                "out."
            )
        )
    if request.settings.language is None:
        raise SettingsError(_("language: not given; expected that of the clips. Add --language pt, en, es, ..."))
    if not run.exists() and run.path.is_dir() and any(path.name[0] != "." for path in run.path.iterdir()):
        raise RunError(
            _("{run}: holds other files; expected an empty or new folder. Choose another with --out.").format(
                run=run.path
            )
        )


def _warning(terminal: Terminal) -> Callable[[str], None]:
    return lambda problem: terminal.say(f"⚠️  {problem}")


def _limits(model: VoiceModel, settings: Settings) -> ClipLimits:
    limits = model.clip_limits
    return replace(limits, max_seconds=settings.data.max_clip_seconds or limits.max_seconds)


def _same_audition(run: RunFolder) -> Audition:
    """What the run has spoken so far, so that its checkpoints stay comparable."""
    facts = run.read_facts()
    try:
        sentences = tuple(Sentence(one["text"], one["source"]) for one in facts["sentences"])
        return Audition(sentences, Path(facts["reference"]), facts.get("reference_text"))
    except (KeyError, TypeError):
        raise RunError(
            _("{file}: lacks the sentences of the run. Begin afresh with --fresh.").format(file=run.facts)
        ) from None


def _in_order(assignment: Assignment, terminal: Terminal, *, accept: bool) -> Assignment:
    """Let an epoch that was left go on in the order in which it was begun, or begin anew where people accept that."""
    progress, settings = assignment.resumed, assignment.settings
    if progress is None or not progress.micro_steps_in_epoch:
        return assignment
    clip_seconds = [clip.seconds for clip in assignment.dataset.train]
    batches = epoch_batches(clip_seconds, assignment.batch_limits, seed=settings.seed, epoch=progress.epoch + 1)
    if progress.order in ("", order_fingerprint(batches, assignment.processes)) and not _has_other_clips(assignment):
        return assignment
    if not accept:
        raise RunError(
            _(
                "{run}: was left within epoch {epoch}, and clips would be learned in another order now: the seed, "
                "training.batch_size, training.batch_seconds or the number of processes has changed. Put that back, or "
                "begin this epoch anew: --accept-changed-data."
            ).format(run=assignment.run.path, epoch=progress.epoch + 1)
        )
    terminal.say(_("⚠️  Epoch {epoch} begins anew: its clips have changed.").format(epoch=progress.epoch + 1))
    return replace(assignment, resumed=replace(progress, micro_steps_in_epoch=0, order=""))


def _has_other_clips(assignment: Assignment) -> bool:
    begun_with: object = assignment.run.read_facts().get("dataset", {}).get("fingerprint")
    return begun_with != assignment.inventory.fingerprint


def _refuse_other_clips(assignment: Assignment) -> None:
    run, inventory = assignment.run, assignment.inventory
    if not assignment.resumed or not _has_other_clips(assignment):
        return
    try:
        changes = inventory.changes_since(Inventory.from_json(run.clips.read_text(encoding="utf-8")))
    except (OSError, ValueError):  # a run of an earlier version; what changed is not known
        changes = []
    raise RunError(
        _(
            "{run}: the clips are not those this run began with. Put them back, or go on with what is there now: "
            "--accept-changed-data."
        ).format(run=run.path),
        *(f"{run.path}: {change}" for change in changes),
    )
