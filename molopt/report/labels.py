"""How optimizers are called and drawn, everywhere the same."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from molopt.optimizers.names import ASES, abbreviated
from molopt.specification import parse


class Look(NamedTuple):
    """How the line of an optimizer is drawn."""

    colour: str
    dashes: tuple[float, ...] = ()  # lengths of ink and gap in line widths; none is a solid line
    marker: str = "o"


# Okabe and Ito's colours, which colour-blind readers can tell apart, without their yellow, which is faint on white;
# further optimizers are shades of them. Ours are solid, but for rules in internal coordinates, which are finely dotted;
# ASE's are dashed so that one shows through the gaps of another; the peers', in Tol's colours, have the longest dashes.
LOOKS = {
    "default": Look("#990022"),
    "lbfgs/internal": Look("#1B1B7A"),
    "lbfgs/elastic": Look("#4B4BD6"),
    "lbfgs/cartesian": Look("#2E6F8E"),
    "adam": Look("#D55E00"),
    "momentum": Look("#0072B2"),
    "rmsprop": Look("#E69F00"),
    "adagrad": Look("#009E73"),
    "gradient-descent": Look("#CC79A7"),
    "bfgs": Look("#000000", (5, 2)),
    "lbfgs": Look("#56B4E9", (1.5, 1.5)),
    "fire": Look("#7F7F7F", (6, 1.5, 1.5, 1.5)),
    "heavy-ball": Look("#00436B"),
    "nesterov": Look("#6CA6E0"),
    "per-atom-adam": Look("#7A3600"),
    "amsgrad": Look("#F59B6B"),
    "nadam": Look("#A5423C"),
    "radam": Look("#D9A093"),
    "adabelief": Look("#8C2D62"),
    "adadelta": Look("#00573F"),
    "lion": Look("#806000"),
    "apollo": Look("#5C3D99"),
    "fire2": Look("#4D4D4D", (6, 1.5, 1.5, 1.5, 1.5, 1.5)),
    "mdmin": Look("#A6A6A6", (3, 3)),
    "sella": Look("#117733", (9, 2)),
    "geometric": Look("#AA4499", (9, 1.5, 1.5, 1.5)),
    "pyberny": Look("#999933", (9, 1.5, 1.5, 1.5, 1.5, 1.5)),
}
DOTTED = {"internal": (1.2, 0.6), "elastic": (2.4, 0.6)}  # a rule in other coordinates has its colour
OTHER = Look("#5C3D99", (2, 1))
VARIANTS: Sequence[tuple[float, ...]] = ((), (3, 1), (1, 1), (4, 1, 1, 1))  # one optimizer with several arguments
MARKERS = "osD^vPX<>p"  # of the optimizers of a study, in their order


def label(optimizer: str) -> str:
    """A result's optimizer as tables and legends call it: arguments only where they are not the defaults.

    >>> label("bfgs?maxstep=0.2&alpha=70.0")
    'bfgs (ASE)'
    """
    return f"{abbreviated(optimizer)}{' (ASE)' if plain(optimizer) in ASES else ''}"


def plain(optimizer: str) -> str:
    """The name without arguments."""
    return parse(optimizer)[0]


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
