"""A small vocabulary, one token a character, for models that are built and trained from scratch."""

import string

from tokenizers import AddedToken, Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import Whitespace

from escuta.text.languages import LANGUAGES
from escuta.text.tokenizer import SPACE, START, STOP, UNKNOWN

_START_ID = 261  # as in the release

_LATIN = string.ascii_lowercase + "ßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿąćčďęěğıłńňőœřśşšťůűźżž\u0307"
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяё"
_ARABIC = "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0670"
_DEVANAGARI = "".join(map(chr, (*range(0x901, 0x904), *range(0x905, 0x93A), *range(0x93C, 0x94E))))
_MARKS = "!\"%'()*+,-./:;=?ªº¡«»¿–—‘’“”…،؛؟।"


def character_vocabulary() -> str:
    """Return a `vocab.json` with a token for every character that normalised text of the 17 languages is made of."""
    specials = [STOP, UNKNOWN, SPACE, *(f"[{language}]" for language in LANGUAGES)]
    characters = sorted({*_LATIN, *_CYRILLIC, *_ARABIC, *_DEVANAGARI, *_MARKS, *string.digits})
    tokens = [*specials, *characters]
    tokens.insert(_START_ID, START)
    tokenizer = Tokenizer(BPE(vocab={token: id_ for id_, token in enumerate(tokens)}, merges=[], unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in (*specials, START)])
    return tokenizer.to_str(pretty=True)
