import pytest
import torch

from escuta.audio.mel import CONDITIONING, conditioning_mel
from escuta.models.xtts.batch import FULL_SCALE, Crop, choose_crop, collate
from sounds import speechlike
from tiny_xtts import TINY, drawn

FRAMES_A_SECOND = CONDITIONING.sample_rate / CONDITIONING.hop
TEN_SECONDS = round(10 * FRAMES_A_SECOND)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def clip(num_text_tokens, num_codes, seed=0):
    """Features of a clip whose mel has four frames a code."""
    return {
        "text": torch.arange(num_text_tokens) + 4,
        "codes": torch.arange(num_codes) + 1,
        "mel": drawn(80, 4 * num_codes, seed=seed),
    }


def test_a_crop_lasts_three_to_six_seconds_anywhere_in_a_long_clip():
    generator = seeded()
    crops = [choose_crop(TEN_SECONDS, generator) for _ in range(300)]

    seconds = [(crop.end - crop.start) / FRAMES_A_SECOND for crop in crops]
    assert 2.99 < min(seconds) < 3.1
    assert 5.9 < max(seconds) < 6.01
    assert min(crop.start for crop in crops) < 0.5 * FRAMES_A_SECOND
    assert max(crop.end for crop in crops) > TEN_SECONDS - 0.5 * FRAMES_A_SECOND
    assert all(0 <= crop.start < crop.end <= TEN_SECONDS for crop in crops)


