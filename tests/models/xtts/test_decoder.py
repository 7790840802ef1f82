from dataclasses import replace

import pytest
import torch

from escuta.models.xtts.decoder import WaveformDecoder
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


def test_upsampling_that_does_not_make_the_hop_is_refused():
    wrong = replace(TINY, output_hop=300)
    with pytest.raises(ValueError, match=r"upsample_rates \(8, 8, 2, 2\) do not multiply to 300"):
        WaveformDecoder(wrong)
