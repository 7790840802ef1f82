import subprocess
import sys

import torch
from torch import nn

from escuta.models.blank import blank


def test_no_weights_are_drawn():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)

    with blank():
        module = nn.Sequential(nn.Linear(8, 8), nn.Embedding(4, 4), nn.Conv1d(4, 4, 3), nn.LayerNorm(8))

    assert [tuple(parameter.shape) for parameter in module[0].parameters()] == [(8, 8), (8,)]
    assert torch.equal(torch.rand(3), expected)


def test_afterwards_weights_are_drawn_again():
    with blank():
        pass

    assert nn.Linear(8, 8).weight.std() > 0


def test_loading_a_model_does_not_import_the_compiler(tmp_path):
    program = (
        "import sys, pathlib; from escuta.models.xtts.newborn import make_newborn;"
        "from escuta.models.xtts.model import load_xtts;"
        "folder = pathlib.Path(sys.argv[1]); make_newborn(folder, 0);"
        "load_xtts(folder, uses=['speaking'], device='cpu');"
        "sys.exit('torch._dynamo' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program, tmp_path]).returncode == 0
