import gc

import pytest
import torch

from escuta.audio.files import read_audio
from escuta.data import features as features_module
from escuta.data.feature_cache import FeatureCache
from escuta.data.feature_worker import FeatureJob
from escuta.data.features import VERSION, CachedClip, ClipFeatures
from escuta.data.inventory import file_hash
from escuta.errors import DataError
from escuta.models.load import features_fingerprint, load_model
from escuta.models.xtts.dvae import Dvae
from sounds import make_dataset, speechlike

JOB = FeatureJob(None, "Good evening.", "en")


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def dvaes():
    gc.collect()
    return [one for one in gc.get_objects() if type(one) is Dvae]


@pytest.fixture
def wavs(tmp_path):
    return make_dataset(tmp_path / "voice", 4, seconds=(0.5, 0.8)) / "wavs"


@pytest.fixture
def clips(wavs, tmp_path, random_base):
    """Features of four clips, as another process would find them each time it is called."""

    def clips(cache=tmp_path / "cache", text="Good evening.", language="en", base=random_base):
        fingerprint = features_fingerprint(base)
        cached = (
            CachedClip.of(FeatureJob(path, text, language), file_hash(path), fingerprint)
            for path in sorted(wavs.iterdir())
        )
        return ClipFeatures(tuple(cached), FeatureCache(cache), base)

    return clips


def compute(features):
    told, done = [], []
    features.compute(features.missing(), tell=told.append, progress=lambda: done.append(1))
    return told, len(done)


def test_a_key_depends_on_recording_text_language_model_and_version():
    def key(job=JOB, audio="a", model="m"):
        return CachedClip.of(job, audio, model).key

    others = {
        key(FeatureJob(None, "Good evening!", "en")),
        key(FeatureJob(None, "Good evening.", "pt")),
        key(audio="b"),
        key(model="n"),
    }
    assert len(key()) == 64
    assert len({key(), *others}) == 5
    assert key(FeatureJob("elsewhere", "Good evening.", "en")) == key()


def test_whoever_changes_what_features_are_raises_the_version(random_base):
    """Where this fails, a cache would give what is no longer computed: raise VERSION with these figures."""
    model = load_model(random_base, uses=["features"])
    found = model.features(torch.from_numpy(speechlike(1.0, seed=3)), "Dr. Lee paid $3.50 on May 4th.", "en")

    assert VERSION == 1
    assert (found["text"].numel(), found["text"].sum().item()) == (58, 2696)
    assert (found["mel"].shape, found["codes"].shape) == ((80, 87), (22,))
    assert (found["mel"].mean().item(), found["mel"].std().item()) == pytest.approx((1.14022, 0.64996), rel=1e-4)


def test_features_are_computed_once_and_then_those_of_the_model_to_the_bit(clips, wavs, random_base):
    assert compute(clips()) == ([], 4)
    assert clips().missing() == {}

    model = load_model(random_base, uses=["features"])
    found = clips()
    assert len(found) == 4
    for path, one in zip(sorted(wavs.iterdir()), found, strict=True):
        wav_T = torch.from_numpy(read_audio(path, model.input_sample_rate))
        assert same(one, model.features(wav_T, "Good evening.", "en"))
    assert len(found[1:3]) == 2
    assert same(found[1:3][0], found[1])
    assert same(found[-1], found[3])


def test_another_text_language_recording_or_model_is_not_found(clips, wavs, random_base, tmp_path):
    compute(clips())
    assert len(clips(text="Good morning.").missing()) == 4
    assert len(clips(language="pt").missing()) == 4

    other = tmp_path / "base"
    other.mkdir()
    for path in random_base.iterdir():
        (other / path.name).write_bytes(path.read_bytes() + (b" " if path.name == "vocab.json" else b""))
    assert len(clips(base=other).missing()) == 4

    first = min(wavs.iterdir())
    first.write_bytes(first.read_bytes() + b"\0")
    (job,) = clips().missing().values()
    assert job.audio == first


def test_what_is_there_needs_neither_audio_nor_dvae(clips, wavs):
    before = len(dvaes())
    compute(clips())
    assert len(dvaes()) == before  # it does not stay
    found = clips()
    for path in wavs.iterdir():
        path.unlink()

    assert [one["mel"].shape[1] for one in found] == [44, 69, 44, 69]

    assert len(dvaes()) == before


def test_damaged_and_cut_off_entries_are_computed_again(clips):
    compute(clips())
    expected = [dict(one) for one in clips()]
    damaged, cut = sorted(clips().cache.folder.rglob("*.safetensors"))[:2]
    content = bytearray(damaged.read_bytes())
    content[-5] ^= 1
    damaged.write_bytes(content)
    cut.write_bytes(cut.read_bytes()[:-10])

    assert len(clips().missing()) == 1  # the length is seen at once, a bit when it is read
    assert all(map(same, clips(), expected))
    assert damaged.read_bytes() != content
    assert clips().missing() == {}


def test_a_cache_that_is_removed_while_training_is_made_again(clips, wavs):
    compute(clips())
    found = clips()
    expected = dict(found[0])
    for path in found.cache.folder.rglob("*.safetensors"):
        path.unlink()

    assert same(found[0], expected)

    changed = found.clips[1].job.audio
    changed.write_bytes(changed.read_bytes() + b"\0")
    with pytest.raises(DataError) as refused:
        found[1]
    assert str(refused.value) == (
        f"{changed}: was changed since the training began, and its features in {found.cache.folder} were removed; "
        "expected one of them as it was. Continue with --resume."
    )


def test_what_is_finished_stays_when_the_rest_is_interrupted(clips):
    done = []
    interrupted = clips()
    interrupted.compute(
        interrupted.missing(), tell=print, progress=lambda: done.append(1), stopped=lambda: len(done) == 3
    )

    assert len(clips().missing()) == 1
    assert compute(clips()) == ([], 1)


def test_a_folder_that_cannot_be_written_is_told_once_and_features_stay_in_memory(clips, tmp_path):
    compute(clips())
    expected = [dict(one) for one in clips()]
    (tmp_path / "file").write_text("")
    found = clips(cache=tmp_path / "file" / "cache")

    told, done = compute(found)

    assert done == 4
    assert told == [
        f"⚠️  Features cannot be kept in {tmp_path}/file/cache ([Errno 20] Not a directory: "
        f"'{found.cache.refusal.filename}'); they stay in memory."
    ]
    assert all(map(same, found, expected))


def test_many_clips_are_computed_by_several_processes(clips, monkeypatch):
    before = len(dvaes())
    compute(clips())
    expected = [dict(one) for one in clips()]
    monkeypatch.setattr(features_module, "MIN_CLIPS_EACH", 2)
    again = clips(cache=clips().cache.folder.with_name("other"))

    monkeypatch.setattr(features_module, "compute", None)  # nothing is computed here
    assert compute(again) == ([], 4)

    assert len(dvaes()) == before
    for one, other in zip(again, expected, strict=True):
        assert torch.allclose(one["mel"], other["mel"], atol=1e-5)
        assert torch.equal(one["text"], other["text"])
