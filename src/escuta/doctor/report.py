"""What an examination comes to: a page for people, a document for bug reports, and yes or no."""

import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

from escuta.doctor import base_files, machine, match
from escuta.doctor.causes import Cause, causes, fails_when_full, stays_broken
from escuta.doctor.child import Outcome
from escuta.doctor.examination import Examination
from escuta.doctor.finding import SIGNS, Finding
from escuta.messages import _, _n

FIRST_GPU = "cuda:0"
"""Where training runs, unless told otherwise."""

Sections: TypeAlias = dict[str, list[Finding]]


def sections(found: Examination) -> Sections:
    """Everything to say, under its titles."""
    if found.facts is None:
        text = _("PyTorch cannot be loaded: {cause}. Install it anew.").format(cause=found.torch_problem)
        gpu = [Finding("broken", text)]
    else:
        gpu = match.judge(found.facts)
    told = {
        _("This machine"): machine.judge(found.machine),
        _("The GPU"): gpu,
        _("FFTs on the GPU, as coqui-tts makes them"): [
            finding for device, probes in (found.probes or {}).items() for finding in _ffts(device, probes)
        ],
        _("A training step and a sample, features computed on the CPU"): [
            _proof(device, proof) for device, proof in (found.proofs or {}).items()
        ],
        _("The model"): base_files.judge(found.base) if found.machine.packages["huggingface_hub"] else [],
    }
    return {title: findings for title, findings in told.items() if findings}


def works(told: Sections) -> bool:
    """Whether escuta can train and speak here."""
    return not any(finding.mark == "broken" for findings in told.values() for finding in findings)


def page(found: Examination) -> list[str]:
    """The page, as lines."""
    told = sections(found)
    lines = []
    for title, findings in told.items():
        lines += [title, *(f"  {SIGNS[one.mark]} {one.text}" for one in findings), ""]
    if known := _causes(found):
        lines += [_("Known causes of cuFFT errors"), *_told_causes(known), ""]
    verdict = (
        _("✅ escuta can train and speak on this machine.")
        if works(told)
        else _("❌ escuta cannot train and speak here before what is marked ❌ is mended.")
    )
    return [private(line) for line in [*lines, verdict]]


def document(found: Examination) -> dict[str, Any]:
    """The same for programs and bug reports: JSON types alone, without the name and the home of the user."""
    told = sections(found)
    plain = {
        "works": works(told),
        "machine": asdict(found.machine),
        "gpu": asdict(found.facts) if found.facts else None,
        "torch_problem": found.torch_problem,
        "cufft": {device: _plain(probes) for device, probes in (found.probes or {}).items()},
        "proof": _plain(found.proofs or {}),
        "causes": [asdict(cause) for cause in _causes(found)],
        "base": asdict(found.base) if found.base else None,
        "findings": {title: [asdict(one) for one in findings] for title, findings in told.items()},
    }
    shortened: dict[str, Any] = _private(plain)
    return shortened


def private(text: str) -> str:
    """Write the user's home as ~, and their name in other paths as <user>."""
    home, user = str(Path.home()), _user()
    if len(home) > 1:
        text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text)
    return re.sub(rf"(?<=/){re.escape(user)}(?![\w.-])", "<user>", text) if user else text


def _private(value: Any) -> Any:
    match value:
        case Mapping():
            return {private(str(key)): _private(one) for key, one in value.items()}
        case list() | tuple():
            return [_private(one) for one in value]
        case str() | Path():
            return private(str(value))
        case _:
            return value


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without a name
        return os.environ.get("USER", "")


def _plain(outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    return {name: {"status": one.status, "message": one.message, **one.found} for name, one in outcomes.items()}


def _causes(found: Examination) -> list[Cause]:
    return causes(found.facts, found.probes or {}) if found.facts else []


def _told_causes(known: list[Cause]) -> list[str]:
    lines = []
    for cause in known:
        lines.append(f"  {'👉' if cause.here else '· '} {cause.letter}. {cause.what}")
        if cause.here:
            lines.append("       " + _("It is at work here. {remedy}").format(remedy=cause.remedy))
    if not any(cause.here for cause in known):
        lines.append("  " + _("None of them is at work here; docs/doctor.md has their remedies."))
    return lines


def _ffts(device: str, probes: Mapping[str, Outcome]) -> list[Finding]:
    """One finding for what holds of all shapes, and one for each of the rest."""
    normal = [one for name, one in probes.items() if name == "rfft" or name.startswith("stft-")]
    full = [one for name, one in probes.items() if name.startswith("full-")]
    found = []
    if bad := [one for one in normal if one.status != "passed"]:
        text = _("{device}: FFTs fail ({cause}). coqui-tts cannot make a sample there; escuta can.").format(
            device=device, cause=_why(bad[0])
        )
        found.append(Finding("warning", text))
    else:
        found.append(Finding("fine", _("{device}: all three shapes work.").format(device=device)))
    if skipped := [one for one in full if one.status == "skipped"]:
        found.append(Finding("note", _("Nearly full memory was not tried: {cause}.").format(cause=skipped[0].message)))
    elif bad := [one for one in full if one.status != "passed"]:
        text = _n(
            "With nearly full memory, as beside a training, {count} of three fails ({cause}).",
            "With nearly full memory, as beside a training, {count} of three fail ({cause}).",
            len(bad),
        ).format(count=len(bad), cause=_why(bad[0]))
        told = [(fails_when_full(probes), _("See cause B.")), (stays_broken(probes), _("See cause C."))]
        found.append(Finding("warning", " ".join([text, *(words for is_so, words in told if is_so)])))
    else:
        found.append(Finding("fine", _("With nearly full memory they work too.")))
    if (grown := probes.get("plans")) and "plans_mb" in grown.found:
        text = _(
            "{lengths} lengths of audio leave {plans_mb:.0f} MB of plans on the GPU ({plans} of up to {most})."
        ).format(
            lengths=grown.found["lengths"],
            plans_mb=grown.found["plans_mb"],
            plans=grown.found["plans"],
            most=grown.found["most_plans"],
        )
        found.append(Finding("note", text))
    if (empty := probes.get("empty")) and (said := empty.found.get("no_clips")):
        found.append(Finding("note", _("An FFT of nothing: {answer}").format(answer=said)))
    return found


def _why(outcome: Outcome) -> str:
    return outcome.message or outcome.status


def _proof(device: str, proof: Outcome) -> Finding:
    if proof.status != "passed":
        off = proof.found.get("ffts_off_the_cpu")
        cause = proof.message or _("{count} FFTs ran off the CPU").format(count=off)
        text = _("{device}: failed ({cause}).").format(device=device, cause=cause)
        if device == "cpu":
            return Finding("broken", text)
        advice = _("Until that is mended, train with --set training.device=cpu.")
        return Finding("broken" if device == FIRST_GPU else "warning", f"{text} {advice}")
    measured = proof.found
    text = _("{device}: {audio_seconds:.1f} s of sound made in {seconds:.1f} s, no FFT on a GPU.").format(
        device=device, audio_seconds=measured["audio_seconds"], seconds=measured["seconds"]
    )
    if device == "cpu":
        return Finding("fine", text)
    if measured["equal"]:
        same = _("It is the CPU's sample, but for {difference:.2%}.").format(difference=measured["relative_difference"])
        return Finding("fine", f"{text} {same}")
    same = _("It is the CPU's sample for {seconds:.1f} s; from there on rounding led elsewhere.").format(
        seconds=measured["same_seconds"]
    )
    return Finding("note", f"{text} {same}")
