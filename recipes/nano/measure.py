"""Say what each stage loses, in speech: `python -m recipes.nano.measure` on held-out sentences, by a recogniser.

Four sounds of every sentence are recognised, each with one more stage in it: Kokoro's own; the true codes voiced
(`codec`: the language model hears the true codes, the decoder voices its latents); and what nano says by itself, in a
voice of training (`spoken`) and in one it never heard (`cloned`). Where `codec` is bad, the decoder is at fault, or
latents that tell too little; where `spoken` is much worse than `codec`, the language model is. The true codes of the
voices that the demos learn (`codec_allison`, `codec_dora`) bound what fine-tuning can reach: it leaves the decoder as
it is.

Shapes: T wav frames, K codes.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
import torch
from recipes.nano.clips import find_clips, read_wave
from recipes.nano.recognise import character_error_rate, load, recognise
from recipes.nano.stage import add_figures, read_stage
from recipes.nano.voices import HELD_OUT
from recipes.nano.work import arguments

from escuta.audio.files import read_audio, resample
from escuta.audio.mel import dvae_mel
from escuta.data.demo import DEMO_VOICES
from escuta.data.manifest import find_audio, read_manifest
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
    name: str
    text: str
    language: str
    wav_T: np.ndarray
    sample_rate: int
    true_T: np.ndarray
    """The same text in the voice itself, for the judge of voices."""
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
    def voice_codes(self, text: str, language: str, wav_T: np.ndarray, reference: Any) -> np.ndarray:
        """Voice the true codes of a clip, [T]."""
        codes_1K = self._dvae.codes(dvae_mel(torch.from_numpy(wav_T)[None], self._stats_F))
        text_1N = torch.tensor(self._tokenizer.encode(text, language))[None]
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
    generation = Generation(chosen.temperature, guidance=chosen.guidance)
    for sound in chain(sounds(work, nano, chosen.sentences, generation), demo_sounds(nano, chosen.sentences)):
        path = out / f"{sound.kind}-{sound.name}.wav"
        sf.write(path, sound.wav_T, sound.sample_rate)
        cer = character_error_rate(sound.text, recognise(recogniser, path, sound.language), sound.language)
        figures[f"cer_{sound.kind}_{sound.language}"].append(min(1.0, cer))
        if judge is not None and sound.kind != "kokoro":
            figures[f"likeness_{sound.kind}_{sound.language}"].append(likeness(judge, sound))
        if sound.cpu_seconds:
            figures["cpu_seconds_a_second"].append(sound.cpu_seconds * sound.sample_rate / len(sound.wav_T))
    stage = read_stage(work, "gpt")
    means = {name: float(np.mean(found)) for name, found in figures.items()}
    add_figures(work, "measure", stage["step"] if stage else 0, means)


def sounds(work: Path, nano: Nano, num_sentences: int, generation: Generation) -> Iterator[Sound]:
    """Every sound of held-out sentences."""
    rate, clips = nano.config.sample_rate, find_clips(work, ("held_out",))
    for language, unheard in HELD_OUT.items():
        of_language = [clip for clip in clips if clip.language == language]
        for kind, voice_clips in (
            ("spoken", [clip for clip in of_language if clip.voice != unheard]),
            ("cloned", [clip for clip in of_language if clip.voice == unheard]),
        ):
            # The last clips are what the voice is heard in: none of them is said.
            reference = _reference(nano, [read_wave(work, clip, rate) for clip in voice_clips[-3:]])
            for clip in voice_clips[:num_sentences]:
                said, wav_T = (clip.id, clip.text, language), read_wave(work, clip, rate)
                true_T = read_wave(work, clip, JUDGE_RATE)
                if kind == "spoken":
                    yield Sound("kokoro", *said, wav_T, rate, true_T)
                    voiced_T = nano.voice_codes(clip.text, language, wav_T, reference)
                    yield Sound("codec", *said, voiced_T, nano.config.output_sample_rate, true_T)
                started = time.process_time()
                spoken = nano.whole.speak(clip.text, reference, language=language, generation=generation, seed=SEED)
                took = time.process_time() - started
                yield Sound(kind, *said, spoken.wav_T.numpy(), spoken.sample_rate, true_T, took)


def demo_sounds(nano: Nano, num_sentences: int) -> Iterator[Sound]:
    """The true codes of the bundled voices' first clips, voiced; the last three are what the voice is heard in."""
    rate = nano.config.sample_rate
    for name, voice in DEMO_VOICES.items():
        rows = read_manifest(voice.folder).rows
        clips = [(path, row.text) for row in rows if (path := find_audio(voice.folder, row.audio))]
        reference = _reference(nano, [read_audio(path, rate) for path, _ in clips[-3:]])
        for path, text in clips[:num_sentences]:
            voiced_T = nano.voice_codes(text, voice.language, read_audio(path, rate), reference)
            said = (path.stem, text, voice.language, voiced_T, nano.config.output_sample_rate)
            yield Sound(f"codec_{name}", *said, read_audio(path, JUDGE_RATE))


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


def likeness(judge: VoiceEncoder, sound: Sound) -> float:
    """How alike the voice of a sound and the true one are."""
    true_D = judge.embed(sound.true_T)
    said_D = judge.embed(resample(sound.wav_T, sound.sample_rate, JUDGE_RATE))
    return 0.0 if true_D is None or said_D is None else similarity(true_D, said_D)


def _reference(nano: Nano, wavs: list[np.ndarray]) -> Any:
    return nano.whole.reference(torch.from_numpy(np.concatenate(wavs)))


if __name__ == "__main__":
    main()
