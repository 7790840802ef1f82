from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch

from escuta.models.xtts.activations import FRAMES, activation_bytes, sound_bytes
from escuta.models.xtts.batch import SOUND_SECONDS
from escuta.models.xtts.config import DecoderConfig, XttsConfig
from escuta.models.xtts.decoder import WaveformDecoder
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.sound import sound_difference
from escuta.models.xtts.transformer import InOutLinear

BASE = XttsConfig()
MIDDLE = replace(
    BASE,
    gpt=replace(BASE.gpt, layers=8, width=512, heads=8, num_text_tokens=300),
    conditioning=replace(BASE.conditioning, blocks=4),
)
SMALL = replace(BASE, gpt=replace(BASE.gpt, width=64), decoder=DecoderConfig(input_width=64, channels=64))
SECONDS = 6.0


def batch(size):
    codes, text = round(21.53 * SECONDS), round(12 * SECONDS)
    return {
        "text": torch.randint(1, 300, (size, text)),
        "text_lengths": torch.full((size,), text),
        "codes": torch.randint(1000, (size, codes)),
        "code_lengths": torch.full((size,), codes),
        "ignored_codes": torch.zeros(size, 2, dtype=torch.int64),
        "conditioning_mel": torch.randn(size, 80, FRAMES),
        "conditioning_lengths": torch.full((size,), FRAMES),
    }


@pytest.mark.parametrize("recomputes", [False, True])
@pytest.mark.parametrize("number_bytes", [2, 4])
def test_what_is_told_is_what_is_kept(number_bytes, recomputes):
    gpt = Gpt(MIDDLE).train()
    gpt.gpt.recomputes = recomputes
    half = number_bytes == 2
    if half:
        for layer in gpt.modules():
            if isinstance(layer, InOutLinear | torch.nn.Conv1d):
                layer.weight.data = layer.weight.data.bfloat16()
    weights = {parameter.untyped_storage().data_ptr() for parameter in gpt.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    cast = torch.autocast("cpu", torch.bfloat16) if half else nullcontext()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), cast:
        gpt(batch(2))

    told = activation_bytes(MIDDLE, 2, SECONDS, number_bytes=number_bytes, recomputes=recomputes, learns_voice=True)
    measured = sum(num_bytes for num_bytes, _ in kept.values())
    # Blocks computed twice keep one block's more while the last one is on its way back.
    assert told == pytest.approx(measured, rel=0.2 if not recomputes else 0.35)


@pytest.mark.parametrize("number_bytes", [2, 4])
def test_what_is_told_of_a_decoder_is_what_it_keeps(number_bytes):
    decoder = WaveformDecoder(SMALL)
    weights = {parameter.untyped_storage().data_ptr() for parameter in decoder.parameters()}
    kept = {}

    def keep(tensor):
        if tensor.untyped_storage().data_ptr() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    latents_BKD = torch.randn(2, round(SOUND_SECONDS * 22050 / 1024), SMALL.decoder.input_width)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        with torch.autocast("cpu", torch.bfloat16) if number_bytes == 2 else nullcontext():
            said_BT = decoder(latents_BKD, torch.randn(2, SMALL.speaker_encoder.embedding_width))
        sound_difference(said_BT, torch.randn_like(said_BT), 24000, 11025)

    measured = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    assert sound_bytes(SMALL, 2, number_bytes=number_bytes) == pytest.approx(measured, rel=0.1)
