"""Learn the text tokens: `python -m recipes.nano.tokenizer` writes WORK/vocab.json, once, from all of the plan.

Letters, and pairs of letters that are often together: byte-pair encoding, one vocabulary for both languages.
"""

from collections.abc import Iterable
from pathlib import Path

from recipes.nano.sizes import NUM_TEXT_TOKENS, nano_config
from recipes.nano.stage import add_figures
from recipes.nano.texts import read_plan
from recipes.nano.work import arguments, publish
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.trainers import BpeTrainer

from escuta.text.normalise import normalise
from escuta.text.tokenizer import SPACE, START, STOP, UNKNOWN
from escuta.text.tokenizer import Tokenizer as XttsTokenizer

# What people write though the plan may not.
LETTERS = "abcdefghijklmnopqrstuvwxyzàáâãäçèéêëíîïñóôõöúûü'.,;:!?-\"()/‘’“”–—…«»ªº"


def main() -> None:
    """Learn them, unless they are there."""
    work: Path = arguments(__doc__).parse_args().work
    path = work / "vocab.json"
    plan = [row for row in read_plan(work) if row["split"] != "dora"]
    if not path.exists():
        texts = (normalise(row["text"], row["language"]).lower() for row in plan if row["split"] == "train")
        publish(path, learn(texts).encode())
    tokenizer = XttsTokenizer(path)
    held_out = [row for row in plan if row["split"] == "held_out"]
    num_tokens = sum(len(tokenizer.encode(row["text"], row["language"])) for row in held_out)
    unknown = sum(len(tokenizer.unknown_characters(row["text"], row["language"])) for row in held_out)
    num_characters = sum(len(row["text"]) for row in held_out)
    figures = {"num_tokens": tokenizer.num_tokens, "characters_a_token": num_characters / num_tokens}
    add_figures(work, "tokenizer", 0, figures | {"unknown_characters": unknown})


def learn(texts: Iterable[str], num_tokens: int = NUM_TEXT_TOKENS) -> str:
    """Make a vocab.json of normalised texts."""
    specials = [STOP, UNKNOWN, SPACE, START, *(f"[{language}]" for language in nano_config().languages)]
    tokenizer = Tokenizer(BPE(unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.train_from_iterator(
        texts,
        BpeTrainer(vocab_size=num_tokens, special_tokens=specials, initial_alphabet=list(LETTERS), show_progress=False),
    )
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in specials])
    return tokenizer.to_str(pretty=True)


if __name__ == "__main__":
    main()
