from pathlib import Path

import pytest

from escuta.sampling.job import SampleJob, SampleResult
from escuta.sampling.narration import announce, describe, how_fast

JOB = SampleJob(
    name="epoch_3",
    epoch=3,
    step=12,
    checkpoint=None,
    folder=Path("run/samples"),
    best=False,
    sentences=("Good evening.", "And more."),
    reference=Path("data/wavs/audio_00001.wav"),
    language="en",
)
SPOKEN = SampleResult(
    name="epoch_3",
    epoch=3,
    step=12,
    status="spoken",
    mode="background",
    seconds=3.0,
    audio_seconds=2.0,
    files=("epoch_3_output.wav", "epoch_3_output_02.wav"),
)


@pytest.mark.parametrize(
    ("mode", "speaker"),
    [
        ("background", "background process, CUDA:1"),
        ("isolated", "CUDA:1 subprocess"),
        ("inline", "training process, CUDA:1"),
    ],
)
def test_a_sample_is_announced_as_the_guide_does(mode, speaker):
    lines = announce(JOB, mode=mode, device="cuda:1", from_dataset=True)

    assert lines[:4] == [
        "   📝 Text from metadata: 'Good evening.'",
        f"🎤 Generating audio sample ({speaker})...",
        "   Epoch: 3",
        "   Reference: audio_00001.wav",
    ]
    assert lines[4:] == (["   🚀 Starting subprocess..."] if mode == "isolated" else [])


def test_a_long_text_of_ones_own_is_shortened():
    job = SampleJob.from_json({**JOB.to_json(), "sentences": ["word " * 20]})

    text = announce(job, mode="inline", device="cpu", from_dataset=False)[0]

    assert text == "   📝 Text: '" + ("word " * 12).rstrip()[:57].rstrip() + "...'"


def test_a_spoken_sample_says_how_fast_and_where():
    assert describe(SPOKEN, Path("run/samples")) == [
        "    > Processing time: 3.0s",
        "    > Real-time factor: 1.50x",
        "   ✅ Sample generated: epoch_3_output.wav",
        "   ✅ Sample generated: epoch_3_output_02.wav",
        "   ✅ Reference copied: epoch_3_reference.wav",
    ]


def test_the_best_one_says_so():
    best = SampleResult.from_json({**SPOKEN.to_json(), "best": True})

    assert describe(best, Path("run/samples"))[-1] == f"   ⭐ Best so far: {Path('run/samples/best')}"


def test_a_failed_and_a_skipped_one_say_why():
    failed = SampleResult.unspoken(JOB, mode="background", status="failed", reason="it died (signal 9)")
    skipped = SampleResult.unspoken(JOB, mode="background", status="skipped", reason="newer checkpoints were waiting")

    assert describe(failed, Path()) == ["❌ Error generating sample epoch_3: it died (signal 9)"]
    assert describe(skipped, Path()) == ["⏭️  Sample epoch_3 skipped: newer checkpoints were waiting"]


def test_no_audio_is_no_division_by_zero():
    assert how_fast(1.0, 0.0)[1] == "    > Real-time factor: 0.00x"
