import pytest
import torch

from escuta.engine.tokens import TokenChoice
from escuta.models.xtts.decoder import WaveformDecoder
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.speak import Sentence, choose_codes, evaluating, speak
from tiny_xtts import TINY, drawn, tiny

DRAWN = TokenChoice(temperature=0.9, top_k=20, top_p=0.9, repetition_penalty=2.0)
STOP = TINY.gpt.stop_audio_token


def sentence(num_tokens=5):
    return Sentence(torch.arange(num_tokens) + 4, drawn(4, 32), drawn(12))


def eager_to_stop():
    gpt = tiny(Gpt)
    gpt.mel_head.bias.data[STOP] += 3
    return gpt


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_speech_is_as_long_as_its_codes():
    said = speak(eager_to_stop(), tiny(WaveformDecoder), sentence(), DRAWN, seeded())
    assert said.stop == "ended"
    assert said.codes_K[-1] == STOP
    assert STOP not in said.codes_K[:-1]
    assert said.wav_T.shape == (int(len(said.codes_K) * 4 * 24000 / 22050) * 256,)
    assert said.wav_T.abs().max() <= 1


def test_the_limit_is_reported():
    gpt = tiny(Gpt)
    gpt.mel_head.bias.data[STOP] = -100
    said = speak(gpt, tiny(WaveformDecoder), sentence(), DRAWN, seeded())
    assert said.stop == "limit"
    assert len(said.codes_K) == TINY.gpt.max_new_tokens


def test_the_same_seed_says_the_same():
    gpt, decoder = eager_to_stop(), tiny(WaveformDecoder)
    first, second = (speak(gpt, decoder, sentence(), DRAWN, seeded(7)) for _ in range(2))
    assert torch.equal(first.codes_K, second.codes_K)
    assert torch.equal(first.wav_T, second.wav_T)
    assert not torch.equal(speak(gpt, decoder, sentence(), DRAWN, seeded(8)).codes_K, first.codes_K)


def test_the_random_state_of_the_process_is_left_alone():
    gpt, decoder = eager_to_stop(), tiny(WaveformDecoder)
    before = torch.random.get_rng_state()
    speak(gpt, decoder, sentence(), DRAWN, seeded())
    assert torch.equal(torch.random.get_rng_state(), before)


def test_hidden_states_kept_while_decoding_are_those_of_a_second_pass():
    gpt, what = tiny(Gpt), sentence()
    decoded = choose_codes(gpt, what, DRAWN, seeded(), limit=20)
    again_BKD = gpt.latents(what.text_N[None], decoded.tokens_K[None], what.conditioning_LD[None])
    torch.testing.assert_close(decoded.hidden_KD[None], again_BKD, rtol=1e-4, atol=1e-5)


def test_the_start_code_counts_as_said():
    gpt = tiny(Gpt)
    gpt.mel_head.bias.data[:] = 0
    gpt.mel_head.bias.data[TINY.gpt.start_audio_token] = 60
    gpt.mel_head.bias.data[9] = 30
    choice = TokenChoice(greedy=True, repetition_penalty=10.0)
    assert choose_codes(gpt, sentence(), choice, seeded(), limit=1).tokens_K.tolist() == [9]


def test_a_model_in_training_speaks_without_dropout_and_goes_on_training():
    gpt, decoder = eager_to_stop(), tiny(WaveformDecoder)
    quiet = speak(gpt, decoder, sentence(), DRAWN, seeded())
    gpt.train()
    assert torch.equal(speak(gpt, decoder, sentence(), DRAWN, seeded()).wav_T, quiet.wav_T)
    assert all(part.training for part in gpt.modules())
    assert not any(part.training for part in decoder.modules())


def test_each_part_gets_its_own_mode_back_even_after_a_failure():
    gpt = tiny(Gpt).train()
    gpt.final_norm.eval()

    def fail():
        with evaluating(gpt):
            assert not gpt.training
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert gpt.training
    assert gpt.gpt.training
    assert not gpt.final_norm.training


def test_a_text_longer_than_the_model_can_read_is_refused():
    with pytest.raises(ValueError, match="30 text tokens; expected fewer than 30"):
        speak(tiny(Gpt), tiny(WaveformDecoder), sentence(30), DRAWN, seeded())


def test_another_precision_of_the_language_model_is_bridged():
    gpt, what = eager_to_stop().bfloat16(), sentence()
    half = Sentence(what.text_N, what.conditioning_LD.bfloat16(), what.speaker_E)
    assert speak(gpt, tiny(WaveformDecoder), half, DRAWN, seeded()).wav_T.dtype == torch.float32
