import pytest
from bench.curves import BLOCK, measure


@pytest.mark.slow
def test_half_precision_follows_fp32_within_the_noise_of_dropout(random_base):
    found = measure(random_base, steps=2 * BLOCK, num_clips=6)

    assert found["difference"]["fp32"] == 0
    assert found["curves"]["fp32"][-1] < found["curves"]["fp32"][0]
    assert found["difference"]["noise"] > 0
    for way in ("bf16", "bf16, moments too"):
        assert found["difference"][way] == pytest.approx(0, abs=0.005)
