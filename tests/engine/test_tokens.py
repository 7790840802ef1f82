import pytest
import torch

from escuta.engine.tokens import TokenChoice, guided, next_token, penalised, without_unlikely

NOTHING_SAID = torch.zeros(4, dtype=torch.bool)


def kept(logits, choice):
    return torch.isfinite(without_unlikely(torch.tensor(logits), choice)).tolist()


def test_the_penalty_divides_positive_logits_and_multiplies_negative_ones():
    said_V = torch.tensor([True, True, False, False])
    weaker_V = penalised(torch.tensor([4.0, -4.0, 4.0, -4.0]), said_V, 2.0)
    assert weaker_V.tolist() == [2.0, -8.0, 4.0, -4.0]


def test_guidance_goes_on_in_the_direction_of_what_was_told():
    told_V, untold_V = torch.tensor([2.0, 1.0, 0.0]), torch.tensor([2.0, 0.0, 1.0])
    assert guided(told_V, untold_V, 0.0).tolist() == [2.0, 1.0, 0.0]
    assert guided(told_V, untold_V, 1.5).tolist() == [2.0, 2.5, -1.5]


def test_top_k_keeps_the_k_likeliest_and_their_equals():
    assert kept([1.0, 3.0, 2.0, 0.0], TokenChoice(top_k=2)) == [False, True, True, False]
    assert kept([1.0, 3.0, 1.0, 0.0], TokenChoice(top_k=2)) == [True, True, True, False]
    assert kept([1.0, 3.0, 2.0, 0.0], TokenChoice(top_k=99)) == [True] * 4


def test_top_p_keeps_the_fewest_that_reach_the_share():
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().tolist()
    assert kept(logits, TokenChoice(top_p=0.75)) == [True, True, False, False]
    assert kept(logits, TokenChoice(top_p=0.85)) == [True, True, True, False]
    assert kept(logits, TokenChoice(top_p=0.01)) == [True, False, False, False]


def test_top_p_counts_among_what_top_k_left():
    logits = torch.tensor([0.4, 0.3, 0.2, 0.1]).log().tolist()
    assert kept(logits, TokenChoice(top_p=0.65)) == [True, True, False, False]
    assert kept(logits, TokenChoice(top_k=2, top_p=0.56)) == [True, False, False, False]  # 0.4 of 0.7 is 0.57


def test_greedy_takes_the_likeliest_after_the_penalty():
    logits_V = torch.tensor([1.0, 5.0, 4.0, 0.0])
    said_V = torch.tensor([False, True, False, False])
    greedy = TokenChoice(greedy=True, repetition_penalty=2.0)
    assert next_token(logits_V, said_V, greedy, torch.Generator()) == 2
    assert next_token(logits_V, NOTHING_SAID, greedy, torch.Generator()) == 1


def test_one_seed_draws_one_sequence_and_the_frequencies_follow_the_temperature():
    logits_V = torch.tensor([0.0, 1.0, 2.0, -torch.inf])
    choice = TokenChoice(temperature=0.5)

    def draws(seed):
        generator = torch.Generator().manual_seed(seed)
        return [next_token(logits_V, NOTHING_SAID, choice, generator) for _ in range(2000)]

    assert draws(1) == draws(1) != draws(2)
    frequencies_V = torch.bincount(torch.tensor(draws(1)), minlength=4) / 2000
    torch.testing.assert_close(frequencies_V, (logits_V / 0.5).softmax(0), atol=0.03, rtol=0)


@pytest.mark.parametrize(
    "wrong", [{"temperature": 0.0}, {"top_k": -1}, {"top_p": 0.0}, {"repetition_penalty": 0.0}, {"guidance": -0.1}]
)
def test_a_choice_that_cannot_be_made_is_refused(wrong):
    with pytest.raises(ValueError, match="is no choice; expected temperature > 0"):
        TokenChoice(**wrong)
