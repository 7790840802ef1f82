"""The language model and the decoder as they learn together, each from a loss of its own.

The decoder hears the latents that the language model has in training, with dropout, and changes nothing of them.
Where it does not learn, a fine-tuned voice comes only as near as the base's decoder can speak it.

Shapes: B batch, P positions, K codes, D width, T wav frames.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from escuta.models.blank import blank
from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.decoder import WaveformDecoder
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.sound import sound_difference

EDGE_CODES = 1
"""At both ends of a crop, which no loss counts: the decoder lacks there what it hears within a sentence."""


class Voicer(nn.Module):
    """All that learns where the decoder does too.

    Args:
        config: Of the model.
        gpt: The language model.
        decoder: The decoder's tensors, by its own names; no copies.
    """

    def __init__(self, config: XttsConfig, gpt: Gpt, decoder: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.gpt = gpt
        with blank():
            self.decoder = WaveformDecoder(config).eval()
        self.decoder.load_state_dict(dict(decoder), assign=True)
        self._config = config

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Compute the losses of a batch.

        Args:
            batch: As `Gpt.forward` takes it; to learn the sound, also `sound` [B, T], what `sound_codes` [B, K] (by
                their places) sound like, and `speaker` [B, E]. `num_targets` has a third number then, of crops.

        Returns:
            What `Gpt.forward` returns, and `loss_sound`, which changes the decoder alone.
        """
        latents_BPD, losses = self.gpt.latents_and_losses(batch)
        if "sound" in batch:
            differences_B = self._differences(latents_BPD.detach(), batch)
            losses["loss_sound"] = differences_B.sum() / batch["num_targets"][2]
        return losses

    def _differences(self, latents_BPD: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        places_BK1 = batch["sound_codes"][:, :, None]
        heard_BKD = latents_BPD.gather(1, places_BK1.expand(-1, -1, latents_BPD.shape[2]))
        said_BT, true_BT = self.decoder(heard_BKD, batch["speaker"]), batch["sound"]
        edge = EDGE_CODES * true_BT.shape[1] // places_BK1.shape[1]
        end = min(said_BT.shape[1], true_BT.shape[1]) - edge
        config = self._config
        return sound_difference(
            said_BT[:, edge:end], true_BT[:, edge:end], config.output_sample_rate, config.sample_rate / 2
        )
