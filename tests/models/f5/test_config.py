import math

from escuta.models.f5.config import F5Config
from escuta.models.f5.weights import shapes_of


def test_the_defaults_are_the_sizes_of_the_release():
    count = {part: sum(map(math.prod, shapes_of(F5Config(), [part]).values())) for part in ("dit", "vocos")}

    assert count == {"dit": 337_096_804, "vocos": 13_531_650}
