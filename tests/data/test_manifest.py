import pytest

from escuta.data.manifest import Row, find_audio, read_manifest
from escuta.errors import DataError


def manifest(tmp_path, content: str | bytes):
    path = tmp_path / "metadata.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_manifest(tmp_path)


def rows(tmp_path, content: str | bytes) -> list[tuple[int, str, str]]:
    read = manifest(tmp_path, content)
    assert read.problems == ()
    return [(row.line, row.audio, row.text) for row in read.rows]


def messages(tmp_path, content: str) -> list[str]:
    return [problem.message for problem in manifest(tmp_path, content).problems]


def refusals(tmp_path, content: str | bytes) -> tuple[str, ...]:
    with pytest.raises(DataError) as caught:
        manifest(tmp_path, content)
    return caught.value.problems


def test_id_and_text(tmp_path):
    assert rows(tmp_path, "a|Olá.\nb|Tudo bem?\n") == [(1, "a", "Olá."), (2, "b", "Tudo bem?")]


def test_the_normalised_text_wins_where_it_is_filled(tmp_path):
    content = "a|Dr. No|Doctor No\nb|Yes|\nc|Number 5|number five\n"
    assert rows(tmp_path, content) == [(1, "a", "Doctor No"), (2, "b", "Yes"), (3, "c", "number five")]


@pytest.mark.parametrize(
    "header", ["id|text", "ID|Text", "file_name|transcription", '"audio_file"|"text"', " path | sentence "]
)
def test_a_header_is_not_a_clip(tmp_path, header):
    assert rows(tmp_path, f"{header}\na|Hello\n") == [(2, "a", "Hello")]


def test_a_header_may_name_the_normalised_text(tmp_path):
    assert rows(tmp_path, "id|text|normalized_text\na|5|five\nb|Hi|\n") == [(2, "a", "five"), (3, "b", "Hi")]


def test_a_header_may_put_the_text_first(tmp_path):
    assert rows(tmp_path, "text|audio_file\nHello|a.wav\n") == [(2, "a.wav", "Hello")]


def test_speakers_and_emotions_are_not_the_text(tmp_path):
    content = "audio_file|text|speaker_name|emotion_name\nwavs/a.wav|Hello|ana|calm\nwavs/b.wav|Bye|ana\n"
    assert rows(tmp_path, content) == [(2, "wavs/a.wav", "Hello"), (3, "wavs/b.wav", "Bye")]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_with_a_header(tmp_path, separator):
    content = 'file_name,text\na.wav,"Well, ""yes""."\nb.wav,No\n'.replace(",", separator)
    text = 'Well, "yes".'.replace(",", separator.strip())
    assert rows(tmp_path, content) == [(2, "a.wav", text), (3, "b.wav", "No")]


def test_a_quoted_cell_of_a_table_may_hold_a_newline(tmp_path):
    content = 'id,text\na,"first\nsecond"\n\nb,third\n'
    assert rows(tmp_path, content) == [(2, "a", "first second"), (5, "b", "third")]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("header", ["", "id|text\n"])
def test_marks_and_line_endings_change_nothing(tmp_path, mark, ending, header):
    content = mark + f"{header}a|Olá\nb|Você\n".replace("\n", ending).encode()
    first = 2 if header else 1
    assert rows(tmp_path, content) == [(first, "a", "Olá"), (first + 1, "b", "Você")]


def test_a_quotation_mark_joins_no_lines(tmp_path):
    content = 'a|"Never, he said\nb|He said "no" twice\nc|an inch is 1"\n'
    assert rows(tmp_path, content) == [
        (1, "a", '"Never, he said'),
        (2, "b", 'He said "no" twice'),
        (3, "c", 'an inch is 1"'),
    ]


def test_quotation_marks_of_a_spreadsheet_are_taken_off(tmp_path):
    assert rows(tmp_path, '"a"|"He said ""no"" twice"\nb|"Yes" and "no"\n') == [
        (1, "a", 'He said "no" twice'),
        (2, "b", '"Yes" and "no"'),
    ]


def test_blank_lines_are_skipped_and_counted(tmp_path):
    assert rows(tmp_path, "\n\na|One\n   \n\nb|Two\n\n\n") == [(3, "a", "One"), (6, "b", "Two")]


def test_spaces_around_cells_are_taken_off(tmp_path):
    assert rows(tmp_path, " a | Hello there \n") == [(1, "a", "Hello there")]


def test_a_line_without_text_is_a_row_for_the_checks_to_judge(tmp_path):
    assert manifest(tmp_path, "a|\nb|Hi\n").rows == (Row(1, "a", ""), Row(2, "b", "Hi"))


