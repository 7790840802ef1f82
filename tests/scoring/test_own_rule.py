import pytest

from escuta.errors import SettingsError
from escuta.scoring.own_rule import find_rule
from escuta.scoring.rule import Choice, Yardstick, choose
from scored_samples import scored

MOST_NATURAL = """
def choose(checkpoints, yardstick):
    best = max(checkpoints, key=lambda one: one.mean("naturalness"))
    return best, "sounds best to me"
"""
CHECKPOINTS = [scored("epoch_1", naturalness=3.0), scored("epoch_2", naturalness=4.0, character_error_rate=0.9)]


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(content, name="my_rules.py"):
        (tmp_path / name).write_text(content)
        return f"{name}:choose"

    return write


def test_without_a_name_the_rule_is_our_own():
    assert find_rule(None) is choose


def test_a_function_in_a_file_or_a_module_is_a_rule(write, tmp_path):
    write(MOST_NATURAL)
    write(MOST_NATURAL, "an_installed_rule.py")

    for name in ("my_rules.py:choose", f"{tmp_path}/my_rules.py:choose", "an_installed_rule:choose"):
        rule = find_rule(name)
        assert rule(CHECKPOINTS, Yardstick()) == Choice(CHECKPOINTS[1], "sounds best to me")


@pytest.mark.parametrize(
    ("content", "name", "problem"),
    [
        (MOST_NATURAL, "my_rules.py", "expected a file or module and its function, as my_rules.py:choose."),
        (MOST_NATURAL, "gone.py:choose", "cannot be loaded (FileNotFoundError: "),
        (MOST_NATURAL, "no_such_module:choose", "cannot be loaded (ModuleNotFoundError: No module named"),
        (MOST_NATURAL, "my_rules.py:chose", "my_rules.py has no function chose. Define it, or name another."),
        ("choose = 3", "my_rules.py:choose", "my_rules.py has no function choose."),
        ("def choose(:", "my_rules.py:choose", "cannot be loaded (SyntaxError: "),
        ("1 / 0", "my_rules.py:choose", "cannot be loaded (ZeroDivisionError: division by zero)"),
    ],
)
def test_what_is_no_rule_is_refused_in_one_line(write, content, name, problem):
    write(content)

    with pytest.raises(SettingsError) as refused:
        find_rule(name)

    assert str(refused.value).startswith(f"scores.rule {name!r}: {problem}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("return checkpoints[0]", "answered Scored("),
        ("return None", "answered None; expected one of the checkpoints, and why."),
        ("return 'epoch_1', 'because'", "answered ('epoch_1', 'because'); expected"),
        ("raise KeyError('naturalness')", "failed (KeyError: 'naturalness'); mend it, or leave scores.rule out."),
    ],
)
def test_a_rule_that_answers_nonsense_is_told_of(write, body, problem):
    rule = find_rule(write(f"def choose(checkpoints, yardstick):\n    {body}\n"))

    with pytest.raises(SettingsError) as refused:
        rule(CHECKPOINTS, Yardstick())

    assert str(refused.value).startswith(f"scores.rule 'my_rules.py:choose': {problem}")
