import pytest

from escuta.errors import WeightsError
from escuta.models.base import Learning
from escuta.models.load import load_model
from escuta.models.xtts.footprint import PACKING_COPIES, RUNTIME_BYTES, batch_bytes, speaking_bytes, trained_bytes
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


def test_what_is_trained_is_the_gpt_in_fp32(random_base):
    tensors = load_weights(random_base, ["gpt"]).tensors

    assert trained_bytes(random_base, Learning()) == sum(4 * tensor.numel() for tensor in tensors.values())


def test_a_decoder_that_learns_counts_too(random_base):
    both = load_model(random_base, uses=["training", "decoder_training"]).trained_tensors()

    assert trained_bytes(random_base, Learning(decoder=True)) == sum(tensor.nbytes for tensor in both.values())


def test_a_batch_keeps_less_where_less_is_asked_of_it(random_base):
    def kept(num_clips=2, number_bytes=4, **learning):
        return batch_bytes(random_base, num_clips, 7.0, number_bytes, Learning(**learning))

    assert kept(num_clips=4) == 2 * kept()
    assert kept(number_bytes=2) < kept()
    assert kept(recomputes=True) < kept()
    assert kept(freeze=("conditioning",)) < kept()
    assert kept(decoder=True) > kept()
    assert kept(num_clips=4, decoder=True) == 2 * kept(decoder=True)
