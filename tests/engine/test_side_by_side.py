import threading

import torch

from escuta.engine.side_by_side import side_by_side


def test_pieces_come_back_in_their_order_and_each_had_one_thread():
    before = torch.get_num_threads()

    done = side_by_side(lambda piece: (piece * 2, torch.get_num_threads()), range(5))

    assert done == [(0, 1), (2, 1), (4, 1), (6, 1), (8, 1)]
    assert torch.get_num_threads() == before


def test_as_many_at_once_as_there_are_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    together = threading.Barrier(2)
    try:
        assert sorted(side_by_side(lambda _piece: together.wait(timeout=60), range(2))) == [0, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
