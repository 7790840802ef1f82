"""Whether PyTorch, CUDA, driver and GPUs fit together: judged from facts alone."""

import re

from escuta.doctor.finding import Finding
from escuta.doctor.gpu import Facts, Gpu, Version
from escuta.messages import _

ADA: Version = (8, 9)
FIRST_CUDA_OF_ADA: Version = (11, 8)  # pytorch/pytorch#88038: cuFFT of 11.7 fails there at every call
BLACKWELL: Version = (10, 0)
FIRST_CUDA_OF_BLACKWELL: Version = (12, 8)  # release notes of CUDA 12.8: the first with sm_100 and sm_120


def judge(facts: Facts) -> list[Finding]:
    """Everything to say of the GPUs of a machine."""
    if not facts.gpus:
        return [*_absent(facts), *_libraries(facts)]
    found = [_one(facts, gpu) for gpu in facts.gpus]
    if facts.driver:
        found.append(
            Finding(
                "fine",
                _("Driver {driver}, for CUDA up to {cuda}.").format(
                    driver=facts.driver, cuda=_dotted(facts.driver_cuda)
                ),
            )
        )
    return [*found, *_libraries(facts)]


def cufft_lacks(facts: Facts, gpu: Gpu) -> bool:
    """Whether the cuFFT of this CUDA was made before this GPU, and fails at every call."""
    return gpu.capability >= ADA and facts.torch_cuda is not None and facts.torch_cuda < FIRST_CUDA_OF_ADA


def runs_on(arch_list: tuple[str, ...], capability: Version) -> bool:
    """Whether code for `arch_list` runs on a GPU.

    Source: CUDA's programming guide. Machine code (sm_XY) runs on the same X with the same or a higher Y, sm_XYa on
    that GPU alone, sm_XYf within its family; compute_XY is compiled by the driver for every later GPU.
    """
    for arch in arch_list:
        if not (parts := re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", arch)):
            continue
        made_for, only = (int(parts[2]), int(parts[3])), parts[4]
        if made_for == capability:
            return True
        if only != "a" and made_for < capability and (parts[1] == "compute" or made_for[0] == capability[0]):
            return True
    return False


def is_zluda(facts: Facts) -> bool:
    """Whether CUDA is imitated on another make of GPU."""
    return any("ZLUDA" in gpu.name for gpu in facts.gpus)


def majors(facts: Facts) -> set[int]:
    """The CUDA versions that NVIDIA's installed packages are for, as far as their names say."""
    return {int(match[1]) for wheel in facts.wheels if (match := re.search(r"-cu(\d+)\b", wheel))}


def foreign_cufft(facts: Facts) -> list[str]:
    """Files of cuFFT that were loaded from elsewhere than PyTorch's own packages."""
    own = set(facts.cufft_installed)
    return [path for path in facts.cufft_loaded if own and path not in own]


def mixed_libraries(facts: Facts) -> bool:
    """Whether CUDA libraries of several origins can get in each other's way."""
    return bool(len(majors(facts)) > 1 or foreign_cufft(facts) or facts.library_path_finds)


def _one(facts: Facts, gpu: Gpu) -> Finding:
    title = _("{name} (sm_{major}{minor}, {memory_gb:.0f} GB)").format(
        name=gpu.name, major=gpu.capability[0], minor=gpu.capability[1], memory_gb=gpu.memory_gb
    )
    built = _("PyTorch {torch} for CUDA {cuda}").format(torch=facts.torch, cuda=_dotted(facts.torch_cuda))
    if facts.torch_cuda and gpu.capability >= BLACKWELL and facts.torch_cuda < FIRST_CUDA_OF_BLACKWELL:
        return Finding(
            "warning",
            _("{title}: {built} is older than this GPU. Install a PyTorch for CUDA 12.8 or newer.").format(
                title=title, built=built
            ),
        )
    if facts.arch_list and not runs_on(facts.arch_list, gpu.capability):
        newest = max(_made_for(arch) for arch in facts.arch_list)
        advice = (
            _("Install a newer PyTorch.")
            if gpu.capability > newest
            else _("Install an older PyTorch, or train on the CPU: --set training.device=cpu.")
        )
        return Finding(
            "warning",
            _("{title}: {built} has no code for it, only for {archs}.").format(
                title=title, built=built, archs=", ".join(facts.arch_list)
            )
            + " "
            + advice,
        )
    if cufft_lacks(facts, gpu):
        return Finding(
            "warning",
            _("{title}: every FFT on it fails with {built}; escuta makes none there. See cause A.").format(
                title=title, built=built
            ),
        )
    return Finding("fine", _("{title}: {built} runs on it.").format(title=title, built=built))


def _absent(facts: Facts) -> list[Finding]:
    slow = _("Training and speaking run on the CPU: that works, only slower.")
    if not facts.nvidia_hardware:
        return [Finding("note", _("There is no GPU here.") + " " + slow)]
    if facts.torch_cuda is None:
        why = _("There is an NVIDIA GPU, but PyTorch {torch} is built for the CPU alone. Install one for CUDA.").format(
            torch=facts.torch
        )
    elif facts.visible_devices is not None and facts.visible_devices.split(",")[0] in ("", "-1"):
        why = _("There is an NVIDIA GPU, but CUDA_VISIBLE_DEVICES={value} hides it. Unset it.").format(
            value=facts.visible_devices
        )
    elif facts.driver_cuda is None:
        why = _(
            "There is an NVIDIA GPU, but its driver cannot be reached. Install it; a container must be given the GPU."
        )
    elif facts.driver_cuda[0] < facts.torch_cuda[0]:
        why = _(
            "There is an NVIDIA GPU, but its driver knows CUDA up to {driver} and PyTorch {torch} is for {cuda}. "
            "Update the driver, or install a PyTorch for CUDA {major}."
        ).format(
            driver=_dotted(facts.driver_cuda),
            torch=facts.torch,
            cuda=_dotted(facts.torch_cuda),
            major=facts.driver_cuda[0],
        )
    else:
        why = _("There is an NVIDIA GPU with its driver, but PyTorch {torch} does not see it. Try nvidia-smi.").format(
            torch=facts.torch
        )
    return [Finding("warning", f"{why} {slow}")]


def _libraries(facts: Facts) -> list[Finding]:
    found = []
    if len(majors(facts)) > 1:
        found.append(
            Finding(
                "warning",
                _("NVIDIA's packages for CUDA {majors} lie in one environment. See cause E.").format(
                    majors=", ".join(map(str, sorted(majors(facts))))
                ),
            )
        )
    if facts.library_path_finds:
        found.append(
            Finding(
                "warning",
                _("LD_LIBRARY_PATH leads to other CUDA libraries: {files}. See cause E.").format(
                    files=", ".join(facts.library_path_finds[:3])
                ),
            )
        )
    if foreign := foreign_cufft(facts):
        found.append(
            Finding(
                "warning",
                _("cuFFT was loaded from {file}, not from PyTorch's own. See cause E.").format(file=", ".join(foreign)),
            )
        )
    return found


def _made_for(arch: str) -> Version:
    digits = re.sub(r"\D", "", arch)
    return (int(digits[:-1]), int(digits[-1])) if len(digits) > 1 else (0, 0)


def _dotted(version: Version | None) -> str:
    return ".".join(map(str, version)) if version else "?"
