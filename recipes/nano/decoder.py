"""Teach the decoder to voice the language model's latents: `python -m recipes.nano.decoder --steps 10000`.

It begins as the vocoder (`vocoder.py`), whose input the language model has learned to tell; then it follows the
language model, whose latents of this moment are computed whenever the stage is started.

Shapes: B batch, K codes, D width, E embedding, T wav frames, C channels.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from recipes.nano.clips import TAKES, Clip, find_clips
from recipes.nano.gpt import REFERENCE_SECONDS, Pupil, Student, speeches_for
from recipes.nano.sizes import nano_config
from recipes.nano.sound import mel_difference
from recipes.nano.speaker_encoder import speaker_mels
from recipes.nano.speeches import Speeches
from recipes.nano.stage import Stage, in_half, learned, read_stage
from recipes.nano.voicing import Voicing, crops_of
from recipes.nano.work import arguments
from torch import Tensor, nn

from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.decoder import WaveformDecoder
from escuta.models.xtts.speaker_encoder import SpeakerEncoder
from recipes.nano import features

HEARD = (0, 2, 3)  # takes
JUDGED_FROM = 300  # until it is used to latents; the judges come from the vocoder
FIGURE_STEPS = 500
FIGURE_CLIPS = 32
LATENTS_BATCH = 16


@dataclass(frozen=True, slots=True)
class Voiced:
    """What the decoder learns from: of each clip in each take its latents [K, D], sound [T] and voice [E]."""

    latents: list[Tensor]
    wavs: list[Tensor]
    speakers_NE: Tensor


def main() -> None:
    """Train up to a number of steps."""
    parser = arguments(__doc__)
    parser.add_argument("--steps", type=int, default=10000)
    chosen = parser.parse_args()
    train(chosen.work, chosen.steps, nano_config())


def train(work: Path, num_steps: int, config: XttsConfig) -> None:
    """Go on to so many steps in all."""
    torch.manual_seed(0)
    voicing = Voicing(config, nn.Identity())
    if read_stage(work, "decoder") is None and read_stage(work, "vocoder") is not None:
        begin_as_vocoder(voicing, learned(work, "vocoder"), learned(work, "gpt"))
        voicing.judges.load_state_dict(learned(work, "vocoder", "judges"))
    stage = Stage(work, "decoder", voicing.parts)
    if stage.step >= num_steps:
        return
    heard = listen(work, config, find_clips(work), HEARD, forgetful=True)
    held_out = listen(work, config, find_clips(work, ("validation", "held_out"))[:FIGURE_CLIPS], (0,))
    for step in stage.steps(num_steps):
        crops = crops_of(config, heard.latents, heard.wavs, heard.speakers_NE, step)
        stage.saw(**voicing.learn(crops, step, judged=step >= JUDGED_FROM))
        if (step + 1) % FIGURE_STEPS == 0:
            stage.figure(held_out_mel=held_out_mel(config, voicing, held_out))


@torch.no_grad()
def begin_as_vocoder(voicing: Voicing, vocoder: dict[str, Tensor], gpt: dict[str, Tensor]) -> None:
    """Put what tells the sound from latents, and what reads that, into the decoder's first layer."""
    decoder: WaveformDecoder = voicing.voices["decoder"]  # type: ignore[assignment]
    state = {name.removeprefix("decoder."): vocoder[name] for name in vocoder if name.startswith("decoder.")}
    decoder.load_state_dict(state)
    first = decoder.conv_pre
    told_DD = vocoder["front.weight"] @ gpt["sound.weight"]
    told_D = vocoder["front.weight"] @ gpt["sound.bias"] + vocoder["front.bias"]
    first.bias += first.weight.sum(2) @ told_D
    first.weight.copy_(torch.einsum("cdk,de->cek", first.weight, told_DD))
    for layer in (decoder.cond_layer, *decoder.conds):
        layer.weight.zero_()  # the vocoder heard no voices
    voicing.average.load_state_dict(voicing.voices.state_dict())


@torch.no_grad()
def listen(
    work: Path, config: XttsConfig, clips: list[Clip], takes: tuple[int, ...], *, forgetful: bool = False
) -> Voiced:
    """Compute what the language model makes of clips when it hears the true codes.

    Args:
        work: The work folder.
        config: Of the model.
        clips: The clips.
        takes: Of each.
        forgetful: It hears them with dropout, as it did when it learned from them: then it knows these clips less by
            heart, and its latents are more like those of what it will say.
    """
    pupil = Pupil(config)
    pupil.dvae.load_state_dict(learned(work, "gpt", "dvae"))
    student = pupil.student.train(forgetful)
    student.load_state_dict(learned(work, "gpt"))
    encoder = SpeakerEncoder(config).eval()
    encoder.load_state_dict(learned(work, "speaker_encoder"))
    speeches = speeches_for(work, pupil.dvae)
    speeches.add(work, clips, takes)
    speakers_NE = torch.cat(
        [encoder(mel_FM.float()[None]) for mels in speaker_mels(work, clips, takes) for mel_FM in mels]
    )
    wavs = [wav_T for of_clip in features.read(work, clips, "wav", takes) for wav_T in of_clip]
    voices = [(clip.voice, TAKES[take].speed) for clip in clips for take in takes]
    return Voiced(latents_of(student, speeches), wavs, speakers_NE[next_of_voice(voices)])


@torch.no_grad()
def latents_of(student: Student, speeches: Speeches) -> list[Tensor]:
    """The hidden state that each code of each speech is chosen from, [K, D] in 16 bits."""
    found: dict[int, Tensor] = {}
    for places, batch in speeches.each(LATENTS_BATCH, REFERENCE_SECONDS):
        with in_half():
            latents_BKD = student.code_latents(batch)
        for place, latents_KD, length in zip(places, latents_BKD, batch["code_lengths"].tolist(), strict=True):
            found[place] = latents_KD[:length].half()
    return [found[place] for place in range(len(speeches))]


def next_of_voice(voices: list[tuple[str, float]]) -> list[int]:
    """For each clip the next one of its voice: what speaks is never the clip that the voice was heard in."""
    last: dict[tuple[str, float], int] = {}
    following = list(range(len(voices)))
    for place, voice in enumerate([*voices, *voices]):
        if voice in last:
            following[last[voice] % len(voices)] = place % len(voices)
        last[voice] = place
    return following


@torch.no_grad()
def held_out_mel(config: XttsConfig, voicing: Voicing, held_out: Voiced) -> float:
    """How far the sound of held-out clips is from the true one, in nepers."""
    differences = []
    for step in range(4):
        crops = crops_of(config, held_out.latents, held_out.wavs, held_out.speakers_NE, step)
        said_BT = voicing.voice(crops.latents_BKD, crops.speaker_BE)
        num_points = min(said_BT.shape[1], crops.wav_BT.shape[1])
        differences.append(mel_difference(said_BT[:, :num_points], crops.wav_BT[:, :num_points]))
    return float(torch.stack(differences).mean())


if __name__ == "__main__":
    main()
