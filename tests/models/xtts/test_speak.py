from dataclasses import replace

import pytest
import torch

from escuta.engine.tokens import TokenChoice
from escuta.models.xtts.decoder import WaveformDecoder
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.packed import PackedGpt
from escuta.models.xtts.speak import MAX_ROWS, Sentence, choose_codes, evaluating, speak
from tiny_xtts import TINY, drawn, tiny

DRAWN = TokenChoice(temperature=0.9, top_k=20, top_p=0.9, repetition_penalty=2.0)
GUIDED = replace(DRAWN, guidance=1.5)
STOP = TINY.gpt.stop_audio_token


def sentence(num_tokens=5, seed=0):
    return Sentence(torch.arange(num_tokens) + 4, drawn(4, 32), drawn(12), seed)


def eager_to_stop():
    gpt = tiny(Gpt)
    gpt.mel_head.bias.data[STOP] += 3
    return gpt


def say(gpt, decoder, *sentences, choice=DRAWN):
    return speak(PackedGpt(gpt), decoder, sentences, choice)


def say_one(gpt, decoder, what, choice=DRAWN):
    (said,) = say(gpt, decoder, what, choice=choice)
    return said


def test_speech_is_as_long_as_its_codes():
    said = say_one(eager_to_stop(), tiny(WaveformDecoder), sentence())
    assert said.stop == "ended"
    assert said.codes_K[-1] == STOP
    assert STOP not in said.codes_K[:-1]
    assert said.wav_T.shape == (int(len(said.codes_K) * 4 * 24000 / 22050) * 256,)
    assert said.wav_T.abs().max() <= 1


def test_the_limit_is_reported():
    gpt = tiny(Gpt)
    gpt.mel_head.bias.data[STOP] = -100
    said = say_one(gpt, tiny(WaveformDecoder), sentence())
    assert said.stop == "limit"
    assert len(said.codes_K) == TINY.gpt.max_new_tokens


def test_the_same_seed_says_the_same():
    gpt, decoder = eager_to_stop(), tiny(WaveformDecoder)
    first, second = (say_one(gpt, decoder, sentence(seed=7)) for _ in range(2))
    assert torch.equal(first.codes_K, second.codes_K)
    assert torch.equal(first.wav_T, second.wav_T)
    assert not torch.equal(say_one(gpt, decoder, sentence(seed=8)).codes_K, first.codes_K)


def test_the_random_state_of_the_process_is_left_alone():
    gpt, decoder = eager_to_stop(), tiny(WaveformDecoder)
    before = torch.random.get_rng_state()
    say_one(gpt, decoder, sentence())
    assert torch.equal(torch.random.get_rng_state(), before)


def test_hidden_states_kept_while_decoding_are_those_of_a_second_pass():
    gpt, what = tiny(Gpt), sentence()
    (decoded,) = choose_codes(PackedGpt(gpt), [what], DRAWN, limit=20)
    again_BKD = gpt.latents(what.text_N[None], decoded.tokens_K[None], what.conditioning_LD[None])
    torch.testing.assert_close(decoded.hidden_KD[None], again_BKD, rtol=1e-4, atol=1e-5)


def test_the_start_code_counts_as_said():
    gpt = tiny(Gpt)
    gpt.mel_head.bias.data[:] = 0
    gpt.mel_head.bias.data[TINY.gpt.start_audio_token] = 60
    gpt.mel_head.bias.data[9] = 30
    choice = TokenChoice(greedy=True, repetition_penalty=10.0)
    (decoded,) = choose_codes(PackedGpt(gpt), [sentence()], choice, limit=1)
    assert decoded.tokens_K.tolist() == [9]


def test_a_model_in_training_speaks_without_dropout_and_goes_on_training():
    gpt, decoder = eager_to_stop(), tiny(WaveformDecoder)
    quiet = say_one(gpt, decoder, sentence())
    gpt.train()
    assert torch.equal(say_one(gpt, decoder, sentence()).wav_T, quiet.wav_T)
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
        say(tiny(Gpt), tiny(WaveformDecoder), sentence(), sentence(30))


def test_another_precision_of_the_language_model_is_bridged():
    gpt, what = eager_to_stop().bfloat16(), sentence()
    half = Sentence(what.text_N, what.conditioning_LD.bfloat16(), what.speaker_E)
    assert say_one(gpt, tiny(WaveformDecoder), half).wav_T.dtype == torch.float32


def test_guidance_leads_away_from_what_is_said_without_a_text():
    gpt, what, choice = tiny(Gpt), sentence(), TokenChoice(greedy=True, guidance=1.5)
    (decoded,) = choose_codes(PackedGpt(gpt), [what], choice, limit=20)
    told_KV, untold_KV = (
        gpt.mel_head(gpt.latents(text_N[None], decoded.tokens_K[None], what.conditioning_LD[None]))[0]
        for text_N in (what.text_N, what.text_N[:0])
    )
    assert torch.equal(decoded.tokens_K, (told_KV + 1.5 * (told_KV - untold_KV)).argmax(1))
    assert not torch.equal(decoded.tokens_K, told_KV.argmax(1))
    torch.testing.assert_close(gpt.mel_head(decoded.hidden_KD), told_KV)  # the decoder voices what was told


@pytest.mark.parametrize("choice", [DRAWN, GUIDED], ids=["unguided", "guided"])
def test_sentences_said_together_are_those_said_one_by_one(choice):
    gpt, decoder = eager_to_stop().double(), tiny(WaveformDecoder)  # in float32 the last bits hang on the company
    sentences = [sentence(2 + i % 5, seed=i) for i in range(MAX_ROWS + 2)]
    together = say(gpt, decoder, *sentences, choice=choice)
    assert len({len(said.codes_K) for said in together}) > 2
    for what, said in zip(sentences, together, strict=True):
        alone = say_one(gpt, decoder, what, choice=choice)
        assert torch.equal(said.codes_K, alone.codes_K)
        assert said.stop == alone.stop
        torch.testing.assert_close(said.wav_T, alone.wav_T)
