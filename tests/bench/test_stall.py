from bench.models import trained_tensors

from bench import stall


def test_weights_and_what_the_optimizer_keeps_are_copied_in_turns(models):
    found = stall.measure(models, threads=1, rounds=8)
    num_bytes = sum(tensor.nbytes for tensor in trained_tensors(models.base).values())
    assert (found["weights"]["bytes"], found["optimizer"]["bytes"]) == (num_bytes, 2 * num_bytes)
    for part, rounds in (("weights", 8), ("optimizer", 2)):
        for way in ("copy_seconds", "put_seconds"):
            assert len(found[part][way]) == rounds
            assert all(seconds > 0 for seconds in found[part][way])
