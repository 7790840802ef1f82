from pathlib import Path

from escuta.data.batches import BatchLimits
from escuta.data.dataset import Dataset
from escuta.data.inventory import Inventory
from escuta.data.sentences import Audition, Sentence
from escuta.models.base import Generation
from escuta.models.bases import Base
from escuta.run.folder import RunFolder
from escuta.sampling.job import SampleJob
from escuta.settings import SamplingSettings, Settings, TrainingSettings
from escuta.training.assignment import Assignment


def test_a_job_asks_for_what_the_run_is_about(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assignment = Assignment(
        run=RunFolder(Path("run")),
        settings=Settings(
            seed=5,
            training=TrainingSettings(batch_seconds=30),
            sampling=SamplingSettings(top_p=0.9, sample_rate=24000),
        ),
        language="pt",
        base=Base(tmp_path, "folder", "base"),
        base_fingerprint="abc",
        dataset=Dataset((), ()),
        inventory=Inventory(()),
        audition=Audition((Sentence("Olá.", "a"), Sentence("Tchau.", "b")), Path("voice.wav")),
        resumed=None,
    )
    checkpoint = Path("run/checkpoints/checkpoint_epoch_3.pt")

    assert assignment.job(epoch=3, step=12, checkpoint=checkpoint, best=True, name="epoch_3") == SampleJob(
        name="epoch_3",
        epoch=3,
        step=12,
        checkpoint=checkpoint,  # as the run itself spells it: the checkpoints that must stay are known by it
        folder=Path("run/samples"),
        best=True,
        sentences=("Olá.", "Tchau."),
        reference=tmp_path / "voice.wav",
        language="pt",
        generation=Generation(top_p=0.9),
        seed=5,
        sample_rate=24000,
        precision="auto",
        held_out=tmp_path / "run" / "held_out.safetensors",
    )
    assert assignment.job(epoch=0, step=0, checkpoint=None, best=False, name="epoch_0").checkpoint is None
    assert assignment.job(epoch=0, step=0, checkpoint=None, best=False, name="epoch_0").num_seeds == 3
    assert assignment.batch_limits == BatchLimits(clips=2, seconds=30)
