import pytest
from bench.nano import Bench, decoder_frozen, fine_tuned, held_out, spoken
from bench.nano_table import TARGETS, figures, nano_tables
from bench.nano_words import WORDS
from bench.pages import Pages

from bench import nano
from escuta.run.folder import RunFolder
from escuta.scoring.instruments import Instruments
from runs import make_quick_base, make_reference

MACHINE = {
    "date": "2026-01-31", "cpu": "Some CPU", "cores": 2, "threads": 2, "memory_gb": 16, "torch": "2.13.0",
    "load_average": 0.5,
}  # fmt: skip


def row(errors, likeness=0.6, natural=3.0):
    scores = {"character_error_rate": errors, "speaker_similarity": likeness, "naturalness": natural}
    return {"seconds": 0.5, "audio_seconds": 5.0, "scores": scores}


@pytest.fixture
def sections():
    epochs = {"0": {"val_loss": 5.0, "similarity": 0.5, "stall_seconds": 0.0}}
    epochs["1"] = {"val_loss": 4.0, "similarity": None, "stall_seconds": 0.0123}
    tuned = {"epoch_0": [row(0.3, 0.5)], "best": [row(0.2, 0.8), row(0.1, 0.7)], "ceiling": 0.9, "epochs": epochs}
    return {
        "spoken": {"machine": MACHINE, "en": [row(0.0), row(0.1, natural=2.0)], "pt": [row(0.2)]},
        "fine_tuned": {"machine": MACHINE, "seconds": 300.0, **tuned},
        "decoder_frozen": {"machine": MACHINE, "seconds": 200.0, "best": [row(0.25, 0.6)]},
    }


@pytest.fixture
def bench(random_base, tmp_path):
    base = make_quick_base(tmp_path / "nano", random_base)
    for language in ("en", "pt"):
        make_reference(base / "voices" / f"{language}.flac")
    sentences = {"en": ["Good evening."], "pt": ["Boa noite."]}
    quick = ("training.epochs=1", "data.max_clips=4", "sampling.num_sentences=1", "scores.enabled=false")
    return Bench(str(base), RunFolder(tmp_path / "run"), sentences, Instruments(), quick)


def test_the_held_out_sentences_are_forty_of_each_language():
    assert [len(set(held_out(language))) for language in ("en", "pt")] == [40, 40]


def test_every_figure_is_a_mean_over_sentences(sections):
    assert figures(sections) == {
        "cer_en": 0.05,
        "cer_pt": 0.2,
        "similarity_epoch0": 0.5,
        "similarity_best": 0.75,
        "cer_finetuned": 0.15,
        "naturalness": 2.6667,
        "real_time_factor": 0.1,
    }
    assert set(figures({}).values()) == {None}


def test_every_figure_has_its_target_and_whether_it_is_met(sections):
    text = nano_tables({**figures(sections), "sections": sections}, "benchmarks.md")
    assert "| character error rate, English, in a voice of training | 5.0 % | ≤ 12.0 % | yes |" in text
    assert "| character error rate, Portuguese, in a voice of training | 20.0 % | ≤ 15.0 % | no |" in text
    assert "| 0.75 | ≥ 0.75 | yes |" in text
    assert "| the same, above what it was before fine-tuning | 0.25 | ≥ 0.10 | yes |" in text
    assert "| 10.0 % | ≤ 5.0 % | no |" in text
    assert "| 0.10 | ≤ 0.20 | yes |" in text
    assert "| the human demo voice, best checkpoint | 0.150 | 0.750 | 3.000 |" in text
    assert "training that leaves the decoder as it is | 0.250 | 0.600 |" in text
    assert "alike to each other to 0.900" in text
    assert "`make demo`, 5.0 min in all:" in text
    assert (
        "| epoch | 0 | 1 |\n| --- | --- | --- |\n| val_loss | 5.000 | 4.000 |\n| speaker similarity | 0.500 |  |"
        in text
    )
    assert "| training waited, ms | 0 | 12 |" in text


def test_rounding_hides_no_miss(sections):
    sections["spoken"]["pt"] = [row(0.1503)]
    text = nano_tables({**figures(sections), "sections": sections}, "benchmarks.md")
    assert "| 15.03 % | ≤ 15.0 % | no |" in text


def test_what_was_not_measured_is_left_out(sections):
    del sections["fine_tuned"], sections["decoder_frozen"]
    text = nano_tables({**figures(sections), "sections": sections}, "pt-BR/benchmarks.md")
    assert "5,0 %" in text
    assert "voz humana" not in text
    assert "make demo" not in text


def test_both_languages_have_words_for_the_same():
    english, portuguese = WORDS.values()
    assert english.keys() == portuguese.keys() > TARGETS.keys()


def test_the_base_says_every_sentence_in_a_voice_of_its_own(bench):
    found = spoken(bench)
    assert [row["text"] for row in found["en"] + found["pt"]] == ["Good evening.", "Boa noite."]
    assert all(row["seconds"] > 0 and row["audio_seconds"] > 0 for row in found["en"])


@pytest.mark.slow
def test_the_demo_is_trained_where_there_is_none_and_its_best_checkpoint_says_every_sentence(bench):
    found = fine_tuned(bench)
    assert (found["epoch_0"][0]["text"], found["best"][0]["text"]) == ("Good evening.", "Good evening.")
    assert found["checkpoint"] == "best_model.pt"
    assert list(found["epochs"]) == ["0", "1"]
    assert found["epochs"]["1"]["val_loss"] < found["epochs"]["0"]["val_loss"]
    assert decoder_frozen(bench)["best"][0]["text"] == "Good evening."
    trained = bench.run.facts.stat().st_mtime_ns
    fine_tuned(bench)
    assert bench.run.facts.stat().st_mtime_ns == trained


def test_figures_go_to_the_file_the_pages_and_the_card(sections, tmp_path, monkeypatch):
    (tmp_path / "pt-BR").mkdir()
    card = tmp_path / "CARD.md"
    for page in (card, tmp_path / "benchmarks.md", tmp_path / "pt-BR" / "benchmarks.md"):
        page.write_text("Before.\n<!-- nano -->\n<!-- end -->\nAfter.\n", encoding="utf-8")
    monkeypatch.setattr(nano, "PAGES", Pages("nano", nano_tables, tmp_path / "results", tmp_path))
    monkeypatch.setattr(nano, "CARD", card)

    nano.publish(sections)

    assert nano.PAGES.sections().keys() == sections.keys()
    for page in (card, tmp_path / "benchmarks.md"):
        assert "| 5.0 % | ≤ 12.0 % | yes |" in page.read_text(encoding="utf-8")
        assert page.read_text(encoding="utf-8").endswith("<!-- end -->\nAfter.\n")
