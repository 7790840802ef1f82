"""The peer's half of `bench.training`: coqui-tts's own trainer, one step a line of its input.

    .venv-peer/bin/python bench/peer/training.py voice.wav --seconds 7 --threads 2 [--layers 30]

A step is its `format_batch_on_device` and `train_step`, the way back and AdamW, without its logging. The answer to a
line is `{"seconds": …, "loss": …, "peak_bytes": …}`.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import soundfile
import torch
from coqui import do_without_torchaudio_extension  # type: ignore[import-not-found]

from sampling import peak_bytes  # type: ignore[import-not-found]

BATCH_SIZE = 2
SAMPLE_RATE = 22_050


def main() -> None:
    """Set up, then take a step for each line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("voice", type=Path, help="a recording at 22 050 Hz; repeated to the length of a clip")
    parser.add_argument("--seconds", type=float, required=True, help="of each of two clips")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--layers", type=int, default=30)
    asked = parser.parse_args()
    answers, sys.stdout = sys.stdout, sys.stderr  # coqui-tts prints

    do_without_torchaudio_extension()
    from TTS.tts.configs.xtts_config import XttsAudioConfig  # type: ignore[import-not-found]
    from TTS.tts.layers.xtts.trainer.gpt_trainer import (  # type: ignore[import-not-found]
        GPTArgs,
        GPTTrainer,
        GPTTrainerConfig,
    )

    torch.set_num_threads(asked.threads)  # parts of coqui-tts set one when they are imported
    with tempfile.TemporaryDirectory() as folder:
        trainer = _trainer(Path(folder), asked.layers, (GPTArgs, GPTTrainer, GPTTrainerConfig, XttsAudioConfig))
    trainer.eval()  # as it does itself before an epoch
    trainer.xtts.gpt.train()
    optimizer = torch.optim.AdamW(
        trainer.xtts.gpt.parameters(), lr=5e-6, betas=(0.9, 0.96), eps=1e-8, weight_decay=1e-2
    )
    batch = _batch(asked.voice, asked.seconds)
    for _line in sys.stdin:
        started = time.perf_counter()
        formatted = trainer.format_batch_on_device({**batch})
        _outputs, losses = trainer.train_step(formatted, criterion=None)
        losses["loss"].backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seconds = time.perf_counter() - started
        answer = {"seconds": seconds, "loss": losses["loss"].item(), "peak_bytes": peak_bytes()}
        print(json.dumps(answer), file=answers, flush=True)


def _trainer(folder: Path, layers: int, classes: tuple[Any, ...]) -> Any:
    """A trainer at the release's size, with weights of chance."""
    arguments_of, trainer_of, config_of, audio_of = classes
    torch.save(torch.full((80,), -5.0), folder / "mel_stats.pth")
    torch.save({}, folder / "dvae.pth")  # it takes as long with weights of chance
    vocab = folder / "vocab.json"
    vocab.write_text(_vocabulary(), encoding="utf-8")
    arguments = arguments_of(
        max_conditioning_length=132_300,
        min_conditioning_length=66_150,
        max_wav_length=255_995,
        max_text_length=200,
        mel_norm_file=str(folder / "mel_stats.pth"),
        dvae_checkpoint=str(folder / "dvae.pth"),
        xtts_checkpoint="",
        tokenizer_file=str(vocab),
        gpt_layers=layers,
        gpt_num_audio_tokens=1026,
        gpt_start_audio_token=1024,
        gpt_stop_audio_token=1025,
        gpt_use_masking_gt_prompt_approach=True,
        gpt_use_perceiver_resampler=True,
    )
    audio = audio_of(sample_rate=SAMPLE_RATE, dvae_sample_rate=SAMPLE_RATE, output_sample_rate=24_000)
    return trainer_of(config_of(model_args=arguments, audio=audio, batch_size=BATCH_SIZE))


def _vocabulary() -> str:
    """As many tokens as the release has."""
    vocabulary = {"[STOP]": 0, "[UNK]": 1, "[SPACE]": 2, **{f"t{number}": number for number in range(3, 6681)}}
    vocabulary["[START]"] = vocabulary.pop("t261")
    model = {"type": "BPE", "unk_token": "[UNK]", "vocab": vocabulary, "merges": []}
    return json.dumps({"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "Whitespace"}, "model": model})


def _batch(voice: Path, seconds: float) -> dict[str, torch.Tensor]:
    """Two clips as the trainer's own data set gives them: 12 text tokens a second, a crop of 3 to 6 s as reference."""
    wav_T = torch.from_numpy(soundfile.read(voice, dtype="float32")[0])
    length = int(seconds * SAMPLE_RATE)
    wav_T = wav_T.repeat(-(-length // len(wav_T)))[:length]
    draw = torch.Generator().manual_seed(0)
    crops = torch.zeros(BATCH_SIZE, 1, 1, 132_300)
    idxs = torch.zeros(BATCH_SIZE, 2, dtype=torch.long)
    for number in range(BATCH_SIZE):
        size = min(int(torch.randint(66_150, 132_300, (), generator=draw)), length // 2 * 2)
        start = int(torch.randint(length - size + 1, (), generator=draw))
        crops[number, 0, 0, :size] = wav_T[start : start + size]
        idxs[number] = torch.tensor([start, start + size])
    text = torch.randint(3, 6681, (BATCH_SIZE, int(12 * seconds)), generator=draw)
    return {
        "text_lengths": torch.full((BATCH_SIZE,), text.shape[1]),
        "wav_lengths": torch.full((BATCH_SIZE,), length),
        "cond_idxs": idxs,
        "cond_lens": torch.tensor([float("nan")] * BATCH_SIZE),
        "conditioning": crops,
        "padded_text": text,
        "wav": wav_T.expand(BATCH_SIZE, 1, -1).clone(),
    }


if __name__ == "__main__":
    main()
