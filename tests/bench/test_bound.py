from bench.figures import best_read, bound_seconds, median_step

from bench import bound
from escuta.models.xtts.config import GptConfig
from escuta.models.xtts.weights import load_weights


def test_at_release_size_a_code_reads_379_mb():
    assert bound.packed_bytes(GptConfig()) == 378_537_984


def test_steps_and_reading_are_timed_in_turns(models):
    found = bound.measure(models, threads=1, rounds=2)
    assert [len(steps) for steps in found["step_seconds"]] == [19, 19]
    assert 1e8 < best_read(found) < 1e13
    assert found["bytes_per_code"] == bound.packed_bytes(load_weights(models.base).config.gpt)
    assert median_step(found) > bound_seconds(found) > 0
    assert found["precision"] == "int8"
    assert 0 < found["loss_difference"] < 0.1
