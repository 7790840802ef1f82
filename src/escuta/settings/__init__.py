"""What a user may choose, and where it comes from."""

from escuta.settings.schema import (
    DataSettings,
    Mode,
    SamplingSettings,
    ScoreSettings,
    Settings,
    Tracker,
    TrainingSettings,
    setting_names,
    settings_toml,
)
from escuta.settings.sources import load_settings, nearest_setting, nested, plain_value

__all__ = [
    "DataSettings",
    "Mode",
    "SamplingSettings",
    "ScoreSettings",
    "Settings",
    "Tracker",
    "TrainingSettings",
    "load_settings",
    "nearest_setting",
    "nested",
    "plain_value",
    "setting_names",
    "settings_toml",
]
