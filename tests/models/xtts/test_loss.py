import pytest
import torch

from escuta.models.xtts.config import GptConfig
from escuta.models.xtts.loss import code_segment, cross_entropy, losses, text_segment

SIZES = GptConfig(start_text_token=8, stop_text_token=0, start_audio_token=90, stop_audio_token=91)
STOP = 91
NONE = -100
LENGTHS = torch.tensor([3, 2])
CODES = torch.tensor([[11, 12, 13], [21, 22, 77]])  # 77 is padding


def test_text_is_shifted_and_padding_is_neither_seen_nor_counted():
    text = text_segment(torch.tensor([[5, 6, 7], [4, 99, 99]]), torch.tensor([3, 1]), SIZES)
    assert text.inputs_BP.tolist() == [[8, 5, 6, 7, 0], [8, 4, 0, 0, 0]]
    assert text.targets_BP.tolist() == [[5, 6, 7, 0, NONE], [4, 0, NONE, NONE, NONE]]
    assert text.real_BP.tolist() == [[True] * 4 + [False], [True] * 2 + [False] * 3]


def test_codes_are_followed_by_four_stops():
    codes = code_segment(CODES, LENGTHS, torch.zeros(2, 2, dtype=torch.int64), SIZES)
    assert codes.inputs_BP.tolist() == [[90, 11, 12, 13, *4 * [STOP]], [90, 21, 22, *5 * [STOP]]]
    assert codes.targets_BP.tolist() == [[11, 12, 13, *4 * [STOP], NONE], [21, 22, *4 * [STOP], NONE, NONE]]
    assert codes.real_BP.sum(1).tolist() == [7, 6]


def test_each_item_leaves_out_its_own_conditioning():
    codes = code_segment(CODES, LENGTHS, torch.tensor([[1, 2], [0, 1]]), SIZES)
    assert codes.targets_BP.tolist() == [[11, NONE, 13, *4 * [STOP], NONE], [NONE, 22, *4 * [STOP], NONE, NONE]]


def test_the_end_of_speech_is_always_learned():
    codes = code_segment(CODES, LENGTHS, torch.tensor([[0, 99], [1, 99]]), SIZES)
    assert codes.targets_BP.tolist() == [[NONE] * 3 + [STOP] * 4 + [NONE], [21, NONE, *4 * [STOP], NONE, NONE]]


def test_the_loss_is_the_mean_over_all_targets_that_count():
    logits_BPV = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    targets_BP = torch.tensor([[1, NONE, 2], [4, NONE, NONE]])
    of_each = [-logits_BPV[b, p].log_softmax(0)[targets_BP[b, p]] for b, p in ((0, 0), (0, 2), (1, 0))]
    torch.testing.assert_close(cross_entropy(logits_BPV, targets_BP), torch.stack(of_each).mean())


def test_nothing_to_learn_is_a_loss_of_zero_that_can_be_differentiated():
    logits_BPV = torch.randn(1, 3, 5, requires_grad=True)
    loss = cross_entropy(logits_BPV, torch.full((1, 3), NONE))
    loss.backward()
    assert loss.item() == 0
    assert logits_BPV.grad.abs().sum() == 0


def test_the_text_counts_for_a_hundredth():
    parts = losses(torch.tensor(5.0), torch.tensor(2.0))
    assert parts["loss"].item() == pytest.approx(2.05)
    assert (parts["loss_text"].item(), parts["loss_mel"].item()) == (5.0, 2.0)
