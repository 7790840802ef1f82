import os
import subprocess
import sys


def test_a_machine_without_a_compiler_says_so_in_one_line(tmp_path):
    script = (
        "import torch\n"
        "from escuta.training.compiler import compiler_refusal\n"
        "reason = compiler_refusal(torch.device('cpu'))\n"
        "assert reason and len(reason.splitlines()) == 1, reason"
    )
    nothing = {"CXX": str(tmp_path / "none"), "PATH": str(tmp_path), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}

    subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, **nothing})