def test_half_of_a_clip_shorter_than_what_was_drawn_is_heard():
    generator = seeded()
    num_frames = round(2 * FRAMES_A_SECOND)
    crops = [choose_crop(num_frames, generator) for _ in range(50)]

    assert {crop.end - crop.start for crop in crops} == {num_frames // 2}
    assert len({crop.start for crop in crops}) > 10
    assert choose_crop(1, generator) == Crop(0, 1)


def test_validation_hears_the_beginning():
    assert choose_crop(TEN_SECONDS, None) == Crop(0, round(4.5 * FRAMES_A_SECOND))
    assert choose_crop(200, None) == Crop(0, 100)


@pytest.mark.parametrize(
    ("crop", "codes"),
    [(Crop(0, 8), (0, 2)), (Crop(4, 8), (1, 2)), (Crop(3, 9), (0, 3)), (Crop(7, 8), (1, 2)), (Crop(8, 9), (2, 3))],
)
def test_every_code_that_a_crop_touches_is_ignored(crop, codes):
    assert crop.codes(frames_per_code=4) == codes


def test_clips_are_padded_and_their_lengths_kept():
    clips = [clip(5, 20), clip(3, 12, seed=1)]

    batch = collate(clips, seeded(), TINY)

    assert batch["text"].tolist() == [[4, 5, 6, 7, 8], [4, 5, 6, 0, 0]]
    assert batch["text_lengths"].tolist() == [5, 3]
    assert batch["codes"].shape == (2, 20)
    assert batch["codes"][1].tolist() == [*range(1, 13), *[0] * 8]
    assert batch["code_lengths"].tolist() == [20, 12]
    assert batch["conditioning_lengths"].tolist() == [40, 24]  # half of each clip
    assert batch["conditioning_mel"].shape == (2, 80, 40)


def test_a_clip_hears_itself_and_the_loss_leaves_out_what_it_heard():
    clips = [clip(5, 20), clip(3, 12, seed=1)]

    batch = collate(clips, seeded(4), TINY)

    for number, one in enumerate(clips):
        length = batch["conditioning_lengths"][number]
        heard_FM = batch["conditioning_mel"][number, :, :length]
        (start,) = (at for at in range(one["mel"].shape[1]) if torch.equal(one["mel"][:, at : at + length], heard_FM))
        assert batch["ignored_codes"][number].tolist() == [start // 4, -(-(start + length) // 4)]
        assert (batch["conditioning_mel"][number, :, length:] == 0).all()


def sounding(one, value):
    """The same clip with a sound that counts its points, in steps of a hundred, and a voice."""
    num_points = int(len(one["codes"]) * 1024 * 24000 / 22050) - 500  # the last code is longer than the sound
    sound = (torch.arange(num_points) // 100).short()
    return {**one, "sound": sound, "speaker": torch.full((12,), float(value))}


def test_sound_is_cut_where_its_codes_are():
    clips = [sounding(clip(5, 200), 1), sounding(clip(3, 120, seed=1), 2)]

    batch = collate(clips, seeded(3), TINY)

    assert batch["sound_codes"].shape == (2, 43)  # two seconds
    assert batch["sound"].shape == (2, int(43 * 1024 * 24000 / 22050))
    starts = batch["sound_codes"][:, 0]
    assert len(set(starts.tolist())) == 2
    assert torch.equal(batch["sound_codes"], starts[:, None] + torch.arange(43))
    first_hundreds = (batch["sound"][:, 0] * FULL_SCALE).round()
    assert first_hundreds.tolist() == [(start * 1024 * 24000 / 22050) // 100 for start in starts.tolist()]
    assert batch["speaker"].tolist() == [[1.0] * 12, [2.0] * 12]


def test_no_more_sound_is_cut_than_the_shortest_clip_has():
    batch = collate([sounding(clip(5, 200), 1), sounding(clip(3, 20, seed=1), 2)], seeded(), TINY)

    assert batch["sound_codes"].shape == (2, 20)
    assert batch["sound_codes"][1, 0] == 0
    assert (batch["sound"][1, -490:] == 0).all()


def test_sound_changes_no_other_crop_and_is_not_for_validation():
    clips = [clip(5, 200), clip(3, 120, seed=1)]
    with_sound = [sounding(one, 1) for one in clips]

    silent, batch = collate(clips, seeded(3), TINY), collate(with_sound, seeded(3), TINY)

    assert all(torch.equal(tensor, batch[name]) for name, tensor in silent.items())
    assert batch.keys() - silent.keys() == {"sound", "sound_codes", "speaker"}
    assert collate(with_sound, None, TINY).keys() == silent.keys()


def test_the_generator_alone_decides_on_the_crops():
    clips = [clip(5, 200), clip(3, 120, seed=1)]
    torch.manual_seed(0)
    first = collate(clips, seeded(1), TINY)
    torch.manual_seed(1)
    random = torch.get_rng_state()

    again, other = collate(clips, seeded(1), TINY), collate(clips, seeded(2), TINY)

    assert all(torch.equal(tensor, again[name]) for name, tensor in first.items())
    assert not torch.equal(first["ignored_codes"], other["ignored_codes"])
    assert torch.equal(torch.get_rng_state(), random)
    fixed = [collate(clips, None, TINY) for _ in range(2)]
    assert all(torch.equal(tensor, fixed[1][name]) for name, tensor in fixed[0].items())


@pytest.mark.parametrize("start", [0, 100, 301])
@pytest.mark.parametrize("seconds", [3.0, 4.5, 6.0])
def test_a_crop_of_the_mel_is_the_mel_of_the_crop_but_for_two_frames_at_each_edge(start, seconds):
    """coqui-tts crops the recording and computes the mel of that (and pads it to 6 s, which these crops are not)."""
    wav_BT = torch.from_numpy(speechlike(TEN_SECONDS / FRAMES_A_SECOND, seed=1))[None]
    num_frames = round(seconds * FRAMES_A_SECOND)

    ours_FM = conditioning_mel(wav_BT, torch.ones(80))[0, :, start : start + num_frames]
    points = slice(start * CONDITIONING.hop, (start + num_frames - 1) * CONDITIONING.hop)
    theirs_FM = conditioning_mel(wav_BT[:, points], torch.ones(80))[0]

    difference_FM = (ours_FM - theirs_FM).abs()
    assert difference_FM[:, 2:-2].max() < 1e-4
    assert difference_FM.mean() < 0.01 * ours_FM.std()
