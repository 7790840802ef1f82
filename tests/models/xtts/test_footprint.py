import pytest

from escuta.errors import WeightsError
from escuta.models.xtts.footprint import PACKING_COPIES, RUNTIME_BYTES, speaking_bytes
from escuta.models.xtts.weights import load_weights


def test_it_is_what_stays_in_memory_and_what_packing_takes_for_a_while(random_base):
    weights = load_weights(random_base, ["gpt", "decoder", "speaker_encoder", "mel_stats"])
    sizes = {name: tensor.numel() for name, tensor in weights.tensors.items()}
    width, layers, codes = weights.config.gpt.width, weights.config.gpt.layers, weights.config.gpt.num_audio_tokens
    matrices = layers * 12 * width**2 + codes * width
    decoder = sum(size for name, size in sizes.items() if name.startswith("hifigan_decoder.waveform_decoder."))
    others = sum(sizes.values()) - matrices - sizes["gpt.text_head.weight"]
    always = RUNTIME_BYTES + 4 * others + PACKING_COPIES * 4 * max(4 * width**2, codes * width)

    assert speaking_bytes(random_base, "exact") == always + 4 * matrices
    assert speaking_bytes(random_base, "bf16") == always + 2 * matrices + 2 * decoder
    assert speaking_bytes(random_base, "int8") == always + matrices + 2 * decoder


def test_files_that_are_not_there_are_told(tmp_path):
    with pytest.raises(WeightsError):
        speaking_bytes(tmp_path, "int8")