def test_every_line_with_too_few_or_many_columns_is_named(tmp_path):
    assert messages(tmp_path, "a|One\njust a text\nb|Two\nc|x|y|z\n") == [
        "metadata.csv line 2: has 1 column separated by '|'; expected id|text|[normalised text]. "
        "Mend the line. Left out.",
        "metadata.csv line 4: has 4 columns separated by '|'; expected id|text|[normalised text]. "
        "Mend the line. Left out.",
    ]


def test_a_pipe_in_the_text_is_not_cut_off_in_silence(tmp_path):
    assert messages(tmp_path, "id|text\na|One\nb|this | that\n") == [
        "metadata.csv line 3: has 3 columns separated by '|'; expected id|text. Mend the line. Left out."
    ]


def test_a_line_that_names_no_recording_is_reported(tmp_path):
    assert messages(tmp_path, "id|text\n|One\nb|Two\n") == [
        "metadata.csv line 2: names no recording; expected its file's name in column 'id'. Mend the line. Left out."
    ]


def test_a_third_column_that_names_the_speaker_is_not_learned_as_text(tmp_path):
    assert refusals(tmp_path, "a|One|ana\nb|Two|ana\nc|Three|ana\n") == (
        "metadata.csv: the third column is 'ana' on every line; expected the normalised text. "
        "If it names the speaker, make audio_file|text|speaker_name the first line.",
    )


def test_a_file_of_which_nothing_can_be_understood_is_refused_once(tmp_path):
    assert refusals(tmp_path, "a.wav,Hello\nb.wav,Bye\n") == (
        f"{tmp_path / 'metadata.csv'}: none of its lines reads as id|text; the first is 'a.wav,Hello'. "
        "Write one line a clip.",
    )


def test_a_header_alone_is_refused(tmp_path):
    assert len(refusals(tmp_path, "id|text\n")) == 1


def test_a_quotation_mark_that_never_closes_swallows_no_lines(tmp_path):
    assert refusals(tmp_path, 'id,text\na,fine\nb,"never closed\nc,swallowed\n') == (
        "metadata.csv line 3: its quotation marks do not pair (unexpected end of data). Double those inside a text.",
    )


def test_a_missing_manifest_is_refused(tmp_path):
    with pytest.raises(DataError) as caught:
        read_manifest(tmp_path / "nowhere")
    assert str(caught.value) == (
        f"{tmp_path / 'nowhere'}: no metadata.csv there; expected a folder with metadata.csv (id|text, a line a clip) "
        "and wavs/. Check its name."
    )


def test_a_manifest_in_latin_1_is_refused_line_by_line(tmp_path):
    assert refusals(tmp_path, "a|Olá\nb|Oi\nc|Você\n".encode("latin-1")) == (
        f"{tmp_path / 'metadata.csv'} line 1: not in UTF-8; a|Ol\ufffd. Save the file as UTF-8.",
        f"{tmp_path / 'metadata.csv'} line 3: not in UTF-8; c|Voc\ufffd. Save the file as UTF-8.",
    )


@pytest.mark.parametrize("name", ["a", "a.wav", "wavs/a", "wavs/a.wav", "wavs\\a.wav", "./wavs/a.wav"])
def test_a_recording_is_found_however_it_is_named(tmp_path, name):
    (tmp_path / "wavs").mkdir()
    (tmp_path / "wavs" / "a.wav").touch()
    assert find_audio(tmp_path, name) == tmp_path / "wavs" / "a.wav"


@pytest.mark.parametrize("ending", [".wav", ".flac", ".ogg", ".mp3", ".WAV"])
def test_an_id_finds_every_kind_of_recording(tmp_path, ending):
    (tmp_path / "wavs").mkdir()
    path = tmp_path / "wavs" / f"take.1{ending}"
    path.touch()
    assert find_audio(tmp_path, "take.1") == path


def test_a_recording_may_lie_beside_the_manifest(tmp_path):
    (tmp_path / "a.mp3").touch()
    assert find_audio(tmp_path, "a") == tmp_path / "a.mp3"


def test_wavs_and_wav_come_first(tmp_path):
    (tmp_path / "wavs").mkdir()
    for name in ("a.wav", "wavs/a.mp3", "wavs/a.wav"):
        (tmp_path / name).touch()
    assert find_audio(tmp_path, "a") == tmp_path / "wavs" / "a.wav"


@pytest.mark.parametrize("name", ["b", "wavs", "a" * 5000, ".", "b.wav"])
def test_what_is_not_there_is_not_found(tmp_path, name):
    (tmp_path / "wavs").mkdir()
    assert find_audio(tmp_path, name) is None
