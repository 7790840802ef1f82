"""The rules of this project that a program can check."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import escuta

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "escuta"
TESTS = ROOT / "tests"
FILES = sorted(SOURCE.rglob("*.py"))

MAY_IMPORT = {
    "errors": "",
    "messages": "",
    "terminal": "",
    "settings": "errors messages",
    "run": "errors messages",
    "text": "errors messages",
    "engine": "errors messages",
    "audio": "errors messages run",
    "models": "errors messages run text engine audio",
    "data": "errors messages audio models",
    "scoring": "errors messages terminal settings run text audio models data",
    "report": "errors messages run audio scoring",
    "sampling": "errors messages terminal settings run engine audio models data scoring",
    "training": "errors messages terminal settings run engine audio models data scoring sampling",
    "doctor": "errors messages audio models data",
    "cli": "errors messages terminal settings run audio models data scoring sampling training report doctor",
    "guide": "messages run cli",
    "__main__": "cli",
    "__init__": "",
}
"""What each room imports, none a room below it. Trainer and sampler meet in `run` and in what `training` hands over."""

NO_NOUNS = {"utils", "util", "helpers", "helper", "common", "misc", "core", "manager", "handler", "tools", "shared"}
ONLY_DECLARED = {"data/clip.py", "models/base.py", "sampling/speaker.py", "scoring/base.py"}
"""Contracts and plain data: nothing in them runs."""
OF_WHOLE_RUNS = {"training/loop.py", "training/start.py"}
"""What puts the parts together is tested as a whole, in tests/pipeline/."""

MACHINE_PATH = re.compile(rb"(?<![\w.~}>])/(?:root|work|tmp|home|Users|mnt)/[\w.]")


def name(file: Path) -> str:
    return file.relative_to(SOURCE).as_posix()


def room(file: Path) -> str:
    return file.relative_to(SOURCE).parts[0].removesuffix(".py")


def nodes(file: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(file.read_text(encoding="utf-8")))


def imported(file: Path) -> set[str]:
    """Dotted names of all modules that `file` imports, anywhere in it."""
    found = set()
    for node in nodes(file):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(file)}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def plain(distribution: str) -> str:
    return distribution.lower().replace("_", "-")


def tracked_files() -> list[Path]:
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("not a git repository")
    return [path for line in listed.split("\0") if line and (path := ROOT / line).is_file()]


def test_no_file_is_longer_than_400_lines():
    lengths = {name(file): len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}

    assert len(lengths) > 90
    assert {file: length for file, length in lengths.items() if length > 400} == {}


def test_every_file_and_class_has_a_noun_of_its_own():
    stems = {name(file): set(file.stem.split("_")) for file in FILES}
    classes = [node.name for file in FILES for node in nodes(file) if isinstance(node, ast.ClassDef)]

    assert [file for file, words in stems.items() if words & NO_NOUNS] == []
    assert [one for one in classes if re.search(r"(Manager|Handler|Helper|Util|Utils)$", one)] == []


def test_every_file_has_its_tests():
    whole_runs = "".join(file.read_text(encoding="utf-8") for file in sorted((TESTS / "pipeline").glob("test_*.py")))
    missing = []
    for file in FILES:
        own = TESTS / file.relative_to(SOURCE).with_name(f"test_{file.name}")
        if file.stem.startswith("__") or name(file) in ONLY_DECLARED or own.exists():
            continue
        is_command = room(file) == "cli" and f'"{file.stem}"' in whole_runs
        is_whole = name(file) in OF_WHOLE_RUNS and whole_runs
        if not (is_command or is_whole):
            missing.append(name(file))

    assert missing == []


def test_every_room_has_its_place_and_none_imports_upwards():
    assert {room(file) for file in FILES} <= MAY_IMPORT.keys()
    rooms = list(MAY_IMPORT)
    for below, allowed in MAY_IMPORT.items():
        assert set(allowed.split()) <= set(rooms[: rooms.index(below)]), below


def test_imports_go_one_way():
    wrong = []
    for file in FILES:
        allowed = {room(file), "__version__", *MAY_IMPORT[room(file)].split()}
        ours = {module for module in imported(file) if module.startswith("escuta.")}
        wrong += [f"{name(file)} imports {module}" for module in ours if module.split(".")[1] not in allowed]

    assert wrong == []


def test_every_package_that_is_imported_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = sum(project["optional-dependencies"].values(), project["dependencies"])
    declared = {plain(re.split(r"[^\w.-]", requirement)[0]) for requirement in requirements}
    distributions = packages_distributions()
    packages = {module.split(".")[0] for file in FILES for module in imported(file)}
    others = packages - {"escuta", "_typeshed", *sys.stdlib_module_names}

    assert [one for one in sorted(others) if not declared & {plain(dist) for dist in distributions.get(one, [])}] == []


def test_only_the_spectrograms_and_the_probes_of_the_doctor_use_an_fft():
    def uses_fft(file: Path) -> bool:
        attributes = {node.attr for node in nodes(file) if isinstance(node, ast.Attribute)}
        parts = {part for module in imported(file) for part in module.split(".")}
        return bool((attributes | parts) & {"fft", "rfft", "irfft", "stft", "istft"})

    assert [name(file) for file in FILES if uses_fft(file)] == ["audio/mel.py", "doctor/cufft.py"]


def test_no_public_function_takes_just_any_keyword():
    taking = [
        f"{name(file)}: {function.name}"
        for file in FILES
        for scope in nodes(file)
        if isinstance(scope, ast.Module | ast.ClassDef)
        for function in scope.body
        if isinstance(function, ast.FunctionDef) and function.args.kwarg and not function.name.startswith("_")
    ]

    assert taking == []


@pytest.mark.parametrize(
    "code", ["import escuta", "from escuta.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass"]
)
def test_torch_is_left_alone_until_it_is_needed(code):
    script = f"import sys\n{code}\nsys.stderr.write(' '.join({{'torch', 'numpy', 'escuta'}} & set(sys.modules)))"
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert finished.stderr == "escuta"


def test_no_file_names_a_place_of_the_machine_it_was_written_on():
    found = []
    for file in tracked_files():
        lines = file.read_bytes().splitlines()
        found += [f"{file.relative_to(ROOT)} line {n}" for n, line in enumerate(lines, 1) if MACHINE_PATH.search(line)]

    assert found == []


def test_the_changelog_begins_with_this_version():
    versions = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert versions[0] == escuta.__version__
    assert len(set(versions)) == len(versions)
