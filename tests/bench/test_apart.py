import os
import signal

import pytest
from bench.apart import apart


def test_the_work_is_done_in_another_process():
    assert apart(os.getpid) != os.getpid()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_ends_without_an_answer_is_noticed(ending):
    with pytest.raises(RuntimeError, match="failed; its last words are above"):
        apart(signal.raise_signal, ending)
