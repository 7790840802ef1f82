import json

import pytest

from escuta.errors import ModelError
from escuta.models.xtts.config import XttsConfig
from tiny_xtts import TINY


def test_an_empty_config_is_the_released_v2():
    config = XttsConfig.from_release({})
    assert config == XttsConfig()
    assert (config.gpt.num_text_positions, config.gpt.num_audio_positions, config.gpt.max_new_tokens) == (404, 608, 602)
    choice = config.choice
    assert (choice.temperature, choice.top_k, choice.top_p, choice.repetition_penalty) == (0.75, 50, 0.85, 5.0)


@pytest.mark.parametrize("config", [XttsConfig(), TINY])
def test_what_is_written_is_read_back(config):
    assert XttsConfig.from_release(json.loads(json.dumps(config.to_release()))) == config


def test_a_release_is_read_by_its_own_names():
    release = {
        "model_args": {"gpt_layers": 3, "gpt_number_text_tokens": None, "d_vector_dim": 256, "kv_cache": True},
        "temperature": 1,
        "languages": ["en", "pt"],
        "gpt_cond_len": 12,
    }
    config = XttsConfig.from_release(release)
    assert config.gpt.layers == 3
    assert config.gpt.num_text_tokens == 6681
    assert config.speaker_encoder.embedding_width == 256
    assert config.choice.temperature == 1.0
    assert config.languages == ("en", "pt")
    assert config.conditioning_seconds == 12


def test_sizes_that_coqui_has_no_names_for_lie_in_a_table_of_our_own():
    release = TINY.to_release()
    assert release["escuta"]["decoder"]["channels"] == 32
    assert "channels" not in release["model_args"]
    assert release["model_args"]["decoder_input_dim"] == 32


def test_a_v1_is_refused():
    with pytest.raises(ModelError) as refusal:
        XttsConfig.from_release({"model_args": {"gpt_use_perceiver_resampler": False}})
    assert str(refusal.value) == (
        "config.json: describes XTTS v1, without a perceiver; expected XTTS v2. Choose another base model."
    )


@pytest.mark.parametrize(
    ("release", "problem"),
    [
        (
            {"model_args": {"output_hop_length": 300}},
            "model_args.output_hop_length is 300; expected the product of upsample_rates, (8, 8, 2, 2)",
        ),
        (
            {"model_args": {"gpt_n_heads": 7}},
            "model_args.gpt_n_model_channels is 1024; expected a multiple of gpt_n_heads, 7",
        ),
        ({"gpt_cond_chunk_len": 0}, "gpt_cond_chunk_len is 0; expected seconds"),
    ],
)
def test_sizes_that_contradict_each_other_are_refused(release, problem):
    with pytest.raises(ModelError) as refusal:
        XttsConfig.from_release(release)
    assert str(refusal.value) == f"config.json: {problem}. Mend the file."


def test_all_wrong_values_are_named():
    release = {"model_args": {"gpt_layers": "3", "d_vector_dim": -1}, "languages": [1], "top_k": True, "temperature": 0}
    with pytest.raises(ModelError) as refusal:
        XttsConfig.from_release(release)
    assert [line.split(";")[0] for line in refusal.value.problems] == [
        "config.json: model_args.gpt_layers is '3'",
        "config.json: model_args.d_vector_dim is -1",
        "config.json: languages is [1]",
        "config.json: top_k is True",
        *[line.split(";")[0] for line in refusal.value.problems[4:]],
    ]
    assert "temperature=0.0" in refusal.value.problems[4]
