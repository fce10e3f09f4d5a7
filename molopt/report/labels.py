"""How optimizers are called and drawn, everywhere the same."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from molopt.optimizers.registry import ASES, ENTRIES
from molopt.optimizers.spec import abbreviated
from molopt.specification import parse


class Look(NamedTuple):
    """How the line of an optimizer is drawn."""

    colour: str
    dashes: tuple[float, ...] = ()  # lengths of ink and gap in line widths; none is a solid line
    marker: str = "o"


LOOKS = {entry.name: Look(entry.colour, entry.dashes) for entry in ENTRIES}
DOTTED = {"internal": (1.2, 0.6), "elastic": (2.4, 0.6)}  # a rule in other coordinates has its own colour, dotted
OTHER = Look("#5C3D99", (2, 1))
VARIANTS: Sequence[tuple[float, ...]] = ((), (3, 1), (1, 1), (4, 1, 1, 1))  # one optimizer with several arguments
MARKERS = "osD^vPX<>p"  # of the optimizers of a study, in their order


def label(optimizer: str) -> str:
    """A result's optimizer as tables and legends call it: arguments only where they are not the defaults.

    >>> label("bfgs?maxstep=0.2&alpha=70.0")
    'bfgs (ASE)'
    """
    return f"{abbreviated(optimizer)}{' (ASE)' if is_ases(optimizer) else ''}"


def plain(optimizer: str) -> str:
    """The name without arguments."""
    return parse(optimizer)[0]


def is_ases(optimizer: str) -> bool:
    """Whether it is one of `ase.optimize`, which shares the name lbfgs with molopt."""
    return plain(optimizer) in ASES


def look(optimizer: str, variant: int = 0) -> Look:
    """The one colour of this optimizer whatever its arguments, with other dashes for each further variant of it."""
    name, _, where = plain(optimizer).partition("/")
    found = LOOKS.get(plain(optimizer), OTHER)
    if where and found is OTHER:
        found = LOOKS.get(name, OTHER)._replace(dashes=DOTTED.get(where, ()))
    return found._replace(dashes=VARIANTS[variant % len(VARIANTS)]) if variant else found


def looks(optimizers: Iterable[str]) -> dict[str, Look]:
    """The look of each optimizer of a study, in their order; all its figures are drawn with these.

    >>> [entry.marker for entry in looks(["bfgs", "fire", "bfgs"]).values()]
    ['o', 's']
    """
    variants, found = Counter[str](), dict[str, Look]()
    for optimizer in dict.fromkeys(optimizers):
        marker = MARKERS[len(found) % len(MARKERS)]
        found[optimizer] = look(optimizer, variants[plain(optimizer)])._replace(marker=marker)
        variants[plain(optimizer)] += 1
    return found
