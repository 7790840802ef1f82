from escuta.doctor.trials import PROBES, probe_device, prove


def test_each_probe_has_a_process_and_an_outcome():
    found = probe_device("cpu", ("rfft", "full-512"))

    assert {name: outcome.status for name, outcome in found.items()} == {"rfft": "passed", "full-512": "skipped"}


def test_all_are_made_unless_named():
    assert list(probe_device("cpu", timeout_seconds=0.01)) == list(PROBES)


def test_after_one_that_hangs_no_other_is_tried():
    first, *others = probe_device("cpu", timeout_seconds=0.01).values()

    assert first.status == "hung"
    assert {(other.status, other.message) for other in others} == {("skipped", "an earlier one hung")}


def test_a_model_that_is_named_is_the_one_tried(tmp_path):
    assert prove(tmp_path, "cpu").status == "failed"
