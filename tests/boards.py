"""What TensorBoard itself reads in a run's folder."""

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from escuta.run.folder import RunFolder


def read_board(run: RunFolder) -> EventAccumulator:
    """Read all that is there, nothing thinned out."""
    everything = {"scalars": 0, "audio": 0, "tensors": 0}
    return EventAccumulator(str(run.path / "tensorboard"), size_guidance=everything).Reload()
