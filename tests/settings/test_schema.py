from pathlib import Path

import pytest
from pydantic import ValidationError

from escuta.settings import (
    DataSettings,
    SamplingSettings,
    ScoreSettings,
    Settings,
    TrainingSettings,
    load_settings,
    setting_names,
    settings_toml,
)

NAMES = """
base language seed
data.max_clips data.max_clip_seconds data.held_out_share data.cache
training.epochs training.batch_size training.batch_seconds training.accumulation_steps training.learning_rate
training.decoder_learning_rate training.warmup_steps training.schedule training.weight_decay
training.max_grad_norm training.precision
training.optimizer training.ema_decay training.lora_rank training.lora_alpha training.freeze
training.activation_checkpointing training.compile training.device training.save_every_n_epochs training.keep_last
training.keep_top
training.save_state_minutes training.patience training.stop_on training.max_minutes training.max_bad_steps
training.trackers
sampling.mode sampling.every_n_epochs sampling.every_n_steps sampling.best_samples sampling.num_sentences
sampling.sentences sampling.reference sampling.reference_text sampling.sample_rate sampling.precision
sampling.temperature sampling.top_k sampling.top_p sampling.repetition_penalty sampling.steps sampling.guidance
sampling.device sampling.threads sampling.timeout_seconds
scores.enabled scores.recogniser scores.device scores.num_seeds scores.rule
"""


def given(folder: Path, text: str, name: str = "settings.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_there_are_these_settings_and_no_others():
    assert setting_names() == NAMES.split()


def test_every_setting_says_what_it_is_for():
    sections = [Settings, DataSettings, TrainingSettings, SamplingSettings, ScoreSettings]
    fields = [field for section in sections for field in section.model_fields.items()]

    assert len(fields) == len(NAMES.split()) + 4
    assert [name for name, field in fields if not field.description] == ["data", "training", "sampling", "scores"]


def test_settings_do_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().training.epochs = 3


def test_what_is_written_as_toml_is_read_back(tmp_path):
    settings = Settings(
        language="pt",
        seed=3,
        data={"max_clips": 20},
        training={"learning_rate": 1e-5, "device": "cpu"},
        sampling={"sentences": Path('say "this".txt'), "sample_rate": 24000, "best_samples": False, "top_p": 0.5},
    )

    assert load_settings(given(tmp_path, settings_toml(settings))) == settings
    assert load_settings(given(tmp_path, settings_toml(Settings()))) == Settings()
