import pytest
from accelerate import PartialState
from accelerate.tracking import LOGGER_TYPE_TO_CLASS, GeneralTracker, on_main_process

from escuta.run.folder import RunFolder
from escuta.settings import Settings
from escuta.training.services import PROJECT, Service


class Notebook(GeneralTracker):
    """A tracker of somebody's own, as accelerate lets one make it."""

    name = "aim"
    requires_logging_directory = True

    def __init__(self, run_name, logging_dir):
        super().__init__()
        self.calls = [("made", run_name, logging_dir)]

    @on_main_process
    def start(self):
        self.calls.append(("start",))

    @property
    def tracker(self):
        return self.calls

    @on_main_process
    def store_init_configuration(self, values):
        self.calls.append(("settings", values))

    @on_main_process
    def log(self, values, step=None, **how):
        self.calls.append(("log", values, step, *how.items()))

    @on_main_process
    def finish(self):
        self.calls.append(("finish",))


@pytest.fixture
def service(tmp_path, monkeypatch):
    PartialState(cpu=True)
    monkeypatch.setitem(LOGGER_TYPE_TO_CLASS, "aim", Notebook)
    return Service("aim", RunFolder(tmp_path / "me"))


def test_what_accelerate_knows_is_handed_settings_and_numbers(service, tmp_path):
    service.begin(Settings(language="pt"), 0)
    service.numbers({"step/loss": 2.5}, 3)
    service.scores({"score/clipping": 0.5}, 2)
    service.sample(1, tmp_path / "epoch_1_output.wav", "Olá.", 3)  # it takes no audio
    service.close()

    made, start, (_, settings), *rest = service._tracker.calls
    assert (made, start) == (("made", PROJECT, str(tmp_path / "me" / "aim")), ("start",))
    assert (settings["language"], settings["training.batch_size"]) == ("pt", "2")
    assert rest == [("log", {"step/loss": 2.5}, 3), ("log", {"score/clipping": 0.5}, 2), ("finish",)]


class Wandb(Notebook):
    """One with the name of wandb, which loses the numbers of a step that is past."""

    name = "wandb"
    requires_logging_directory = False

    def __init__(self, run_name, name):
        super().__init__(run_name, name)


def test_scores_do_not_move_wandb_past_the_step_under_way(tmp_path, monkeypatch):
    PartialState(cpu=True)
    monkeypatch.setitem(LOGGER_TYPE_TO_CLASS, "wandb", Wandb)
    service = Service("wandb", RunFolder(tmp_path / "me"))

    service.scores({"score/clipping": 0.5}, 2)

    assert service._tracker.calls[-1] == ("log", {"score/clipping": 0.5, "score/step": 2}, None, ("commit", False))
