"""Sentences from templates: a file of blocks, where `{name}` stands for one choice of the block `[name]`."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

SLOT = re.compile(r"\{(\w+)\}")
START = "sentences"


def read_grammar(path: Path) -> dict[str, list[str]]:
    """The blocks of a grammar: templates one a line, other choices separated by `|`.

    Raises:
        ValueError: Names every slot that has no block.
    """
    blocks: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            choices = blocks.setdefault(line.strip("[]"), [])
        else:
            choices.extend([line] if choices is blocks[START] else line.split(" | "))
    used = {slot for choices in blocks.values() for choice in choices for slot in SLOT.findall(choice)}
    if missing := sorted(used - blocks.keys()):
        raise ValueError(f"{path.name}: no block for {', '.join(missing)}")
    return blocks


def sentences(grammar: dict[str, list[str]], chance: random.Random) -> Iterator[str]:
    """Endless sentences, every template as often as any other; the first letter of each is a capital."""
    while True:
        for template in chance.sample(grammar[START], len(grammar[START])):
            sentence = expand(template, grammar, chance)
            yield sentence[0].upper() + sentence[1:]


def expand(template: str, grammar: dict[str, list[str]], chance: random.Random) -> str:
    """Fill every slot, and the slots of what fills it; a sentence repeats no choice where it can avoid it."""
    taken: set[str] = set()

    def fill(slot: re.Match[str]) -> str:
        choices = grammar[slot[1]]
        choice = chance.choice([choice for choice in choices if choice not in taken] or choices)
        taken.add(choice)
        return SLOT.sub(fill, choice)

    return SLOT.sub(fill, template)
