"""Names of files that are safe, and not taken."""

import re
from collections import Counter
from collections.abc import Iterable

DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # which Windows finds in every folder
LONGEST = 75  # characters; endings and the names of optimizers follow, and file systems end at 255 bytes


def safe(name: str) -> str:
    """A part of a file name that any file system and any shell takes.

    >>> safe("../a b"), safe("CC(=O)N[C@@H](C)C"), safe("adam?lr=0.02"), safe("???")
    ('a_b', 'CC_O_N_C_H_C_C', 'adam_lr_0.02', 'molecule')
    >>> safe("aux"), safe("Con.1"), safe("constant")
    ('molecule-aux', 'molecule-Con.1', 'constant')
    """
    kept = re.sub(r"[^A-Za-z0-9.+-]+", "_", name)[:LONGEST].strip("._-") or "molecule"
    return f"molecule-{kept}" if DEVICES.fullmatch(kept) else kept


class Stems:
    """File names without ending, one for each thing that is named: none is taken, in any case of letters."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = set(taken)  # in small letters
        self.given: Counter[str] = Counter()  # the last number of each stem

    def new(self, name: str) -> str:
        """The safe form of a name, with a number where it was given before.

        >>> stems = Stems()
        >>> stems.new("a/b"), stems.new("A b"), stems.new("a_b")
        ('a_b', 'A_b-2', 'a_b-3')
        """
        stem = safe(name)
        number = max(1, self.given[stem.lower()])
        unique = stem if number == 1 else f"{stem}-{number}"
        while unique.lower() in self.taken:
            number += 1
            unique = f"{stem}-{number}"
        self.taken.add(unique.lower())
        self.given[stem.lower()] = number
        return unique
