"""Character error rate: how much of a text a recogniser does not find in a recording; 0 is all there, lower is better.

Edits that turn what was heard into what was to be said, over the characters of the latter: above 1 where more was said.
"""

from escuta.scoring.plain_text import plain


def character_error_rate(said: str, heard: str, language: str) -> float:
    """The rate, of both texts in plain letters.

    Raises:
        ValueError: `said` has no letter.
    """
    wanted, found = plain(said, language), plain(heard, language)
    if not wanted:
        raise ValueError(f"{said!r} has no letter; expected a text that can be said")
    return edit_distance(wanted, found) / len(wanted)


def edit_distance(wanted: str, found: str) -> int:
    """The least number of insertions, deletions and substitutions that turn one text into the other."""
    row = list(range(len(found) + 1))
    for number, letter in enumerate(wanted, 1):
        previous, row = row, [number]
        for column, other in enumerate(found, 1):
            row.append(min(previous[column] + 1, row[-1] + 1, previous[column - 1] + (letter != other)))
    return row[-1]
