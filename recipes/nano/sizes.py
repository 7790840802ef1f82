"""Every size of nano, chosen for quick learning on a CPU; the classes are those of the released model."""

from escuta.engine.tokens import TokenChoice
from escuta.models.xtts.config import (
    ConditioningConfig,
    DecoderConfig,
    DvaeConfig,
    GptConfig,
    SpeakerEncoderConfig,
    XttsConfig,
)

# Few hours of speech teach few tokens: letters, and the commonest pairs of them.
NUM_TEXT_TOKENS = 160
# 18.5 s, as the longest sentence that is said at once takes: 250 letters.
MAX_AUDIO_TOKENS = 400
NUM_CODES = 512


def nano_config() -> XttsConfig:
    """Describe nano."""
    width = 256
    return XttsConfig(
        gpt=GptConfig(
            layers=6,
            width=width,
            heads=4,
            max_audio_tokens=MAX_AUDIO_TOKENS,
            max_text_tokens=300,
            num_text_tokens=NUM_TEXT_TOKENS,
            start_text_token=3,  # as `tokenizer.py` orders them; the release has 261
            num_audio_tokens=NUM_CODES + 2,
            start_audio_token=NUM_CODES,
            stop_audio_token=NUM_CODES + 1,
        ),
        conditioning=ConditioningConfig(
            blocks=2, num_latents=16, perceiver_layers=1, perceiver_heads=4, perceiver_head_width=64
        ),
        dvae=DvaeConfig(num_codes=NUM_CODES, code_width=64, width=96, resblocks=2),
        decoder=DecoderConfig(input_width=width, channels=128),
        speaker_encoder=SpeakerEncoderConfig(
            filters=(16, 24, 32, 48), blocks=(1, 2, 2, 1), attention_width=64, embedding_width=128
        ),
        conditioning_chunk_seconds=3,
        languages=("en", "pt"),
        # A penalty that spares none of 512 codes would forbid most of a sentence.
        choice=TokenChoice(temperature=0.65, top_k=50, top_p=0.85, repetition_penalty=1.0, guidance=1.8),
    )
