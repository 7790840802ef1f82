import re

import pytest

from escuta.data.feature_cache import default_folder
from escuta.terminal import Terminal
from escuta.training.preparation import find_features, prepare_features
from escuta.training.request import assign


def prepare(assignment, stopped=lambda: False):
    return prepare_features(assignment, Terminal(), stopped)


@pytest.fixture
def assignment(request_for, tmp_path):
    def assignment(**asked):
        return assign(request_for(**({"data__cache": str(tmp_path / "cache")} | asked)), Terminal())

    return assignment


def test_features_are_computed_for_the_first_run_and_found_by_the_next(assignment, tmp_path, capsys):
    asked = assignment()
    capsys.readouterr()

    features = prepare(asked)

    said = capsys.readouterr().out
    told = r"Features of 10 clips took \d+\.\d s; their cache has \d MB: " + re.escape(f"{tmp_path}/cache\n")
    assert re.fullmatch(told, said)
    assert len(features) == 10
    seconds = [clip.seconds for clip in (*asked.dataset.train, *asked.dataset.held_out)]
    assert [one["mel"].shape[1] for one in features] == pytest.approx([s * 22050 / 256 for s in seconds], abs=1)
    prepare(assignment(run=tmp_path / "another"))
    assert "Features" not in capsys.readouterr().out
    assert not default_folder().is_relative_to(tmp_path)


def test_a_home_is_understood_in_the_setting(assignment, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))

    prepare(assignment(data__cache="~/mine"), stopped=lambda: True)
    prepare(assignment(data__cache="~/mine"))

    assert len(list((tmp_path / "mine").rglob("*.safetensors"))) == 10


def test_to_find_features_computes_none(assignment, tmp_path):
    found = find_features(assignment())

    assert (len(found), len(found.missing())) == (10, 10)
    assert not (tmp_path / "cache").exists()
