"""Speaker similarity: how alike two recordings' voices are, -1 to 1, higher is better.

The cosine of two embeddings by the voice encoder of Resemblyzer, which knows nothing of the model that speaks: its own
conditioning would find alike whatever it has itself made alike. Two recordings of one person reach 0.87 to 0.94, of two
people 0.40 to 0.72.

Source: arXiv:1710.10467; sizes and weights of the package `resemblyzer` 0.1.4.

Shapes: T wav frames, P pieces, F mel bins, M mel frames, D width.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from escuta.audio.files import Wav
from escuta.audio.mel import MelSpec, power_mel
from escuta.scoring.recording import MODEL_RATE
from escuta.scoring.silence import FRAME_SECONDS, silences

MEL = MelSpec(sample_rate=MODEL_RATE, num_fft=400, hop=160, window=400, num_bins=40, max_hertz=8000, slaney_scale=True)
WIDTH = 256
NUM_LAYERS = 3
PIECE_FRAMES = 160
"""1.6 s: what the encoder was trained on."""
STEP_FRAMES = 77
"""Between the beginnings of two pieces: 1.3 pieces a second."""
LEAST_SHARE = 0.75
"""Of the last piece that has to be there; a shorter rest is left out."""
LEVEL_DB = -23.0
"""Below full scale: speech is brought to it, for at half the level a voice is like itself only to 0.95 to 0.97. Of
-35 to -16 dB, this one tells 25 voices apart best. (Resemblyzer raises what is below -30 dB and leaves what is louder.)
"""
LONGEST_PAUSE_FRAMES = 20
"""0.2 s: longer pauses are cut to it, for the encoder was trained on speech alone."""
MIN_SPEECH_SECONDS = 0.5


class VoiceEncoder(nn.Module):
    """Turns a voice into a point on a sphere.

    Args:
        weights: The file of Resemblyzer's weights.
    """

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.lstm = nn.LSTM(MEL.num_bins, WIDTH, NUM_LAYERS, batch_first=True)
        self.linear = nn.Linear(WIDTH, WIDTH)
        state = torch.load(weights, map_location="cpu", weights_only=True)["model_state"]
        self.load_state_dict({name: tensor for name, tensor in state.items() if not name.startswith("similarity_")})
        self.requires_grad_(False)

    def forward(self, mel_PMF: Tensor) -> Tensor:
        """Embed pieces of speech, [P, D], each of length 1."""
        _all, (last, _cells) = self.lstm(mel_PMF)
        return nn.functional.normalize(torch.relu(self.linear(last[-1])), dim=1)

    def embed(self, wav_T: Wav) -> Tensor | None:
        """Embed a voice, [D], of length 1; None where hardly anything is said.

        Args:
            wav_T: Audio at 16 000 Hz.
        """
        speech_T = _speech(wav_T)
        if len(speech_T) < MIN_SPEECH_SECONDS * MODEL_RATE:
            return None
        starts = _starts(len(speech_T))
        missing = (starts[-1] + PIECE_FRAMES) * MEL.hop - len(speech_T)
        padded_T = torch.from_numpy(np.pad(speech_T, (0, max(0, missing))))
        mel_MF = power_mel(padded_T[None], MEL)[0].T
        pieces_PMF = torch.stack([mel_MF[start : start + PIECE_FRAMES] for start in starts])
        return nn.functional.normalize(self(pieces_PMF).mean(dim=0), dim=0)


def similarity(one_D: Tensor, other_D: Tensor) -> float:
    """The cosine of two embeddings."""
    return float(nn.functional.cosine_similarity(one_D, other_D, dim=0))


def _speech(wav_T: Wav) -> Wav:
    """The recording at a usual level, its pauses shortened."""
    sounding_M = silences(wav_T, MODEL_RATE).sounding_M
    edge = np.ones(LONGEST_PAUSE_FRAMES + 1)
    kept_M = np.convolve(sounding_M, edge, mode="same") > 0.5 if sounding_M.any() else sounding_M
    kept_T = np.repeat(kept_M, round(FRAME_SECONDS * MODEL_RATE))[: len(wav_T)]
    speech_T = wav_T[kept_T]
    if len(speech_T) == 0:
        return speech_T
    gain = np.sqrt(10 ** (LEVEL_DB / 10) / np.square(speech_T, dtype=np.float64).mean())
    loud_T: Wav = (speech_T * gain).astype(np.float32)
    return loud_T


def _starts(num_wav_frames: int) -> list[int]:
    """Frames at which pieces begin."""
    num_frames = num_wav_frames // MEL.hop + 1
    starts = list(range(0, max(1, num_frames - PIECE_FRAMES + STEP_FRAMES + 1), STEP_FRAMES))
    share = (num_wav_frames - starts[-1] * MEL.hop) / (PIECE_FRAMES * MEL.hop)
    return starts[:-1] if share < LEAST_SHARE and len(starts) > 1 else starts
