"""Korean: XTTS-v2 reads it in Latin letters, by the academic rule of the Revised Romanization (2000)."""

# fmt: off
_INITIALS = (
    "g", "kk", "n", "d", "tt", "l", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p", "h",
)
_VOWELS = (
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we", "wi", "yu",
    "eu", "ui", "i",
)
_FINALS = (
    "", "g", "kk", "gs", "n", "nj", "nh", "d", "l", "lg", "lm", "lb", "ls", "lt", "lp", "lh", "m", "b", "bs", "s",
    "ss", "ng", "j", "ch", "k", "t", "p", "h",
)
# fmt: on

_FIRST, _LAST = "가", "힣"  # Unicode orders all syllables by initial, then vowel, then final


def romanise(text: str) -> str:
    """Write the Hangul of `text` in Latin letters; a hyphen parts syllables that would otherwise read two ways."""
    romanised = []
    previous_final = None
    for character in text:
        if not _FIRST <= character <= _LAST:
            romanised.append(character)
            previous_final = None
            continue
        initial_and_vowel, final = divmod(ord(character) - ord(_FIRST), len(_FINALS))
        initial, vowel = divmod(initial_and_vowel, len(_VOWELS))
        if previous_final is not None and _reads_two_ways(_FINALS[previous_final], _INITIALS[initial]):
            romanised.append("-")
        romanised += _INITIALS[initial], _VOWELS[vowel], _FINALS[final]
        previous_final = final
    return "".join(romanised)


def _reads_two_ways(final: str, initial: str) -> bool:
    letters = final + initial
    splits = [at for at in range(len(letters)) if letters[:at] in _FINALS and letters[at:] in _INITIALS]
    return not initial or len(splits) > 1
