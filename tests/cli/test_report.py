from escuta.cli.main import main
from escuta.run.folder import RunFolder


def escuta(*arguments):
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as ended:
        return ended.code


def test_the_page_is_written_anew(tmp_path, capsys):
    run = RunFolder(tmp_path)
    run.write_facts({"language": "pt"})

    assert escuta("report", tmp_path) == 0
    assert run.report.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert str(run.report) in capsys.readouterr().out


def test_what_is_no_run_gets_no_page(tmp_path, capsys):
    assert escuta("report", tmp_path) == 2
    assert "no run.json" in capsys.readouterr().err
    assert not (tmp_path / "report.html").exists()
