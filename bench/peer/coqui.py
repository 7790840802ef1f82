"""What coqui-tts says with an exported model, for comparison. Runs in the environment that setup.sh makes.

    .venv-peer/bin/python bench/peer/coqui.py FOLDER --reference voice.wav --text "Good morning." --language en

Prints one JSON object: the text tokens, the codes chosen greedily, a summary of the audio, and what it took.
"""

import argparse
import hashlib
import json
import sys
import time
import types
from pathlib import Path

import torch


def main() -> None:
    """Load, speak, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="what escuta exported")
    parser.add_argument("--reference", type=Path, required=True, help="recording of the voice")
    parser.add_argument("--text", required=True)
    parser.add_argument("--language", default="en")
    parser.add_argument("--codes", type=int, default=80, help="most codes to choose")
    parser.add_argument("--repetition-penalty", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_args()

    torch.set_num_threads(asked.threads)
    started = time.perf_counter()
    do_without_torchaudio_extension()
    from TTS.tts.configs.xtts_config import XttsConfig  # type: ignore[import-not-found]
    from TTS.tts.models.xtts import Xtts  # type: ignore[import-not-found]

    imported = time.perf_counter()
    before = _sha256(asked.folder / "model.pth")
    config = XttsConfig()
    config.load_json(str(asked.folder / "config.json"))
    model = Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=str(asked.folder), eval=True)
    loaded = time.perf_counter()

    voice_1LD, speaker_1E1 = model.get_conditioning_latents(
        audio_path=[str(asked.reference)],
        max_ref_length=config.max_ref_len,
        gpt_cond_len=config.gpt_cond_len,
        gpt_cond_chunk_len=config.gpt_cond_chunk_len,
    )
    tokens = model.tokenizer.encode(asked.text.strip().lower(), lang=asked.language)
    text_1N = torch.tensor([tokens], dtype=torch.int32)
    with torch.inference_mode():
        codes_1K = model.gpt.generate(
            cond_latents=voice_1LD,
            text_inputs=text_1N,
            do_sample=False,
            num_beams=1,
            repetition_penalty=asked.repetition_penalty,
            max_new_tokens=asked.codes,
        )
        latents_1KD = model.gpt(
            text_1N,
            torch.tensor([len(tokens)]),
            codes_1K,
            torch.tensor([codes_1K.shape[1] * model.gpt.code_stride_len]),
            cond_latents=voice_1LD,
            return_latent=True,
        )
        wav_T = model.hifigan_decoder(latents_1KD, g=speaker_1E1).flatten()
    spoken = time.perf_counter()
    json.dump(
        {
            "tokens": tokens,
            "codes": codes_1K[0].tolist(),
            "wav": wav_T.tolist(),
            "file_unchanged": _sha256(asked.folder / "model.pth") == before,
            "import_seconds": imported - started,
            "load_seconds": loaded - imported,
            "speak_seconds": spoken - loaded,
        },
        sys.stdout,
    )


def do_without_torchaudio_extension() -> None:
    """Let torchaudio be imported beside a PyTorch without CUDA, which its compiled part was not made for."""
    if torch.version.cuda is None:
        extension = types.ModuleType("torchaudio._extension")
        extension.__dict__.update(
            _IS_TORCHAUDIO_EXT_AVAILABLE=False,
            _IS_ALIGN_AVAILABLE=False,
            _check_cuda_version=lambda: None,
            fail_if_no_align=lambda function: function,
        )
        sys.modules["torchaudio._extension"] = extension


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
