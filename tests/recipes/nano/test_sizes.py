from math import prod

from recipes.nano.sizes import nano_config

from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.weights import PREFIXES, shapes_of

MAX_BYTES = 25_000_000  # of the bundled folder


def test_nano_in_16_bits_is_small_enough_to_be_bundled():
    num_weights = sum(prod(shape) for shape in shapes_of(nano_config(), tuple(PREFIXES)).values())
    assert 2 * num_weights < 0.95 * MAX_BYTES


def test_every_size_comes_back_from_config_json():
    assert XttsConfig.from_release(nano_config().to_release()) == nano_config()
