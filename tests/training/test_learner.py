import copy
import itertools
import math

import pytest
import torch
from accelerate.state import AcceleratorState
from torch import nn

from escuta.errors import CheckpointError
from escuta.models.load import load_model
from escuta.run.checkpoints import Progress, read_checkpoint, write_checkpoint
from escuta.settings import TrainingSettings
from escuta.training.learner import Learner, uses_for
from sounds import sentence, speechlike

SETTINGS = TrainingSettings(device="cpu", precision="fp32", learning_rate=1e-3, max_grad_norm=1e9)


@pytest.fixture(scope="module")
def features(random_base):
    """Of four clips of one length, with texts of one length."""
    return features_of(random_base)


def features_of(base, *, sound=False):
    model = load_model(base, uses=["features"])
    texts = [sentence(number).ljust(40, "a")[:40] for number in range(4)]
    wavs = [torch.from_numpy(speechlike(2.0, model.input_sample_rate, seed=number)) for number in range(4)]
    return [model.features(wav_T, text, "en", sound=sound) for wav_T, text in zip(wavs, texts, strict=True)]


def load(base, settings=SETTINGS):
    return load_model(base, uses=uses_for(settings))


def batch(model, features, generator=None):
    return model.collate(features, generator)


def snapshot(learner):
    return copy.deepcopy(learner.checkpoint(Progress(), val_loss=None, base_fingerprint=""))


def assert_same_state(first, second):
    for name, tensor in first.model.items():
        assert torch.equal(tensor, second.model[name]), name
    states, others = first.optimizer["state"], second.optimizer["state"]
    assert states.keys() == others.keys()
    for number, state in states.items():
        for name, tensor in state.items():
            assert torch.equal(tensor, others[number][name]), (number, name)


def test_a_validation_is_the_mean_over_all_that_is_predicted_however_it_is_batched(random_base):
    model = load(random_base)
    reading = load_model(random_base, uses=["features"])
    clips = [
        reading.features(torch.from_numpy(speechlike(seconds)), sentence(1)[:letters], "en")
        for seconds, letters in ((1.0, 10), (4.0, 60))
    ]
    learner = Learner(model, SETTINGS, seed=0)

    one_by_one = learner.validate([batch(model, [clip]) for clip in clips])

    assert one_by_one == pytest.approx(learner.validate([batch(model, clips)]), rel=1e-5)


def test_learning_one_batch_lowers_its_loss(random_base, features):
    model = load(random_base)
    learner = Learner(model, SETTINGS, seed=0)
    same = batch(model, features)
    before = learner.validate([same])

    steps = [learner.step([same]) for _ in range(5)]

    assert all(step.taken and math.isfinite(step.loss) and step.grad_norm > 0 for step in steps)
    assert all(step.parts.keys() == {"loss_text", "loss_mel"} for step in steps)
    assert learner.validate([same]) < before - 0.2


def test_the_settings_decide_whatever_the_launcher_was_told(random_base, features, monkeypatch):
    model = load(random_base)
    alone = Learner(model, SETTINGS, seed=0).step([batch(model, features)])
    AcceleratorState._reset_state()  # which one process has once
    for name, value in (("MIXED_PRECISION", "bf16"), ("GRADIENT_ACCUMULATION_STEPS", "4"), ("DYNAMO_BACKEND", "eager")):
        monkeypatch.setenv(f"ACCELERATE_{name}", value)
    model = load(random_base)

    assert Learner(model, SETTINGS, seed=0).step([batch(model, features)]) == alone


