"""Every error a user can meet, one tree.

EscutaError
├── SettingsError      a setting is unknown or out of range
├── DataError          the dataset, a clip or a sentence is unusable
│   └── AudioError     one audio file cannot be read, or holds nothing usable
├── ModelError         the base model cannot be used
│   ├── WeightsError   a weights file is missing, damaged, foreign or of another shape
│   ├── LanguageError  the model does not speak this language
│   └── BaseError      the base model cannot be found, fetched or used under its licence
├── TextError          the text cannot be spoken by this model
├── RunError           the run folder is missing, taken, damaged or cannot be written
│   └── CheckpointError  one checkpoint is missing, truncated or of another model
├── InstallError       a package or a machine resource is missing
└── ToldElsewhereError      another process says what is wrong

`ValueError` and `assert` mean that the calling code is wrong; these mean that the user's files, settings or machine
are.
A message reads `where: what was found; what was expected. What to do.`
"""


class EscutaError(Exception):
    """Something the user can mend. Shown as plain lines, never as a traceback.

    Args:
        *problems: One full line a problem, all of them at once.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class SettingsError(EscutaError):
    """A setting is unknown or out of range."""


class DataError(EscutaError):
    """The dataset, a clip or a sentence is unusable."""


class AudioError(DataError):
    """One audio file cannot be read, or holds nothing usable."""


class ModelError(EscutaError):
    """The base model cannot be used."""


class WeightsError(ModelError):
    """A weights file is missing, damaged, foreign or of another shape."""


class LanguageError(ModelError):
    """The model does not speak this language."""


class BaseError(ModelError):
    """The base model cannot be found, fetched or used under its licence."""


class TextError(EscutaError):
    """The text cannot be spoken by this model."""


class RunError(EscutaError):
    """The run folder is missing, taken, damaged or cannot be written."""


class CheckpointError(RunError):
    """One checkpoint is missing, truncated or of another model."""


class InstallError(EscutaError):
    """A package or a machine resource is missing."""


class ToldElsewhereError(EscutaError):
    """Another of the processes that train together says what is wrong."""
