import pytest

from escuta.errors import SettingsError
from escuta.sampling.rank import Rank, read_rank


def problems(**environment):
    with pytest.raises(SettingsError) as refusal:
        read_rank(environment)
    return refusal.value.problems


def test_a_process_that_nobody_numbered_is_alone():
    assert read_rank({}) == Rank(0, 1, None)
    assert read_rank({"LOCAL_RANK": "0"}) == Rank()


def test_a_launcher_says_which_process_this_is():
    rank = read_rank({"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "MASTER_ADDR": "elsewhere"})

    assert (rank.number, rank.of, rank.on_machine, rank.is_first) == (5, 8, 1, False)
    assert read_rank({"RANK": "0", "WORLD_SIZE": "8"}).is_first


def test_each_process_of_a_machine_has_a_gpu_of_its_own():
    rank = Rank(5, 8, 1)

    assert [rank.device(asked) for asked in ("cuda", "cuda:0", "cpu")] == ["cuda:1", "cuda:0", "cpu"]
    assert Rank(5, 8).device("cuda") == "cuda"


def test_half_of_the_numbers_is_refused():
    assert problems(RANK="1") == (
        "environment WORLD_SIZE: missing beside RANK; expected a number. Set all of them, or none.",
    )
    assert problems(WORLD_SIZE="2", LOCAL_RANK="x") == (
        "environment RANK: missing beside WORLD_SIZE, LOCAL_RANK; expected a number. Set all of them, or none.",
        "environment LOCAL_RANK: 'x'; expected a number, 0 or more.",
    )


@pytest.mark.parametrize("text", ["", "-1", "one", "1.5"])
def test_what_is_no_number_is_refused(text):
    assert problems(RANK=text, WORLD_SIZE="2") == (f"environment RANK: {text!r}; expected a number, 0 or more.",)


@pytest.mark.parametrize(("number", "of"), [(2, 2), (0, 0)])
def test_a_rank_beyond_the_last_is_refused(number, of):
    assert problems(RANK=str(number), WORLD_SIZE=str(of)) == (
        f"environment RANK: {number}; expected less than WORLD_SIZE, {of}. Ranks count from 0.",
    )
