"""Decoding, with a model that counts: after token n it finds n + 1 likeliest, and n + 2 second."""

import torch

from escuta.engine.cache import empty_cache
from escuta.engine.decoding import Rules, decode
from escuta.engine.tokens import TokenChoice

NUM_TOKENS = 10
GREEDY = TokenChoice(greedy=True)


class Counting:
    """Hidden states are the last token; `read` remembers what it was given, in order."""

    def __init__(self):
        self.read = []

    def new_cache(self, num_positions):
        self.num_positions = num_positions
        return empty_cache(1, (1, 1, num_positions, 1), like=torch.zeros(1))

    def prefill(self, prompt_1SD, cache):
        return prompt_1SD[:, -1]

    def step(self, token, index, cache):
        self.read.append((token, index))
        return torch.tensor([[float(token)]])

    def next_logits(self, hidden_1D):
        logits_1V = torch.zeros(1, NUM_TOKENS)
        for rank in (1, 2):
            logits_1V[0, (int(hidden_1D) + rank) % NUM_TOKENS] = 3.0 - rank
        return logits_1V


PROMPT = torch.tensor([[[7.0], [0.0]]])  # its last position is what the first token follows


def test_decoding_ends_with_the_stop_token():
    model = Counting()
    decoded = decode(model, PROMPT, Rules(GREEDY, stop_token=4, limit=9), torch.Generator())
    assert decoded.stop == "ended"
    assert decoded.tokens_K.tolist() == [1, 2, 3, 4]
    assert decoded.hidden_KD.tolist() == [[0], [1], [2], [3]]
    assert model.read == [(1, 0), (2, 1), (3, 2)]
    assert model.num_positions == 2 + 9


def test_decoding_that_does_not_end_is_cut_and_says_so():
    decoded = decode(Counting(), PROMPT, Rules(GREEDY, stop_token=9, limit=3), torch.Generator())
    assert decoded.stop == "limit"
    assert decoded.tokens_K.tolist() == [1, 2, 3]
    assert decoded.hidden_KD.shape == (3, 1)


def test_a_stop_token_at_the_limit_is_an_end():
    assert decode(Counting(), PROMPT, Rules(GREEDY, stop_token=3, limit=3), torch.Generator()).stop == "ended"


def test_tokens_said_before_the_first_are_penalised_and_so_are_the_generated():
    choice = TokenChoice(greedy=True, repetition_penalty=10.0)
    decoded = decode(Counting(), PROMPT, Rules(choice, stop_token=NUM_TOKENS, limit=8, said=(1,)), torch.Generator())
    assert decoded.tokens_K.tolist() == [2, 3, 4, 5, 6, 7, 8, 9]


def test_the_same_seed_gives_the_same_tokens():
    rules = Rules(TokenChoice(temperature=2.0), stop_token=NUM_TOKENS, limit=30)

    def tokens(seed):
        return decode(Counting(), PROMPT, rules, torch.Generator().manual_seed(seed)).tokens_K.tolist()

    assert tokens(5) == tokens(5) != tokens(6)


def test_progress_is_told_of_every_token():
    told = []
    decode(Counting(), PROMPT, Rules(GREEDY, stop_token=4, limit=9), torch.Generator(), lambda: told.append(1))
    assert len(told) == 4
