import signal
from contextlib import contextmanager

import pytest
import torch

from escuta.run.folder import RunFolder
from escuta.settings import load_settings
from escuta.terminal import Terminal
from escuta.training.request import Request
from escuta.training.start import start
from runs import make_quick_base
from sounds import make_dataset


@pytest.fixture(scope="session")
def quick_base(random_base, tmp_path_factory):
    """Folder of a random model that ends its sentences soon."""
    return make_quick_base(tmp_path_factory.mktemp("quick-base"), random_base)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """Ten short clips: eight to learn from, which are four steps an epoch, and two held out."""
    return make_dataset(tmp_path_factory.mktemp("data") / "voice", 10, seconds=(1.0, 1.5, 2.0, 2.5))


@pytest.fixture(autouse=True)
def one_thread():
    """Sums in one order, so that results can be compared to the bit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def request_for(quick_base, dataset, tmp_path):
    """Make requests: two epochs on the CPU, silently, unless asked otherwise."""

    def request_for(run=tmp_path / "run", *, resume=False, fresh=False, accept=False, data=dataset, **flags):
        defaults = {
            "base": str(quick_base),
            "language": "en",
            "training.epochs": 2,
            "training.device": "cpu",
            "training.precision": "fp32",
            "training.learning_rate": 1e-4,
            "sampling.mode": "off",
        }
        given = {name.replace("__", "."): value for name, value in flags.items()}
        settings = load_settings(None, defaults | given)
        return Request(data, RunFolder(run), settings, resume=resume, fresh=fresh, accept_changed_data=accept)

    return request_for


@pytest.fixture
def train(request_for):
    """Train as asked, at a terminal where nobody presses Ctrl-C unless one is given."""

    def train(*run, terminal=None, on_news=lambda _run: None, **asked):
        return start(request_for(*run, **asked), terminal or Terminal(), on_news)

    return train


class Typist(Terminal):
    """A terminal at which somebody presses Ctrl-C after so many optimizer steps."""

    def __init__(self, steps):
        super().__init__()
        self._steps = steps

    @contextmanager
    def progress(self, title, total):
        with super().progress(title, total) as advance:
            yield lambda words: (self._count(words), advance(words))

    def _count(self, words):
        if words.startswith("loss"):
            self._steps -= 1
            if self._steps == 0:
                signal.raise_signal(signal.SIGINT)


@pytest.fixture
def typist():
    return Typist
