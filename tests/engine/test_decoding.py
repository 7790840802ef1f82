"""Decoding, with a model that counts: after token n it finds n + 1 likeliest, and n + 2 second."""

from dataclasses import replace

import pytest
import torch

from escuta.engine.cache import GrowingCache
from escuta.engine.decoding import Decoded, Rules, Start, decode
from escuta.engine.tokens import TokenChoice

NUM_TOKENS = 10
GREEDY = TokenChoice(greedy=True)


class Counting:
    """Hidden states are the last tokens; `read` remembers what it was given, in order."""

    def __init__(self):
        self.read = []

    def new_cache(self, prompt_lengths, num_new):
        self.room = (list(prompt_lengths), num_new)
        return GrowingCache(1, prompt_lengths, num_new, (1, 1), like=torch.zeros(1))

    def prefill(self, prompts, cache):
        return torch.stack([prompt_SD[-1] for prompt_SD in prompts])

    def step(self, tokens, index, cache):
        assert len(cache) == len(tokens)
        self.read.append((tokens, index))
        return torch.tensor(tokens, dtype=torch.float32)[:, None]

    def next_logits(self, hidden_BD):
        logits_BV = torch.zeros(len(hidden_BD), NUM_TOKENS)
        for logits_V, last in zip(logits_BV, hidden_BD[:, 0].int().tolist(), strict=True):
            for rank in (1, 2):
                logits_V[(last + rank) % NUM_TOKENS] = 3.0 - rank
        return logits_BV


def start(rules, last=0.0, length=2, seed=0):
    prompt_SD = torch.full((length, 1), 7.0)
    prompt_SD[-1] = last  # what the first token follows
    return Start(prompt_SD, rules, torch.Generator().manual_seed(seed))


def one(rules, model=None, seed=0) -> Decoded:
    (decoded,) = decode(model or Counting(), [start(rules, seed=seed)])
    return decoded


def test_decoding_ends_with_the_stop_token():
    model = Counting()
    decoded = one(Rules(GREEDY, stop_token=4, limit=9), model)
    assert decoded.stop == "ended"
    assert decoded.tokens_K.tolist() == [1, 2, 3, 4]
    assert decoded.hidden_KD.tolist() == [[0], [1], [2], [3]]
    assert model.read == [([1], 0), ([2], 1), ([3], 2)]
    assert model.room == ([2], 9)


def test_decoding_that_does_not_end_is_cut_and_says_so():
    decoded = one(Rules(GREEDY, stop_token=9, limit=3))
    assert decoded.stop == "limit"
    assert decoded.tokens_K.tolist() == [1, 2, 3]
    assert decoded.hidden_KD.shape == (3, 1)


def test_a_stop_token_at_the_limit_is_an_end():
    assert one(Rules(GREEDY, stop_token=3, limit=3)).stop == "ended"


def test_each_sequence_of_a_batch_ends_by_itself_and_leaves():
    model = Counting()
    ending, long = Rules(GREEDY, stop_token=4, limit=9), Rules(GREEDY, stop_token=NUM_TOKENS, limit=5)
    starts = [start(long, length=3), start(ending, last=1.0, length=1), start(ending)]
    decoded = decode(model, starts)
    assert [one.tokens_K.tolist() for one in decoded] == [[1, 2, 3, 4, 5], [2, 3, 4], [1, 2, 3, 4]]
    assert [one.hidden_KD.flatten().tolist() for one in decoded] == [[0, 1, 2, 3, 4], [1, 2, 3], [0, 1, 2, 3]]
    assert [one.stop for one in decoded] == ["limit", "ended", "ended"]
    assert model.read == [([1, 2, 1], 0), ([2, 3, 2], 1), ([3, 3], 2), ([4], 3)]
    assert model.room == ([3, 1, 2], 9)


def test_a_guided_sequence_is_read_without_what_is_said_too_and_leaves_with_it():
    model = Counting()
    ending, long = (Rules(replace(GREEDY, guidance=1.0), stop, limit=5) for stop in (4, NUM_TOKENS))
    starts = [replace(start(rules, length=3), untold_SD=torch.full((2, 1), 5.0)) for rules in (ending, long)]
    decoded = decode(model, starts)
    assert [one.tokens_K.tolist() for one in decoded] == [[1, 2, 3, 4], [1, 2, 3, 4, 5]]
    assert [one.hidden_KD.flatten().tolist() for one in decoded] == [[0, 1, 2, 3], [0, 1, 2, 3, 4]]
    assert model.read == [([1] * 4, 0), ([2] * 4, 1), ([3] * 4, 2), ([4] * 2, 3)]
    assert model.room == ([3, 3, 2, 2], 5)


def test_tokens_said_before_the_first_are_penalised_and_so_are_the_generated():
    choice = TokenChoice(greedy=True, repetition_penalty=10.0)
    decoded = one(Rules(choice, stop_token=NUM_TOKENS, limit=8, said=(1,)))
    assert decoded.tokens_K.tolist() == [2, 3, 4, 5, 6, 7, 8, 9]


def test_the_penalty_counts_what_the_sequence_itself_said():
    choice = TokenChoice(greedy=True, repetition_penalty=10.0)
    rules = Rules(choice, stop_token=NUM_TOKENS, limit=3)
    decoded = decode(Counting(), [start(rules), start(rules, last=2.0)])
    assert [one.tokens_K.tolist() for one in decoded] == [[1, 2, 3], [3, 4, 5]]


@pytest.mark.parametrize("company", [0, 2])
def test_the_same_seed_gives_the_same_tokens_in_any_company(company):
    rules = Rules(TokenChoice(temperature=2.0), stop_token=NUM_TOKENS, limit=30)

    def tokens(seed):
        others = [start(rules, seed=99 + i) for i in range(company)]
        return decode(Counting(), [*others, start(rules, seed=seed)])[-1].tokens_K.tolist()

    assert tokens(5) == one(rules, seed=5).tokens_K.tolist() != tokens(6)


def test_progress_is_told_of_every_token():
    told = []
    decode(Counting(), [start(Rules(GREEDY, stop_token=4, limit=9))], lambda: told.append(1))
    assert len(told) == 4
