import subprocess
import sys

import pytest
import torch

from escuta.doctor.cufft import PROBES
from escuta.doctor.gpu import Facts
from escuta.doctor.reproducer import write_reproducer
from escuta.errors import EscutaError

FACTS = Facts(torch="2.9.1+cu128", torch_cuda=(12, 8), cufft_loaded=("/home" + "/ana/venv/lib/libcufft.so.11",))


def run(script, *arguments):
    """Run a script where there is no escuta; return what it says."""
    code = "import runpy, sys; sys.modules['escuta'] = None; sys.argv = sys.argv[1:]; "
    command = [sys.executable, "-c", f"{code}runpy.run_path(sys.argv[0], run_name='__main__')", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_script_makes_a_probe_without_escuta(tmp_path):
    script = tmp_path / "reproduce.py"

    write_reproducer(script, FACTS)

    assert '"relative_difference": 0.0' in run(script, "--device", "cpu", "--probe", "stft-512")


@pytest.mark.slow
def test_the_script_makes_every_probe_in_a_process_of_its_own(tmp_path):
    script = tmp_path / "reproduce.py"
    write_reproducer(script, FACTS)

    first, *lines = run(script, "--device", "cpu").splitlines()

    assert first == f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}, cpu"
    assert [line.split()[:3] for line in lines] == [[name, "status", "0:"] for name in PROBES]


def test_the_script_says_where_it_comes_from_but_not_from_whom(tmp_path):
    script = tmp_path / "reproduce.py"

    write_reproducer(script, FACTS)

    text = script.read_text(encoding="utf-8")
    assert '#   "torch": "2.9.1+cu128"' in text
    assert "libcufft.so.11" in text
    assert "ana" not in text.split('"""')[0]


def test_a_file_that_is_there_is_left_alone(tmp_path):
    script = tmp_path / "reproduce.py"
    script.write_text("mine")

    with pytest.raises(EscutaError) as refusal:
        write_reproducer(script, FACTS)

    assert str(refusal.value) == (f"--reproducer {script}: is there already; expected a new file. Choose another name.")
    assert script.read_text() == "mine"
