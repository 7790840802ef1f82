import re

import escuta.errors
from escuta.errors import DataError, EscutaError


def subclasses(kind: type) -> list[type]:
    return [one for child in kind.__subclasses__() for one in (child, *subclasses(child))]


def test_the_tree_in_the_docstring_is_the_tree_of_classes():
    drawn = []
    parents: list[str] = []
    for line in (escuta.errors.__doc__ or "").splitlines():
        if match := re.match(r"^([│├└─ ]*)(\w+Error)\b", line):
            depth = len(match[1]) // 3
            parents = [*parents[:depth], match[2]]
            drawn.append(tuple(parents[-2:]))
    real = [(kind.__base__.__name__, kind.__name__) for kind in subclasses(EscutaError) if kind.__base__]

    assert drawn[0] == ("EscutaError",)
    assert sorted(drawn[1:]) == sorted(real)


def test_an_error_holds_every_problem():
    error = DataError("metadata.csv line 1: no text.", "metadata.csv line 2: no sound.")

    assert error.problems == ("metadata.csv line 1: no text.", "metadata.csv line 2: no sound.")
    assert str(error) == "metadata.csv line 1: no text.\nmetadata.csv line 2: no sound."


def test_an_error_without_words_can_be_shown():
    assert str(EscutaError()) == ""
