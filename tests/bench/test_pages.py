import json

import pytest
from bench.pages import PAGES, Pages


@pytest.fixture
def pages(tmp_path):
    (tmp_path / "pt-BR").mkdir()
    for page in PAGES:
        (tmp_path / page).write_text(
            "Before.\n<!-- other -->\nkept\n<!-- end -->\n<!-- speed -->\nold\n<!-- end -->\nAfter.\n", encoding="utf-8"
        )
    return Pages("speed", lambda result, page: f"{page}: {result['sections']}", tmp_path / "results", tmp_path)


def test_a_new_table_takes_the_place_of_the_old_one_alone(pages):
    assert pages.sections() == {}
    for _ in range(2):
        pages.write({"sections": {"first": 1}})

    assert pages.sections() == {"first": 1} == json.loads(pages.file.read_text())["sections"]
    for page in PAGES:
        assert (pages.docs / page).read_text(encoding="utf-8") == (
            "Before.\n<!-- other -->\nkept\n<!-- end -->\n"
            f"<!-- speed -->\n{page}: {{'first': 1}}\n<!-- end -->\nAfter.\n"
        )
