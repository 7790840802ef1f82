from typing import get_args

from escuta.doctor.finding import SIGNS, Mark


def test_every_mark_has_a_sign_of_its_own():
    assert set(SIGNS) == set(get_args(Mark))
    assert len(set(SIGNS.values())) == len(SIGNS)
