import torch

from escuta.run.held_out import MAX_CLIPS, read_held_out, write_held_out


def clip(number):
    return {"text": torch.arange(number + 1), "mel": torch.full((80, 3), float(number)).T}


def test_the_first_clips_are_kept_in_their_order(tmp_path):
    write_held_out(tmp_path / "held_out.safetensors", [clip(number) for number in range(MAX_CLIPS + 2)])

    found = read_held_out(tmp_path / "held_out.safetensors")

    assert len(found) == MAX_CLIPS
    for number, one in enumerate(found):
        assert one.keys() == {"text", "mel"}
        assert all(torch.equal(one[name], tensor) for name, tensor in clip(number).items())


def test_a_file_that_is_missing_or_damaged_holds_none(tmp_path):
    assert read_held_out(tmp_path / "held_out.safetensors") == []
    (tmp_path / "held_out.safetensors").write_bytes(b"no tensors")
    assert read_held_out(tmp_path / "held_out.safetensors") == []