def test_two_half_batches_are_one_batch(random_base, features):
    gradients, steps = [], []
    for halves in ([features], [features[:2], features[2:]]):
        model = undropped(load(random_base))
        learner = Learner(model, SETTINGS, seed=0)
        steps.append(learner.step([batch(model, half) for half in halves]))
        state = learner.checkpoint(Progress(), val_loss=None, base_fingerprint="").optimizer["state"]
        gradients.append([one["exp_avg"] for one in state.values()])  # a tenth of the first gradient

    assert steps[0].loss == pytest.approx(steps[1].loss, rel=1e-5)
    assert steps[0].grad_norm == pytest.approx(steps[1].grad_norm, rel=1e-4)
    for whole, of_halves in zip(*gradients, strict=True):
        torch.testing.assert_close(whole, of_halves, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("number", [0, 1])
def test_a_loss_that_is_no_number_leaves_everything_as_it_was(random_base, features, number):
    model = load(random_base)
    learner = Learner(model, SETTINGS, seed=0)
    sound = batch(model, features[:2])
    learner.step([sound])
    before = snapshot(learner)
    broken = {**sound, "conditioning_mel": torch.full_like(sound["conditioning_mel"], torch.nan)}
    micro_steps = [sound, sound]
    micro_steps[number] = broken

    step = learner.step(micro_steps)

    assert not step.taken
    assert math.isnan(step.loss)
    assert_same_state(snapshot(learner), before)
    assert learner.step([sound]).taken


def test_a_gradient_too_long_is_shortened(random_base, features):
    model = load(random_base)
    learner = Learner(model, SETTINGS.model_copy(update={"max_grad_norm": 0.5}), seed=0)

    step = learner.step([batch(model, features)])

    state = learner.checkpoint(Progress(), val_loss=None, base_fingerprint="").optimizer["state"]
    norm = torch.stack([one["exp_avg"].norm() for one in state.values()]).norm() * 10
    assert step.grad_norm > 1
    assert norm == pytest.approx(0.5, rel=1e-3)


def test_validation_neither_learns_nor_drops_out_nor_draws(random_base, features):
    model = load(random_base)
    learner = Learner(model, SETTINGS, seed=0)
    batches = [batch(model, features[:3]), batch(model, features[3:])]
    before, random = snapshot(learner), torch.get_rng_state()

    first, second = learner.validate(batches), learner.validate(batches)

    assert first == second
    three, one = (learner.validate([some]) for some in batches)
    assert first == pytest.approx((3 * three + one) / 4)
    assert torch.equal(torch.get_rng_state(), random)
    assert_same_state(snapshot(learner), before)


def test_a_checkpoint_continues_to_the_same_bits(random_base, features, tmp_path):
    model = load(random_base)
    learner = Learner(model, SETTINGS, seed=3)
    generator = torch.Generator().manual_seed(0)
    batches = [batch(model, features, generator) for _ in range(4)]
    for one in batches[:2]:
        learner.step([one])
    write_checkpoint(
        tmp_path / "half.pt",
        learner.checkpoint(Progress(epoch=1, step=2), val_loss=5.0, base_fingerprint="abc"),
    )
    losses = [learner.step([one]).loss for one in batches[2:]]
    uninterrupted = snapshot(learner)

    checkpoint = read_checkpoint(tmp_path / "half.pt")
    resumed = Learner(load(random_base), SETTINGS, seed=99, resumed=checkpoint)

    assert (checkpoint.progress.step, checkpoint.val_loss, checkpoint.base_fingerprint) == (2, 5.0, "abc")
    assert [resumed.step([one]).loss for one in batches[2:]] == losses
    assert_same_state(snapshot(resumed), uninterrupted)


def test_a_resumed_training_has_the_rate_of_its_own_settings(random_base, features, tmp_path):
    model = load(random_base)
    learner = Learner(model, SETTINGS, seed=0)
    learner.step([batch(model, features)])
    checkpoint = snapshot(learner)
    slower = SETTINGS.model_copy(update={"learning_rate": 1e-7, "weight_decay": 0.5})

    resumed = Learner(load(random_base), slower, seed=0, resumed=checkpoint)

    groups = resumed.checkpoint(Progress(), val_loss=None, base_fingerprint="").optimizer["param_groups"]
    assert [(group["lr"], group["weight_decay"]) for group in groups] == [(1e-7, 0.5), (1e-7, 0.0)]
    assert_same_state(snapshot(resumed), checkpoint)


def test_learning_leaves_a_checkpoint_that_it_continued_from_as_it_was(random_base, features, tmp_path):
    model = load(random_base)
    learner = Learner(model, SETTINGS, seed=0)
    learner.step([batch(model, features)])
    write_checkpoint(tmp_path / "a.pt", learner.checkpoint(Progress(epoch=1), val_loss=None, base_fingerprint=""))
    before = (tmp_path / "a.pt").read_bytes()

    resumed = Learner(load(random_base), SETTINGS, seed=0, resumed=read_checkpoint(tmp_path / "a.pt"))
    resumed.step([batch(model, features)])

    assert (tmp_path / "a.pt").read_bytes() == before


def test_the_seed_decides_what_drops_out(random_base, features):
    losses = []
    for seed in (1, 1, 2):
        model = load(random_base)
        losses.append(Learner(model, SETTINGS, seed=seed).step([batch(model, features)]).loss)

    assert losses[0] == losses[1] != losses[2]


def test_a_checkpoint_of_another_model_is_refused(random_base, features):
    model = load(random_base)
    checkpoint = snapshot(Learner(model, SETTINGS, seed=0))
    del checkpoint.model["gpt.mel_head.bias"]

    with pytest.raises(CheckpointError, match=r"^checkpoint: 1 tensors differ"):
        Learner(load(random_base), SETTINGS, seed=0, resumed=checkpoint)


def test_leaving_the_device_for_a_while_changes_nothing(random_base, features):
    model = load(random_base)
    learner = Learner(model, SETTINGS, seed=0)
    learner.step([batch(model, features)])
    before = snapshot(learner)

    with learner.off_device():
        assert_same_state(snapshot(learner), before)

    assert_same_state(snapshot(learner), before)
    assert learner.step([batch(model, features)]).taken


def state_of(learner):
    return learner.checkpoint(Progress(), val_loss=None, base_fingerprint="").optimizer["state"]


def undropped(model):
    for part in model.trainable.modules():
        if hasattr(part, "dropout") and not isinstance(part.dropout, nn.Module):
            part.dropout = 0.0
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    return model


def test_unequal_micro_steps_are_one_batch_too(random_base, features):
    short = {**features[0], "codes": features[0]["codes"][:10], "text": features[0]["text"][:7]}
    clips = [features[1], features[2], short]
    steps, moments = [], []
    for parts in ([clips], [clips[:2], clips[2:]]):
        model = undropped(load(random_base))
        learner = Learner(model, SETTINGS, seed=0)
        steps.append(learner.step([batch(model, part) for part in parts]))
        moments.append([one["exp_avg"] for one in state_of(learner).values()])

    assert steps[0].loss == pytest.approx(steps[1].loss, rel=1e-5)
    assert steps[0].parts == pytest.approx(steps[1].parts, rel=1e-5)
    for whole, of_parts in zip(*moments, strict=True):
        torch.testing.assert_close(whole, of_parts, rtol=1e-3, atol=1e-6)


WAYS = {
    "bf16": {"precision": "bf16"},
    "bf16, moments in fp32": {"precision": "bf16", "optimizer": "adamw"},
    "moments in bf16": {"optimizer": "adamw_bf16"},
    "LoRA": {"lora_rank": 4},
    "LoRA in bf16": {"lora_rank": 4, "precision": "bf16"},
    "averaged": {"ema_decay": 0.9},
    "averaged LoRA in bf16": {"ema_decay": 0.9, "lora_rank": 4, "precision": "bf16"},
    "frozen": {"freeze": ("conditioning", "embeddings"), "activation_checkpointing": True},
}
QUICK_OF_F5 = {"bf16", "averaged LoRA in bf16"}


def ways():
    """Every way with every family; F5-TTS takes longer to learn."""
    for family, (name, way) in itertools.product(["random_base", "f5_base"], WAYS.items()):
        slow = family == "f5_base" and name not in QUICK_OF_F5
        yield pytest.param(way, family, id=f"{name}-{family}", marks=[pytest.mark.slow] * slow)


@pytest.mark.parametrize(("way", "family"), list(ways()))
def test_every_way_to_learn_continues_to_the_same_bits(request, tmp_path, way, family):
    base = request.getfixturevalue(family)
    settings = SETTINGS.model_copy(update=way)
    model = load(base)
    learner = Learner(model, settings, seed=3)
    same = batch(model, features_of(base))
    first = learner.step([same])
    write_checkpoint(tmp_path / "a.pt", learner.checkpoint(Progress(step=1), val_loss=None, base_fingerprint=""))
    losses = [learner.step([same]).loss for _ in range(2)]

    resumed = Learner(load(base), settings, seed=9, resumed=read_checkpoint(tmp_path / "a.pt"))

    assert [resumed.step([same]).loss for _ in range(2)] == losses
    assert losses[-1] < first.loss
    assert resumed.validate([same]) == learner.validate([same])
    assert_same_state(snapshot(resumed), snapshot(learner))
    assert {tensor.dtype for tensor in model.trained_tensors().values()} == {torch.float32}


SOUNDS = {"sound", "sound_codes", "speaker"}
SOUND = {
    "sound": pytest.param({"decoder_learning_rate": 1e-3}, marks=pytest.mark.slow),
    "sound in bf16": {"decoder_learning_rate": 1e-3, "precision": "bf16"},
    "averaged sound": {"decoder_learning_rate": 1e-3, "ema_decay": 0.9},
}


@pytest.mark.parametrize("way", SOUND.values(), ids=SOUND)
def test_a_decoder_learns_the_sound_and_continues_to_the_same_bits(random_base, tmp_path, way):
    settings = SETTINGS.model_copy(update=way)
    model = load(random_base, settings)
    learner = Learner(model, settings, seed=3)
    same = batch(model, features_of(random_base, sound=True), torch.Generator().manual_seed(0))
    first = learner.step([same])
    write_checkpoint(tmp_path / "a.pt", learner.checkpoint(Progress(step=1), val_loss=None, base_fingerprint=""))
    steps = [learner.step([same]) for _ in range(3)]

    resumed = Learner(load(random_base, settings), settings, seed=9, resumed=read_checkpoint(tmp_path / "a.pt"))

    again = [resumed.step([same]) for _ in range(3)]
    assert [(step.loss, step.parts) for step in again] == [(step.loss, step.parts) for step in steps]
    assert_same_state(snapshot(resumed), snapshot(learner))
    assert steps[-1].parts["loss_sound"] < first.parts["loss_sound"] - 0.1
    assert {tensor.dtype for tensor in model.trained_tensors().values()} == {torch.float32}


def test_the_language_model_learns_the_same_beside_a_decoder(random_base):
    clips = features_of(random_base, sound=True)
    learned = []
    for way in ({}, {"decoder_learning_rate": 1e-3}):
        settings = SETTINGS.model_copy(update={**way, "max_grad_norm": 0.5})
        model = load(random_base, settings)
        learner = Learner(model, settings, seed=0)
        for seed in range(3):
            same = batch(model, clips, torch.Generator().manual_seed(seed))
            learner.step([same if way else {name: one for name, one in same.items() if "so" not in name}])
        learned.append(model.trained_tensors())
        learned.append({"loss": torch.tensor(learner.validate([batch(model, clips)]))})

    alone, loss, together, same_loss = learned
    assert all(torch.equal(tensor, together[name]) for name, tensor in alone.items())
    assert loss == same_loss
    assert {name.rsplit(".waveform_decoder.")[0] for name in together.keys() - alone.keys()} == {"hifigan_decoder"}


def test_two_half_batches_are_one_batch_of_sound_too(random_base):
    settings = SETTINGS.model_copy(update={"decoder_learning_rate": 1e-3})
    clips = features_of(random_base, sound=True)
    steps, moments = [], []
    for halves in ([slice(0, 4)], [slice(0, 2), slice(2, 4)]):
        model = undropped(load(random_base, settings))
        learner = Learner(model, settings, seed=0)
        whole = batch(model, clips, torch.Generator().manual_seed(0))
        steps.append(learner.step([{name: tensor[half] for name, tensor in whole.items()} for half in halves]))
        moments.append([one["exp_avg"] for one in state_of(learner).values()])

    assert steps[0].parts == pytest.approx(steps[1].parts, rel=1e-5)
    for whole, of_halves in zip(*moments, strict=True):
        torch.testing.assert_close(whole, of_halves, rtol=1e-3, atol=1e-5)


def test_a_checkpoint_of_lora_holds_the_merged_model(random_base, features, tmp_path):
    model = load(random_base)
    base = {name: tensor.clone() for name, tensor in model.trained_tensors().items()}
    learner = Learner(model, SETTINGS.model_copy(update={"lora_rank": 4}), seed=0)
    same = batch(model, features)
    for _ in range(3):
        learner.step([same])
    checkpoint = snapshot(learner)

    plain = load(random_base)
    plain.load_trained(checkpoint.model, "checkpoint")

    assert Learner(plain, SETTINGS, seed=0).validate([same]) == pytest.approx(learner.validate([same]), rel=1e-5)
    changed = {name for name, tensor in base.items() if not torch.equal(tensor, checkpoint.model[name])}
    assert changed == {f"gpt.gpt.h.{layer}.{part}.weight" for layer in range(3) for part in MATRICES}


MATRICES = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")


def test_frozen_parts_stay_and_have_no_moments(random_base, features):
    model = load(random_base)
    before = {name: tensor.clone() for name, tensor in model.trained_tensors().items()}
    learner = Learner(model, SETTINGS.model_copy(update={"freeze": ("conditioning", "embeddings")}), seed=0)
    learner.step([batch(model, features)])

    unchanged = {name.split(".")[1] for name, one in model.trained_tensors().items() if torch.equal(one, before[name])}

    assert unchanged == {
        *("conditioning_encoder", "conditioning_perceiver"),
        *("text_embedding", "mel_embedding", "text_pos_embedding", "mel_pos_embedding"),
    }
    assert len(state_of(learner)) == sum(parameter.requires_grad for parameter in model.trainable.parameters())


@pytest.mark.parametrize("way", [{"lora_rank": 4}, {"freeze": ("embeddings",)}, {"decoder_learning_rate": 1e-3}])
def test_another_way_to_learn_than_the_checkpoints_is_refused(random_base, features, way):
    learner = Learner(load(random_base), SETTINGS, seed=0)
    learner.step([batch(load(random_base), features)])
    other = SETTINGS.model_copy(update=way)

    with pytest.raises(CheckpointError, match=r"^checkpoint: "):
        Learner(load(random_base, other), other, seed=0, resumed=snapshot(learner))


def test_half_precision_learns_what_fp32_learns(random_base, features):
    last = []
    for precision in ("fp32", "bf16"):
        model = undropped(load(random_base))
        learner = Learner(model, SETTINGS.model_copy(update={"precision": precision}), seed=0)
        same = batch(model, features)
        last.append([learner.step([same]).loss for _ in range(12)])

    assert last[0][-1] < last[0][0] - 1
    assert last[1] == pytest.approx(last[0], rel=0.02)


@pytest.mark.parametrize("way", [{}, {"precision": "bf16"}, {"lora_rank": 4}], ids=["plain", "bf16", "LoRA"])
def test_the_mean_is_what_is_validated_and_kept_and_learning_goes_on_without_it(random_base, features, way):
    settings = SETTINGS.model_copy(update=way)
    same = batch(load(random_base), features)
    plain = Learner(load(random_base), settings, seed=0)
    losses = [plain.step([same]).loss for _ in range(3)]
    learner = Learner(load(random_base), settings.model_copy(update={"ema_decay": 0.999}), seed=0)
    for loss in losses:
        assert learner.step([same]).loss == loss
        learner.validate([same])
    checkpoint = snapshot(learner)
    assert checkpoint.averaged
    assert not snapshot(plain).averaged
    assert learner.validate([same]) != plain.validate([same])

    heard = load(random_base)
    heard.load_trained(checkpoint.model, "checkpoint")

    heard_settings = SETTINGS.model_copy(update={"precision": way.get("precision", "fp32")})
    assert Learner(heard, heard_settings, seed=0).validate([same]) == pytest.approx(learner.validate([same]), rel=1e-5)


def test_a_training_that_averages_no_more_goes_on_with_the_weights_that_learned(random_base, features):
    model = load(random_base)
    learner = Learner(model, SETTINGS.model_copy(update={"ema_decay": 0.9}), seed=0)
    same = batch(model, features)
    learner.step([same])

    checkpoint, expected = snapshot(learner), learner.step([same]).loss

    assert Learner(load(random_base), SETTINGS, seed=0, resumed=checkpoint).step([same]).loss == expected
