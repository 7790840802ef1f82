import torch
from recipes.nano.alignment import diagonal, straying, watched

from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.loss import Segment

LATENTS, TEXT, CODES = 2, 4, 8


def segment(*lengths: int) -> Segment:
    place_P = torch.arange(max(lengths))
    real_BP = place_P < torch.tensor(lengths)[:, None]
    return Segment(torch.zeros_like(real_BP, dtype=torch.long), torch.zeros_like(real_BP, dtype=torch.long), real_BP)


def looking_at(places: list[int]) -> torch.Tensor:
    """Queries, keys and values of two heads of 16 numbers with which each position looks at another alone."""
    key_SW = torch.eye(16)[: len(places)] * 10
    parts = (key_SW[places] * 10, key_SW, key_SW)
    return torch.cat([part_SW.repeat(1, 2) for part_SW in parts], dim=1)[None]


def test_the_diagonal_leads_from_the_start_of_each_text_to_its_end():
    near_BSS, rows_BS = diagonal(LATENTS, segment(TEXT, 2), segment(CODES, 4), LATENTS + TEXT + CODES)
    assert rows_BS.sum(1).tolist() == [CODES, 4]
    assert not near_BSS[:, :, :LATENTS].any(), "nobody looks at the voice"
    best = near_BSS[0, LATENTS + TEXT :].argmax(1) - LATENTS
    assert best.tolist() == sorted(best.tolist())
    assert (best[0], best[-1]) == (0, TEXT - 1)
    assert near_BSS[1, :, LATENTS + 2 :].sum() == 0, "what is past the text is no text"


def test_a_head_that_follows_the_text_strays_less_than_one_that_stays():
    text, codes = segment(TEXT), segment(CODES)
    follows = [*range(LATENTS + TEXT), *(LATENTS + place * TEXT // CODES for place in range(CODES))]
    stays = [*range(LATENTS + TEXT), *[0] * CODES]
    found = [straying([looking_at(places)] * 3, 2, LATENTS, text, codes) for places in (follows, stays)]
    assert found[0] < 0.1
    assert found[1] > 5


def test_watching_leaves_the_model_as_it_was(tiny: XttsConfig):
    gpt = Gpt(tiny)
    with watched(gpt) as seen:
        gpt.gpt(torch.zeros(1, 5, tiny.gpt.width))
    assert [tuple(one.shape) for one in seen] == [(1, 5, 3 * tiny.gpt.width)] * 3
    gpt.gpt(torch.zeros(1, 5, tiny.gpt.width))
    assert len(seen) == 3
