import torch

from escuta.models.f5.batch import collate
from escuta.models.f5.loss import flow_loss, num_targets, task


def batch(**changed):
    clips = [
        {"text": torch.arange(3), "mel": torch.randn(n, 100, generator=torch.Generator().manual_seed(n))}
        for n in (40, 30)
    ]
    return {**collate(clips, None), **changed}


def test_the_flow_leads_from_where_it_begins_to_the_speech():
    given = batch()
    laid_out = task(given)
    rest = (1 - given["time"])[:, None, None]

    torch.testing.assert_close(laid_out.mel_BMF + rest * laid_out.flow_BMF, given["mel"])


def test_what_is_guessed_is_not_heard_and_the_rest_is():
    given = batch(span=torch.tensor([[10, 40], [0, 30]]))
    heard_BMF = task(given).heard_BMF

    assert torch.equal(heard_BMF[0, :10], given["mel"][0, :10])
    assert not heard_BMF[0, 10:].any()
    assert not heard_BMF[1].any()


def test_dropped_audio_is_not_heard():
    assert not task(batch(drops=torch.ones(2, 2, dtype=torch.bool))).heard_BMF.any()


def test_only_the_span_counts():
    given = batch(span=torch.tensor([[10, 40], [0, 25]]))
    laid_out = task(given)
    guessed_BMF = laid_out.flow_BMF.clone()
    guessed_BMF[0, :10] = guessed_BMF[1, 25:] = 100

    assert num_targets(given).tolist() == [55 * 100]
    assert flow_loss(guessed_BMF, laid_out, num_targets(given)) == 0
    torch.testing.assert_close(flow_loss(laid_out.flow_BMF + 2, laid_out, num_targets(given)), torch.tensor([4.0]))
