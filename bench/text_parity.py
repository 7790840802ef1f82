"""Compare normalised text with that of coqui-tts: `python -m bench.text_parity text.json`.

The file maps a language to pairs of a raw and a normalised sentence. Sentences with a construct that is read better on
purpose are listed; any other difference is a miss, and makes the exit status 1.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.text_deviations import constructs
from escuta.text.normalise import normalise


@dataclass(frozen=True, slots=True)
class Comparison:
    """One sentence, as coqui-tts and as escuta normalise it."""

    language: str
    raw: str
    theirs: str
    ours: str

    @property
    def verdict(self) -> Literal["equal", "deviation", "miss"]:
        """Whether the two agree, differ on purpose, or differ."""
        if self.ours == self.theirs:
            return "equal"
        return "deviation" if constructs(self.raw, self.language) else "miss"


def compare(pairs_by_language: Mapping[str, Sequence[tuple[str, str]]]) -> Iterator[Comparison]:
    """Normalise every raw sentence."""
    for language, pairs in pairs_by_language.items():
        for raw, theirs in pairs:
            yield Comparison(language, raw, theirs, normalise(raw, language))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the sentences that differ and a count for each language; return 1 where any differs without a purpose."""
    parser = argparse.ArgumentParser(prog="python -m bench.text_parity", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path)
    comparisons = list(compare(json.loads(parser.parse_args(arguments).file.read_text(encoding="utf-8"))))
    for verdict in ("deviation", "miss"):
        for one in comparisons:
            if one.verdict == verdict:
                named = ", ".join(constructs(one.raw, one.language))
                print(
                    f"{verdict} {one.language} {named}\n  raw    {one.raw}\n  theirs {one.theirs}\n  ours   {one.ours}"
                )
    for language in dict.fromkeys(one.language for one in comparisons):
        verdicts = [one.verdict for one in comparisons if one.language == language]
        print(
            f"{language:5} {verdicts.count('equal')} equal, "
            f"{verdicts.count('deviation')} deviations, {verdicts.count('miss')} misses"
        )
    return int(any(one.verdict == "miss" for one in comparisons))


if __name__ == "__main__":
    sys.exit(main())
