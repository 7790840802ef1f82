"""Tensors of a checkpoint under the names that a module has for them, read when they are asked for."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from escuta.errors import CheckpointError
from escuta.messages import _
from escuta.models.families import title_of


class ReleasedTensors(Mapping[str, Tensor]):
    """A checkpoint's tensors under their module's names, in float32, on one device, read when asked for.

    Args:
        tensors: Under the release's names.
        shapes: What the model expects, under the same names.
        where: Names the checkpoint.
        device: Where they are wanted.
        prefix: What the release puts before the module's names; others are of other modules.

    Raises:
        CheckpointError: Names differ; when a tensor is asked for, that its shape does.
    """

    def __init__(
        self,
        tensors: Mapping[str, Tensor],
        shapes: Mapping[str, torch.Size],
        where: str,
        device: torch.device,
        prefix: str,
    ) -> None:
        self.released = tensors
        self._shapes = shapes
        self._where = where
        self._device = device
        self._prefix = prefix
        if wrong := sorted(shapes.keys() ^ tensors.keys()):
            raise _differing(wrong, tensors, shapes, where)

    def __getitem__(self, name: str) -> Tensor:
        name = f"{self._prefix}{name}"
        tensor = self.released[name]
        if tensor.shape != self._shapes[name]:
            wrong = [one for one, shape in sorted(self._shapes.items()) if self.released[one].shape != shape]
            raise _differing(wrong, self.released, self._shapes, self._where)
        return tensor.detach().to(self._device, torch.float32)

    def __iter__(self) -> Iterator[str]:
        return (name.removeprefix(self._prefix) for name in self._shapes if name.startswith(self._prefix))

    def __len__(self) -> int:
        return sum(1 for _name in self)


def _differing(
    names: list[str], found: Mapping[str, Tensor], wanted: Mapping[str, torch.Size], where: str
) -> CheckpointError:
    """Tensors of a checkpoint are not those of the model."""
    titles = [title_of(one) for one in (found, wanted)]
    if None not in titles and titles[0] != titles[1]:
        return CheckpointError(
            _("{where}: is of an {found}; expected one of an {wanted}. Choose the base it was trained from.").format(
                where=where, found=titles[0], wanted=titles[1]
            )
        )
    return CheckpointError(
        _(
            "{where}: {n} tensors differ from the base model's, {name} among them; expected a checkpoint of "
            "this model. Choose the base it was trained from."
        ).format(where=where, n=len(names), name=names[0])
    )
