from recipes.nano.work import append_row, publish, read_rows, write_rows


def test_rows_come_back_as_written(tmp_path):
    rows = [{"id": "a", "text": "Olá"}, {"id": "b", "text": "tchau"}]
    write_rows(tmp_path / "rows.jsonl", rows)
    assert list(read_rows(tmp_path / "rows.jsonl")) == rows


def test_no_file_has_no_rows(tmp_path):
    assert list(read_rows(tmp_path / "rows.jsonl")) == []


def test_a_torn_line_is_left_out_and_does_not_spoil_the_next(tmp_path):
    path = tmp_path / "rows.jsonl"
    append_row(path, {"id": "a"})
    with path.open("a") as file:
        file.write('{"id": "tor')
    append_row(path, {"id": "b"})
    assert list(read_rows(path)) == [{"id": "a"}, {"id": "b"}]


def test_a_published_file_leaves_nothing_beside_it(tmp_path):
    publish(tmp_path / "folder" / "file", b"old")
    publish(tmp_path / "folder" / "file", b"new")
    assert [path.read_bytes() for path in (tmp_path / "folder").iterdir()] == [b"new"]
