import torch

from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.loss import code_segment, text_segment
from tiny_xtts import TINY, drawn, tiny


def batch_of_two():
    """Two items of different lengths everywhere; 39 and 63, and mel frames of 9, are padding."""
    mel_BFM = drawn(2, 80, 20)
    mel_BFM[1, :, 13:] = 9
    return {
        "text": torch.tensor([[5, 6, 7, 8, 9], [10, 11, 12, 39, 39]]),
        "text_lengths": torch.tensor([5, 3]),
        "codes": torch.tensor([[1, 2, 3, 4, 63, 63], [11, 12, 13, 14, 15, 16]]),
        "code_lengths": torch.tensor([4, 6]),
        "ignored_codes": torch.tensor([[1, 3], [0, 2]]),
        "conditioning_mel": mel_BFM,
        "conditioning_lengths": torch.tensor([20, 13]),
    }


def item(batch, i):
    """One item alone, without its padding."""
    text, codes, frames = (int(batch[name][i]) for name in ("text_lengths", "code_lengths", "conditioning_lengths"))
    alone = {name: value[i : i + 1] for name, value in batch.items()}
    return alone | {
        "text": alone["text"][:, :text],
        "codes": alone["codes"][:, :codes],
        "conditioning_mel": alone["conditioning_mel"][:, :, :frames],
    }


def logits(gpt, batch):
    text = text_segment(batch["text"], batch["text_lengths"], gpt.config)
    codes = code_segment(batch["codes"], batch["code_lengths"], batch["ignored_codes"], gpt.config)
    latents = gpt.conditioning_of_each(batch["conditioning_mel"], batch["conditioning_lengths"])
    return gpt.logits(text, codes, latents)


def test_the_loss_of_two_items_is_what_a_hand_computes():
    gpt, batch = tiny(Gpt), batch_of_two()
    found = gpt(batch)
    _, mel_logits_BPV = logits(gpt, batch)
    stop = TINY.gpt.stop_audio_token
    counted = [
        *((0, place, code) for place, code in ((0, 1), (3, 4), *((4 + i, stop) for i in range(4)))),
        *((1, place, code) for place, code in ((2, 13), (3, 14), (4, 15), (5, 16), *((6 + i, stop) for i in range(4)))),
    ]
    by_hand = torch.stack([-mel_logits_BPV[b, place].log_softmax(0)[code] for b, place, code in counted]).mean()
    torch.testing.assert_close(found["loss_mel"], by_hand)
    torch.testing.assert_close(found["loss"], 0.01 * found["loss_text"] + found["loss_mel"])


def test_padding_of_one_item_changes_nothing_of_the_other():
    gpt, batch = tiny(Gpt), batch_of_two()
    together = gpt(batch)
    first, second = gpt(item(batch, 0)), gpt(item(batch, 1))
    num_text, num_codes = (6, 4), (2 + 4, 4 + 4)  # targets that count, stops included
    for name, counts in (("loss_text", num_text), ("loss_mel", num_codes)):
        mean = (counts[0] * first[name] + counts[1] * second[name]) / sum(counts)
        torch.testing.assert_close(together[name], mean)


def test_what_lies_in_the_padding_is_of_no_consequence():
    gpt, batch = tiny(Gpt), batch_of_two()
    before = gpt(batch)["loss"]
    batch["text"][1, 3:] = 1
    batch["codes"][0, 4:] = 1
    batch["conditioning_mel"][1, :, 13:] = -5
    torch.testing.assert_close(gpt(batch)["loss"], before, rtol=0, atol=0)


def test_references_of_several_lengths_are_heard_as_each_alone():
    gpt, batch = tiny(Gpt), batch_of_two()
    mel_BFM = batch["conditioning_mel"]
    latents_BLD = gpt.conditioning_of_each(mel_BFM, batch["conditioning_lengths"])
    torch.testing.assert_close(latents_BLD[:1], gpt.conditioning(mel_BFM[:1]))
    torch.testing.assert_close(latents_BLD[1:], gpt.conditioning(mel_BFM[1:, :, :13]))


def test_an_item_whose_codes_are_all_its_conditioning_still_has_a_finite_loss():
    gpt, batch = tiny(Gpt), item(batch_of_two(), 0)
    batch["ignored_codes"] = torch.tensor([[0, 4]])
    found = gpt(batch)
    found["loss"].backward()
    assert found["loss"].isfinite()
    assert all(weight.grad.isfinite().all() for weight in gpt.parameters())


def test_every_weight_learns_from_a_batch():
    gpt = tiny(Gpt).train()
    gpt(batch_of_two())["loss"].backward()
    idle = [name for name, weight in gpt.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert idle == []


def test_training_makes_the_loss_smaller():
    torch.manual_seed(0)
    gpt, batch = Gpt(TINY).train(), batch_of_two()
    optimizer = torch.optim.AdamW(gpt.parameters(), lr=3e-3)
    first = gpt(batch)["loss"].item()
    for _ in range(25):
        optimizer.zero_grad()
        loss = gpt(batch)["loss"]
        loss.backward()
        optimizer.step()
    assert loss.item() < first / 2


def test_training_hides_the_stop_of_the_text_from_the_codes_and_speaking_shows_it():
    gpt, batch = tiny(Gpt), item(batch_of_two(), 0)
    text_logits_BPV, mel_logits_BPV = logits(gpt, batch)
    assert text_logits_BPV.shape == (1, 5 + 2, TINY.gpt.num_text_tokens)
    assert mel_logits_BPV.shape == (1, 4 + 5, TINY.gpt.num_audio_tokens)
    latents_BLD = gpt.conditioning(batch["conditioning_mel"])
    hidden_BKD = gpt.latents(batch["text"], batch["codes"], latents_BLD)
    assert not torch.allclose(gpt.mel_head(hidden_BKD[:, 0]), mel_logits_BPV[:, 0])
