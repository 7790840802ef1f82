"""What XTTS needs of a recording to clone its voice.

Shapes: C chunks of the recording, T wav frames, F mel bins, M mel frames, E embedding.
"""

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from escuta.audio.files import resample
from escuta.audio.mel import CONDITIONING, conditioning_mel, speaker_mel
from escuta.models.base import Reference
from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.speaker_encoder import SpeakerEncoder

MIN_CHUNK_SECONDS = 1 / 3
"""A shorter rest of a reference is not listened to, as in the release."""


def heard(wav_T: Tensor, config: XttsConfig, mel_stats_F: Tensor, encoder: SpeakerEncoder) -> Reference:
    """Compute `mels` [C, F, M] with `mel_lengths` [C], and the `speaker` embedding [E].

    Args:
        wav_T: The recording, at the model's input rate, on the CPU.
        config: Of the model.
        mel_stats_F: The release's divisor of each bin.
        encoder: Of voices.
    """
    heard_T = wav_T[: config.conditioning_seconds * config.sample_rate]
    chunks = [
        chunk_T
        for chunk_T in torch.split(heard_T, config.conditioning_chunk_seconds * config.sample_rate)
        if len(chunk_T) >= max(MIN_CHUNK_SECONDS * config.sample_rate, CONDITIONING.num_fft // 2 + 1)
    ]
    mels = [conditioning_mel(chunk_T[None], mel_stats_F)[0] for chunk_T in chunks]
    return {
        "mels": pad_sequence([mel_FM.T for mel_FM in mels], batch_first=True).transpose(1, 2),
        "mel_lengths": torch.tensor([mel_FM.shape[1] for mel_FM in mels]),
        "speaker": speaker(wav_T, config, encoder),
    }


@torch.no_grad()
def speaker(wav_T: Tensor, config: XttsConfig, encoder: SpeakerEncoder) -> Tensor:
    """Compute whose voice it is, [E]."""
    voice_T = wav_T[: config.speaker_reference_seconds * config.sample_rate]
    voice_T = torch.from_numpy(resample(voice_T.numpy(), config.sample_rate, config.speaker_sample_rate))
    speaker_1E: Tensor = encoder(speaker_mel(voice_T[None]))
    return speaker_1E[0]
