"""The peer's half of `bench.sampling`: loads once, then speaks what each line of its input asks for.

    .venv-peer/bin/python bench/peer/sampling.py FOLDER --reference voice.wav --threads 2

A line is `{"texts": […], "codes": N}`; the answer is `{"seconds": …, "codes": […], "peak_bytes": …}`. Texts are spoken
and written one after another, for coqui-tts has no other way.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import soundfile
import torch
from coqui import do_without_torchaudio_extension  # type: ignore[import-not-found]


def main() -> None:
    """Load, then answer until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="what escuta exported")
    parser.add_argument("--reference", type=Path, required=True, help="recording of the voice")
    parser.add_argument("--threads", type=int, required=True)
    asked = parser.parse_args()
    answers, sys.stdout = sys.stdout, sys.stderr  # coqui-tts prints

    do_without_torchaudio_extension()
    from TTS.tts.configs.xtts_config import XttsConfig  # type: ignore[import-not-found]
    from TTS.tts.models.xtts import Xtts  # type: ignore[import-not-found]

    torch.set_num_threads(asked.threads)  # parts of coqui-tts set one when they are imported
    config = XttsConfig()
    config.load_json(str(asked.folder / "config.json"))
    model = Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=str(asked.folder), eval=True)
    voice_1LD, speaker_1E1 = model.get_conditioning_latents(
        audio_path=[str(asked.reference)],
        max_ref_length=config.max_ref_len,
        gpt_cond_len=config.gpt_cond_len,
        gpt_cond_chunk_len=config.gpt_cond_chunk_len,
    )

    def speak(text: str, num_codes: int, wav: Path) -> int:
        text_1N = torch.tensor([model.tokenizer.encode(text.strip().lower(), lang="en")], dtype=torch.int32)
        codes_1K = model.gpt.generate(
            cond_latents=voice_1LD,
            text_inputs=text_1N,
            do_sample=True,
            num_beams=1,
            temperature=config.temperature,
            top_k=config.top_k,
            top_p=config.top_p,
            repetition_penalty=config.repetition_penalty,
            max_new_tokens=num_codes,
        )
        latents_1KD = model.gpt(
            text_1N,
            torch.tensor([text_1N.shape[1]]),
            codes_1K,
            torch.tensor([codes_1K.shape[1] * model.gpt.code_stride_len]),
            cond_latents=voice_1LD,
            return_latent=True,
        )
        wav_T = model.hifigan_decoder(latents_1KD, g=speaker_1E1).flatten()
        soundfile.write(wav, wav_T.numpy(), config.model_args.output_sample_rate)
        return int(codes_1K.shape[1])

    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            job = json.loads(line)
            started = time.perf_counter()
            with torch.inference_mode():
                codes = [
                    speak(text, job["codes"], Path(folder) / f"{number}.wav")
                    for number, text in enumerate(job["texts"])
                ]
            seconds = time.perf_counter() - started
            answer = {"seconds": seconds, "codes": codes, "peak_bytes": peak_bytes()}
            print(json.dumps(answer), file=answers, flush=True)


def peak_bytes() -> int:
    """The most memory that this process ever had, files mapped into it included."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    main()
