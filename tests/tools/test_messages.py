from pathlib import Path

import pytest
from tools.messages import extracted, read, untranslated, updated, write


def source(folder: Path, code: str, page: str = "") -> Path:
    (folder / "report").mkdir(parents=True, exist_ok=True)
    (folder / "say.py").write_text(code)
    (folder / "report" / "page.html").write_text(page)
    return folder


def texts(folder: Path) -> list[object]:
    return [message.id for message in extracted(folder) if message.id]


def test_messages_are_found_wherever_they_are_asked_for(tmp_path):
    code = """
print(_("plain"), _(
    "in two "
    "parts"
), f"<b>{_('in an f-string')}</b>")
print(_n("{n} clip", "{n} clips", count), gettext("not ours"), _other("nor this"))
"""
    page = """<p title="{{ _("on the page") }}">{% if a %}{{ _('in a {b}').format(b=b) }}{% endif %}</p>"""

    assert texts(source(tmp_path, code, page)) == [
        "plain",
        "in two parts",
        "in an f-string",
        ("{n} clip", "{n} clips"),
        "on the page",
        "in a {b}",
    ]


@pytest.mark.parametrize("call", ["_(name)", "_(f'{n} clips')", "_('a' + b)", "_n('one', many, 3)", "_(3)"])
def test_a_message_that_nobody_could_translate_is_refused(tmp_path, call):
    with pytest.raises(ValueError, match=r"say\.py line 2: the message is not a literal"):
        extracted(source(tmp_path, f"\n{call}\n"))


def test_a_page_that_is_no_template_is_refused(tmp_path):
    with pytest.raises(Exception, match="unexpected"):
        extracted(source(tmp_path, "", "{{ _('never closed' }}"))


def test_translations_are_kept_and_what_is_new_or_changed_is_left_to_translate(tmp_path):
    po = tmp_path / "pt_BR" / "escuta.po"
    before = updated(po, extracted(source(tmp_path, '_("stays"); _("The disk is full."); _("is removed")')))
    for message in before:
        message.string = f"<{message.id}>"
    write(po, before)

    after = updated(po, extracted(source(tmp_path, '_("stays"); _("The disk was full."); _("something else")')))
    write(po, after)

    assert untranslated(read(po)) == ["The disk was full.", "something else"]
    assert read(po)["stays"].string == "<stays>"
    assert read(po)["The disk was full."].string == "<The disk is full.>"
    assert "is removed" not in po.read_text(encoding="utf-8")


def test_writing_twice_changes_nothing(tmp_path):
    po = tmp_path / "escuta.po"
    written = []
    for _ in range(2):
        write(po, updated(po, extracted(source(tmp_path, '_("one"); _n("a", "b", 3)'))))
        written.append((po.read_bytes(), po.with_suffix(".mo").read_bytes()))

    assert written[0] == written[1]
