"""The moments between noise and speech at which the flow is asked for.

Source: f5-tts 1.1.22, model/utils.py get_epss_timesteps and model/cfm.py; the sway is that of arXiv:2410.06885.
"""

import torch
from torch import Tensor

PRUNED = {
    5: (0, 2, 4, 8, 16, 32),
    6: (0, 2, 4, 6, 8, 16, 32),
    7: (0, 2, 4, 6, 8, 16, 24, 32),
    10: (0, 2, 4, 6, 8, 12, 16, 20, 24, 28, 32),
    12: (0, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32),
    16: (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32),
}
"""For some numbers of steps, which of 32 even ones were found to matter most; the others are even."""

PRUNED_FROM = 32
SWAY = -1.0
"""Below 0 there are more steps near the noise."""


def moments(num_steps: int) -> Tensor:
    """From 0, noise, to 1, speech: `num_steps` + 1 of them."""
    pruned = PRUNED.get(num_steps)
    even = torch.tensor(pruned) / PRUNED_FROM if pruned else torch.linspace(0, 1, num_steps + 1)
    return even + SWAY * (torch.cos(torch.pi / 2 * even) - 1 + even)
