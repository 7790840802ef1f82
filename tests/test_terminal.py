import os
import pty
import re
import subprocess
import sys

from escuta.terminal import Terminal

SHOW_A_BAR = """
import sys
from pathlib import Path
from escuta.terminal import Terminal
terminal = Terminal()
terminal.keep(Path(sys.argv[1]))
with terminal.progress("Epoch 1/3", 2) as advance:
    advance("loss 2.500")
    terminal.say("said meanwhile")
    advance("loss 2.400")
with terminal.waiting("Listening") as heard:
    heard(3, 7)
"""


SHOW_A_LONG_LINE = """
from escuta.terminal import Terminal
with Terminal().progress("Epoch 10/10", 290) as advance:
    for _ in range(123):
        advance("loss 2.500  3 h 20 min to the end  12.50 clips/s")
"""


def on_a_terminal(*command: object, columns: int = 100) -> str:
    """What `command` shows on a terminal so wide."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": str(columns)}
    with subprocess.Popen([str(part) for part in command], stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # Linux tells so that the other side is closed
            pass
        os.close(ours)
    assert process.returncode == 0, shown
    return shown.decode()


def test_a_line_is_shown_as_it_is(capsys):
    line = "💾 [bold] :smile: 'a' 12.5 https://example.org " + "long " * 60

    Terminal().say(line, "second")

    assert capsys.readouterr().out == f"{line}\nsecond\n"


def test_the_log_holds_every_line_those_before_it_was_there_too(tmp_path, capsys):
    terminal = Terminal()
    terminal.say("before", "época")
    terminal.keep(tmp_path / "train_output.log")
    terminal.say("after")

    assert (tmp_path / "train_output.log").read_text(encoding="utf-8") == "before\népoca\nafter\n"
    assert capsys.readouterr().out == "before\népoca\nafter\n"


def test_a_log_that_is_there_is_continued(tmp_path, capsys):
    log = tmp_path / "train_output.log"
    log.write_text("yesterday\n")
    terminal = Terminal()

    terminal.keep(log)
    terminal.say("today")

    assert log.read_text() == "yesterday\ntoday\n"


def test_bars_are_shown_on_a_terminal_and_kept_out_of_the_log(tmp_path):
    shown = on_a_terminal(sys.executable, "-c", SHOW_A_BAR, tmp_path / "train_output.log")

    for words in ("Epoch 1/3", "loss 2.400", "said meanwhile", "Listening"):
        assert words in shown
    assert (tmp_path / "train_output.log").read_text() == "said meanwhile\n"


def test_on_a_narrow_terminal_the_end_of_the_words_is_cut_off():
    shown = on_a_terminal(sys.executable, "-c", SHOW_A_LONG_LINE, columns=60)

    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).split("\r")[-3:]
    (line,) = [one for one in last if "123/290" in one]
    assert re.search(r"^Epoch 10/10 \S+ +123/290 \S+ loss 2\.500  3 h 20 min .*…$", line.rstrip())
    assert len(line.rstrip()) <= 60


def test_no_bar_is_shown_where_there_is_no_terminal(capsys):
    terminal = Terminal()
    with terminal.progress("Epoch 1/3", 2) as advance:
        advance("loss 2.500")
    with terminal.waiting("Listening") as heard:
        heard(1, 2)

    assert capsys.readouterr().out == ""
