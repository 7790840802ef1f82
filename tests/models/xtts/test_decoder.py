from dataclasses import replace

import pytest
import torch

from escuta.models.xtts.decoder import EVEN_FRAMES, WaveformDecoder
from tiny_xtts import TINY, drawn, tiny


@pytest.mark.parametrize("num_codes", [1, 10])
def test_a_code_is_as_long_at_the_output_rate_as_it_was_at_the_input_rate(num_codes):
    wav_BT = tiny(WaveformDecoder)(drawn(2, num_codes, 32), drawn(2, 12))
    assert wav_BT.shape == (2, int(num_codes * 4 * 24000 / 22050) * 256)
    assert wav_BT.abs().max() <= 1


def test_the_voice_is_heard():
    decoder, latents_BKD = tiny(WaveformDecoder), drawn(1, 3, 32)
    assert not torch.allclose(decoder(latents_BKD, drawn(1, 12)), decoder(latents_BKD, drawn(1, 12, seed=1)))


def test_the_voice_may_be_told_once_only():
    once = replace(TINY, decoder=replace(TINY.decoder, speaker_in_each_layer=False))
    names = tiny(WaveformDecoder, once).state_dict().keys()
    assert not any(name.startswith("conds.") for name in names)
    assert tiny(WaveformDecoder, once)(drawn(1, 1, 32), drawn(1, 12)).shape == (1, 1024)


def test_folding_the_weight_norms_changes_nothing_heard():
    latents_BKD, speaker_BE = drawn(1, 5, 32), drawn(1, 12)
    normed, folded = tiny(WaveformDecoder), tiny(WaveformDecoder).folded()
    assert not any("parametrizations" in name for name in folded.state_dict())
    torch.testing.assert_close(folded(latents_BKD, speaker_BE), normed(latents_BKD, speaker_BE))


def test_packing_changes_no_more_than_rounding_does():
    decoder, latents_BKD, speaker_BE = tiny(WaveformDecoder).folded(), drawn(2, 20, 32), drawn(2, 12)
    exact_BT = decoder(latents_BKD, speaker_BE)

    packed = decoder.packed()
    packed_BT = packed(latents_BKD.bfloat16(), speaker_BE.bfloat16()).float()

    assert packed_BT.shape == exact_BT.shape
    assert (packed_BT - exact_BT).std() < 0.02 * exact_BT.std()
    chunked_BT = packed(latents_BKD.bfloat16(), speaker_BE.bfloat16(), 7).float()
    assert (chunked_BT - packed_BT).std() < 0.02 * exact_BT.std()
    torch.testing.assert_close(decoder(latents_BKD, speaker_BE), exact_BT, atol=0, rtol=0)  # left as it was


def test_speech_of_any_length_is_voiced_by_the_same_packed_kernels():
    packed, lengths = tiny(WaveformDecoder).folded().packed(), set()
    packed.conv_pre.register_forward_hook(lambda _conv, inputs, _out: lengths.add(inputs[0].shape[-1]))
    for num_codes in range(1, 31):
        wav_BT = packed(drawn(1, num_codes, 32).bfloat16(), drawn(1, 12).bfloat16())
        assert wav_BT.shape == (1, int(num_codes * 4 * 24000 / 22050) * 256)
    assert lengths == {EVEN_FRAMES, 2 * EVEN_FRAMES, 3 * EVEN_FRAMES}


@pytest.mark.parametrize("chunk_frames", [7, 50, 60])
def test_chunks_sound_like_one_piece(chunk_frames):
    decoder, latents_BKD, speaker_BE = tiny(WaveformDecoder).folded(), drawn(2, 40, 32), drawn(2, 12)
    whole_BT = decoder(latents_BKD, speaker_BE, chunk_frames=10_000)
    chunked_BT = decoder(latents_BKD, speaker_BE, chunk_frames)
    torch.testing.assert_close(chunked_BT, whole_BT, atol=1e-5, rtol=0)
    assert whole_BT.std() > 0.01


def test_a_point_hears_no_further_than_the_reach_and_no_much_less():
    decoder, latents_BKD, speaker_BE = tiny(WaveformDecoder).double().folded(), drawn(1, 40, 32).double(), drawn(1, 12)
    frames_BDM = latents_BKD.transpose(1, 2).requires_grad_()
    wav_BT = decoder._voice(frames_BDM, speaker_BE[:, :, None].double())
    middle = 20 * decoder.hop
    wav_BT[0, middle : middle + decoder.hop].sum().backward()
    heard_M = frames_BDM.grad[0].abs().sum(0).nonzero().flatten()
    assert 20 - decoder.reach_frames <= int(heard_M[0]) <= 20 - decoder.reach_frames + 2
    assert 20 + decoder.reach_frames - 2 <= int(heard_M[-1]) <= 20 + decoder.reach_frames
