"""Say what each stage loses, in speech: `python -m recipes.nano.measure` on held-out sentences, by a recogniser.

Four sounds of every sentence are recognised, each with one more stage in it: Kokoro's own; the true codes voiced
(`codec`: the language model hears the true codes, the decoder voices its latents); and what nano says by itself, in a
voice of training (`spoken`) and in one it never heard (`cloned`). Where `codec` is bad, the decoder is at fault, or
latents that tell too little; where `spoken` is much worse than `codec`, the language model is.

Shapes: T wav frames, K codes.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
import torch
from recipes.nano.clips import Clip, find_clips, read_wave
from recipes.nano.recognise import character_error_rate, load, recognise
from recipes.nano.stage import add_figures, read_stage
from recipes.nano.voices import HELD_OUT
from recipes.nano.work import arguments
from torch import Tensor

from escuta.audio.files import resample
from escuta.audio.mel import dvae_mel
from escuta.errors import InstallError
from escuta.models.base import Generation
from escuta.models.xtts.decoder import WaveformDecoder
from escuta.models.xtts.dvae import Dvae
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.model import Xtts
from escuta.models.xtts.speaker_encoder import SpeakerEncoder
from escuta.models.xtts.weights import load_weights
from escuta.scoring.voice import VoiceEncoder, similarity
from escuta.scoring.weights import VOICE_ENCODER, fetch, find
from escuta.text.tokenizer import Tokenizer

JUDGE_RATE = 16000
SEED = 1


@dataclass(frozen=True, slots=True)
class Sound:
    """One sound of one sentence."""

    kind: str
    clip: Clip
    """Which says the same in Kokoro's words."""
    wav_T: np.ndarray
    sample_rate: int
    cpu_seconds: float = 0.0
    """That it took to say."""


class Nano:
    """An assembled nano, whole and in parts.

    Args:
        folder: Where it is.
    """

    def __init__(self, folder: Path) -> None:
        weights = load_weights(folder)
        self.config = weights.config
        self.whole = Xtts(weights, ("speaking",), "cpu")
        self.whole.pack("exact")
        self._tokenizer = Tokenizer(weights.files.vocab)
        self._stats_F = weights.tensors["mel_stats"]
        self._dvae, self._gpt = Dvae(self.config).eval(), Gpt(self.config).eval()
        self._decoder, self._encoder = WaveformDecoder(self.config).eval(), SpeakerEncoder(self.config).eval()
        self._dvae.load_state_dict(weights.part("dvae"))
        self._gpt.load_state_dict(weights.part("gpt"))
        self._decoder.load_state_dict(weights.part("decoder"))
        self._encoder.load_state_dict(weights.part("speaker_encoder"))

    @torch.no_grad()
    def voice_codes(self, clip: Clip, wav_T: Tensor, reference: Any) -> np.ndarray:
        """Voice the true codes of a clip, [T]."""
        codes_1K = self._dvae.codes(dvae_mel(wav_T[None], self._stats_F))
        text_1N = torch.tensor(self._tokenizer.encode(clip.text, clip.language))[None]
        heard_CLD = self._gpt.conditioning_of_each(reference["mels"], reference["mel_lengths"])
        latents_1KD = self._gpt.latents(text_1N, codes_1K, heard_CLD.mean(0)[None])
        return self._decoder(latents_1KD, reference["speaker"][None])[0].numpy()


def main() -> None:
    """Measure an assembled nano."""
    parser = arguments(__doc__)
    parser.add_argument("--model", type=Path, help="folder of nano; WORK/nano when not given")
    parser.add_argument("--sentences", type=int, default=16, help="of each language, 40 at most")
    parser.add_argument("--temperature", type=float, help="of the choice of codes; the model's own when not given")
    parser.add_argument("--guidance", type=float, help="towards the text; the model's own when not given")
    chosen = parser.parse_args()
    work: Path = chosen.work
    nano = Nano(chosen.model or work / "nano")
    recogniser, judge = load(work / "whisper", 1), voice_judge()
    out = work / "heard"
    out.mkdir(exist_ok=True)
    figures: dict[str, list[float]] = defaultdict(list)
    for sound in sounds(work, nano, chosen.sentences, Generation(chosen.temperature, guidance=chosen.guidance)):
        language = sound.clip.language
        path = out / f"{sound.kind}-{sound.clip.id}.wav"
        sf.write(path, sound.wav_T, sound.sample_rate)
        cer = character_error_rate(sound.clip.text, recognise(recogniser, path, language), language)
        figures[f"cer_{sound.kind}_{language}"].append(min(1.0, cer))
        if judge is not None and sound.kind != "kokoro":
            figures[f"likeness_{sound.kind}_{language}"].append(likeness(judge, work, sound))
        if sound.cpu_seconds:
            figures["cpu_seconds_a_second"].append(sound.cpu_seconds * sound.sample_rate / len(sound.wav_T))
    stage = read_stage(work, "gpt")
    means = {name: float(np.mean(found)) for name, found in figures.items()}
    add_figures(work, "measure", stage["step"] if stage else 0, means)


def sounds(work: Path, nano: Nano, num_sentences: int, generation: Generation) -> Iterator[Sound]:
    """Every sound that is recognised."""
    clips = find_clips(work, ("held_out",))
    for language, unheard in HELD_OUT.items():
        of_language = [clip for clip in clips if clip.language == language]
        for kind, voice_clips in (
            ("spoken", [clip for clip in of_language if clip.voice != unheard]),
            ("cloned", [clip for clip in of_language if clip.voice == unheard]),
        ):
            # The last clips are what the voice is heard in: none of them is said.
            reference = nano.whole.reference(torch.from_numpy(_joined(work, voice_clips[-3:], nano.config.sample_rate)))
            for clip in voice_clips[:num_sentences]:
                wav_T = read_wave(work, clip, nano.config.sample_rate)
                if kind == "spoken":
                    yield Sound("kokoro", clip, wav_T, nano.config.sample_rate)
                    voiced_T = nano.voice_codes(clip, torch.from_numpy(wav_T), reference)
                    yield Sound("codec", clip, voiced_T, nano.config.output_sample_rate)
                started = time.process_time()
                said = nano.whole.speak(clip.text, reference, language=language, generation=generation, seed=SEED)
                took = time.process_time() - started
                yield Sound(kind, clip, said.wav_T.numpy(), said.sample_rate, took)


def voice_judge() -> VoiceEncoder | None:
    """What says how alike two voices are; None where it cannot be had."""
    try:
        path = find(VOICE_ENCODER)
    except InstallError:
        try:
            path = fetch(VOICE_ENCODER)
        except InstallError as error:
            print(error)
            return None
    return VoiceEncoder(path)


def likeness(judge: VoiceEncoder, work: Path, sound: Sound) -> float:
    """How alike the voice of a sound and Kokoro's are."""
    true_D = judge.embed(read_wave(work, sound.clip, JUDGE_RATE))
    said_D = judge.embed(resample(sound.wav_T, sound.sample_rate, JUDGE_RATE))
    return 0.0 if true_D is None or said_D is None else similarity(true_D, said_D)


def _joined(work: Path, clips: list[Clip], sample_rate: int) -> np.ndarray:
    return np.concatenate([read_wave(work, clip, sample_rate) for clip in clips])


if __name__ == "__main__":
    main()
