import os
import subprocess
import sys

import pytest

from escuta.messages import _, _n

LOCALE = ("ESCUTA_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({}, "a number"),
        ({"LANG": "pt_BR.UTF-8"}, "um número"),
        ({"LANG": "pt_PT"}, "um número"),
        ({"LANG": "de_DE.UTF-8"}, "a number"),
        ({"LANG": "C"}, "a number"),
        ({"LANG": "pt_BR.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "a number"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "pt_BR"}, "um número"),
        ({"LANG": "en_US.UTF-8", "ESCUTA_LANG": "pt"}, "um número"),
        ({"LC_ALL": "pt_BR.UTF-8", "ESCUTA_LANG": "en"}, "a number"),
        ({"LANG": "pt_BR.UTF-8", "ESCUTA_LANG": ""}, "um número"),
    ],
)
def test_the_language_is_the_one_asked_for_else_that_of_the_system(monkeypatch, environment, text):
    for name in LOCALE:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert _("a number") == text


@pytest.mark.parametrize(
    ("language", "count", "text"),
    [
        ("en", 0, "0 clips"),
        ("en", 1, "1 clip"),
        ("en", 2, "2 clips"),
        ("pt", 0, "0 clipe"),
        ("pt", 1, "1 clipe"),
        ("pt", 2, "2 clipes"),
    ],
)
def test_the_form_fits_the_count(monkeypatch, language, count, text):
    monkeypatch.setenv("ESCUTA_LANG", language)

    assert _n("{n} clip", "{n} clips", count).format(n=count) == text


def test_a_message_without_translation_stays_as_it_is(monkeypatch):
    monkeypatch.setenv("ESCUTA_LANG", "pt")

    assert _("nobody has translated {this}") == "nobody has translated {this}"


def test_a_process_speaks_the_language_of_its_environment():
    command = [sys.executable, "-c", "from escuta.messages import _; print(_('a whole number'))"]
    output = subprocess.check_output(command, env=os.environ | {"ESCUTA_LANG": "pt_BR"}, text=True)

    assert output == "um número inteiro\n"
