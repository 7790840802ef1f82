import torch

from escuta.audio.files import read_audio
from escuta.data.demo import DEMO_VOICE
from escuta.models.base import Generation
from escuta.models.xtts.model import load_xtts
from escuta.models.xtts.newborn import make_newborn
from sounds import noise


def test_it_is_small_and_one_seed_makes_one_model(tmp_path):
    for name, seed in [("first", 0), ("second", 0), ("other", 1)]:
        make_newborn(tmp_path / name, seed)

    first, second, other = (
        (tmp_path / name / "model.safetensors").read_bytes() for name in ("first", "second", "other")
    )
    assert first == second != other
    assert len(first) < 20_000_000


def test_making_it_leaves_the_random_state_alone(tmp_path):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)

    make_newborn(tmp_path, seed=0)

    assert torch.equal(torch.rand(3), expected)


def test_it_speaks_finite_noise_of_limited_length(tmp_path):
    make_newborn(tmp_path, seed=0)
    model = load_xtts(tmp_path, uses=["speaking"], device="cpu")

    reference = model.reference(torch.from_numpy(noise(3.0)))
    spoken = model.speak("Bom dia.", reference, language="pt", generation=Generation(), seed=0)

    assert spoken.wav_T.isfinite().all()
    assert spoken.wav_T.std() > 0
    assert 0 < len(spoken.wav_T) <= 12 * spoken.sample_rate


def test_it_can_learn_the_longest_clip(tmp_path):
    make_newborn(tmp_path, seed=0)
    model = load_xtts(tmp_path, uses=["features", "training"], device="cpu")

    longest = torch.from_numpy(noise(model.clip_limits.max_seconds))
    features = model.features(longest, "Bom dia.", "pt")
    losses = model.trainable(model.collate([features], None))

    assert losses["loss"].isfinite()


def test_it_gives_speech_many_codes(tmp_path):
    make_newborn(tmp_path, seed=0)
    model = load_xtts(tmp_path, uses=["features"], device="cpu")

    clips = sorted((DEMO_VOICE / "wavs").iterdir())[:5]
    codes = [model.features(torch.from_numpy(read_audio(clip, 22050)), "Hello.", "en")["codes"] for clip in clips]

    assert len(torch.cat(codes).unique()) > 100
