"""A training for TensorBoard: its event file, in the run's folder."""

import time
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.summary.writer.record_writer import RecordWriter

from escuta.audio.files import probe
from escuta.run.folder import RunFolder
from escuta.settings import Settings, settings_toml

FILE_VERSION = "brain.Event:2"
"""What every event file begins with."""


class Board:
    """Writes one event file a start; each record is on its way to the disk when a call returns.

    Args:
        run: The run, whose folder `tensorboard/` it is written in.

    Raises:
        OSError: The folder cannot be written.
    """

    def __init__(self, run: RunFolder) -> None:
        folder = run.path / "tensorboard"
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / f"events.out.tfevents.{time.time_ns()}").open("xb", buffering=0)
        self._write(Event(file_version=FILE_VERSION))

    def begin(self, settings: Settings, step: int) -> None:
        """Write the settings down, and let what an earlier start wrote of later steps count no more."""
        self._write(Event(step=step + 1, session_log=SessionLog(status=SessionLog.START)))
        indented = "".join(f"    {line}\n" for line in settings_toml(settings).splitlines())  # Markdown for: as it is
        self._write(Event(step=step, summary=Summary(value=[_text("settings", indented)])))

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """Write the numbers of a step."""
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
        self._write(Event(step=step, summary=summary))

    def sample(self, number: int, wav: Path, text: str, step: int) -> None:
        """Write a sample as the file has it, with its text."""
        info = probe(wav)
        audio = Summary.Audio(
            sample_rate=info.sample_rate,
            num_channels=1,
            length_frames=round(info.seconds * info.sample_rate),
            encoded_audio_string=wav.read_bytes(),
            content_type="audio/wav",
        )
        about = SummaryMetadata(display_name=f"{number}: {text}", summary_description=text)
        value = Summary.Value(tag=f"sample/{number}", metadata=about, audio=audio)
        self._write(Event(step=step, summary=Summary(value=[value])))

    def scores(self, values: Mapping[str, float], step: int) -> None:
        """Write what a checkpoint scored."""
        self.numbers(values, step)

    def close(self) -> None:
        """End the file."""
        self._file.close()

    def _write(self, event: Event) -> None:
        event.wall_time = time.time()
        record = BytesIO()
        RecordWriter(record).write(event.SerializeToString())
        rest = record.getvalue()
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            self._file.close()
            raise


def _text(tag: str, markdown: str) -> Summary.Value:
    plugin = SummaryMetadata.PluginData(plugin_name="text")
    tensor = TensorProto(
        dtype="DT_STRING",
        string_val=[markdown.encode()],
        tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]),
    )
    return Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=plugin), tensor=tensor)
