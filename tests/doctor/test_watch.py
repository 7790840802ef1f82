import torch

from escuta.doctor.watch import FftWatch


def test_only_what_runs_inside_is_noted_and_its_result_is_left_alone():
    wav_T = torch.arange(8.0)
    outside = torch.fft.rfft(wav_T)
    with FftWatch() as watch:
        wav_T.cumsum(0)
        inside = torch.fft.rfft(wav_T)
    torch.fft.rfft(wav_T)

    assert torch.equal(inside, outside)
    assert watch.ffts == [("aten::_fft_r2c", "cpu")]
    assert watch.off_the_cpu == []


def test_an_fft_off_the_cpu_is_told_apart():
    with FftWatch() as watch:
        torch.fft.rfft(torch.zeros(8))
        torch.fft.rfft(torch.zeros(8, device="meta"))

    assert watch.off_the_cpu == [("aten::_fft_r2c", "meta")]
