"""Every optimizer there is: its name, where its code is, its defaults, and its line in figures.

All lists of optimizers derive from `ENTRIES`: names and their spellings, the classes of `molopt.optimizers`, error
messages, help, labels and colours. A new update rule is a file in `molopt/rules/` and an entry here.

An entry names its code by its path and loads it on use: this module itself needs neither NumPy nor ASE.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT = "default"
COORDINATES = ("internal", "elastic", "cartesian")  # what may stand behind the slash of a name


@dataclass(frozen=True)
class Entry:
    """An optimizer that has a name.

    Attributes
    ----------
    name : str
        Its one spelling: lower case, words joined by hyphens.
    path : str
        "module:attribute" of its code.
    colour : str
        #rrggbb of its line in figures on a light page; no two optimizers share one.
    dashes : tuple of float
        Lengths of ink and gap in line widths; none is a solid line.
    aliases : tuple of str
        Further names.
    """

    name: str
    path: str
    colour: str
    dashes: tuple[float, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def attribute(self) -> str:
        return self.path.partition(":")[2]

    def load(self) -> Any:
        """Its code, imported."""
        module, _, attribute = self.path.partition(":")
        return getattr(importlib.import_module(module), attribute)


@dataclass(frozen=True)
class QuasiNewton(Entry):
    """`molopt.LBFGS` in some coordinates; `tuned` is what its direction has there besides its own defaults."""

    coordinates: str = "auto"
    tuned: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class UpdateRule(Entry):
    """A rule of molopt, whose path is that of its class in `molopt.rules`.

    Its tuned hyper-parameters, where they are not those of the class, are `cartesian` in Cartesian coordinates, and
    `internal` in internal and elastic ones, where the gradient is the natural one. Where they come from is written in
    docs/notes/tuning.md.
    """

    cartesian: Mapping[str, float] = field(default_factory=dict)
    internal: Mapping[str, float] = field(default_factory=dict)

    def tuned(self, coordinates: str) -> Mapping[str, float]:
        return self.cartesian if coordinates == "cartesian" else self.internal


@dataclass(frozen=True)
class AseOptimizer(Entry):
    """A class of `ase.optimize`, with ASE's defaults."""


@dataclass(frozen=True)
class PeerProgram(Entry):
    """A package of others, of the extra `peers`, with its own defaults; its path is a function that follows it.

    Attributes
    ----------
    package : str
        What is imported.
    unmatched : str
        What of its own remains where it is compared with others.
    """

    package: str = ""
    unmatched: str = ""


# Colours: Okabe and Ito's, which colour-blind readers can tell apart, without their yellow, which is faint on white;
# further optimizers are shades of them. molopt's are solid, ASE's are dashed so that one shows through the gaps of
# another; the peers', in Tol's colours, have the longest dashes.
ENTRIES: tuple[Entry, ...] = (
    QuasiNewton(DEFAULT, "molopt.optimizers.lbfgs:LBFGS", "#990022"),
    QuasiNewton("lbfgs/internal", "molopt.optimizers.lbfgs:LBFGS", "#1B1B7A", coordinates="internal"),
    QuasiNewton("lbfgs/elastic", "molopt.optimizers.lbfgs:LBFGS", "#4B4BD6", coordinates="elastic"),
    QuasiNewton(
        "lbfgs/cartesian",
        "molopt.optimizers.lbfgs:LBFGS",
        "#2E6F8E",
        coordinates="cartesian",
        tuned={"memory": 60, "fade": 1.0, "damping": 0.2},  # a number is a poor model: what was seen is all there is
    ),
    UpdateRule(
        "adam",
        "molopt.rules.adam:Adam",
        "#D55E00",
        cartesian={"lr": 0.03, "b1": 0.93, "b2": 0.98},
        internal={"lr": 0.3, "b1": 0.2, "b2": 0.9, "eps": 0.3},
    ),
    UpdateRule(
        "momentum",
        "molopt.rules.momentum:Momentum",
        "#0072B2",
        cartesian={"lr": 0.5, "b1": 0.95},
        internal={"lr": 0.75, "b1": 0.2},
    ),
    UpdateRule(
        "heavy-ball",
        "molopt.rules.heavy_ball:HeavyBall",
        "#00436B",
        cartesian={"lr": 0.02, "b1": 0.95},
        internal={"lr": 0.6, "b1": 0.2},
    ),
    UpdateRule(
        "nesterov",
        "molopt.rules.nesterov:Nesterov",
        "#6CA6E0",
        cartesian={"lr": 0.02, "b1": 0.97},
        internal={"lr": 0.7, "b1": 0.2},
    ),
    UpdateRule(
        "adagrad",
        "molopt.rules.adagrad:Adagrad",
        "#009E73",
        cartesian={"lr": 0.05},
        internal={"lr": 0.8, "eps": 1.0},
    ),
    UpdateRule(
        "rmsprop",
        "molopt.rules.rmsprop:RMSProp",
        "#E69F00",
        cartesian={"lr": 0.01},
        internal={"lr": 0.3, "eps": 0.3},
    ),
    UpdateRule(
        "adadelta",
        "molopt.rules.adadelta:Adadelta",
        "#00573F",
        cartesian={"lr": 1.0},
        internal={"lr": 0.6, "eps": 1.0},
    ),
    UpdateRule(
        "per-atom-adam",
        "molopt.rules.per_atom_adam:PerAtomAdam",
        "#7A3600",
        cartesian={"lr": 0.05, "b1": 0.93, "b2": 0.98},
        internal={"lr": 0.3, "b1": 0.2, "b2": 0.9, "eps": 0.3},
    ),
    UpdateRule(
        "amsgrad",
        "molopt.rules.amsgrad:AMSGrad",
        "#F59B6B",
        cartesian={"lr": 0.03, "b1": 0.93, "b2": 0.98},
        internal={"lr": 0.3, "b1": 0.2, "b2": 0.9, "eps": 0.3},
    ),
    UpdateRule(
        "nadam",
        "molopt.rules.nadam:NAdam",
        "#A5423C",
        cartesian={"lr": 0.03, "b1": 0.97, "b2": 0.98, "momentum_decay": 1.0},
        internal={"lr": 0.3, "b1": 0.2, "b2": 0.9, "eps": 0.3},
    ),
    UpdateRule(
        "radam",
        "molopt.rules.radam:RAdam",
        "#D9A093",
        cartesian={"lr": 0.02, "b1": 0.93, "b2": 0.98},
        internal={"lr": 0.6, "b1": 0.2, "b2": 0.9, "eps": 0.7},
    ),
    UpdateRule(
        "adabelief",
        "molopt.rules.adabelief:AdaBelief",
        "#8C2D62",
        cartesian={"lr": 0.01, "b1": 0.93, "b2": 0.98},
        internal={"lr": 0.3, "b1": 0.2, "b2": 0.9, "eps": 0.01},
    ),
    UpdateRule(
        "lion",
        "molopt.rules.lion:Lion",
        "#806000",
        cartesian={"lr": 0.001},
        internal={"lr": 0.1, "b1": 0.5, "b2": 0.5},
    ),
    UpdateRule(
        "apollo",
        "molopt.rules.apollo:Apollo",
        "#5C3D99",
        cartesian={"lr": 0.03},
        internal={"lr": 0.7, "b1": 0.2},
    ),
    UpdateRule(
        "prodigy",
        "molopt.rules.prodigy:Prodigy",
        "#B000D0",
        cartesian={"lr": 1.0, "d0": 1e-3},
        internal={"lr": 1.0, "b1": 0.2, "b2": 0.9, "eps": 0.3, "d0": 0.3},
    ),
    UpdateRule(
        "gradient-descent",
        "molopt.rules.gradient_descent:GradientDescent",
        "#CC79A7",
        aliases=("gd",),
        cartesian={"lr": 0.01},
        internal={"lr": 0.6},
    ),
    AseOptimizer("bfgs", "ase.optimize:BFGS", "#000000", (5, 2)),
    AseOptimizer("lbfgs", "ase.optimize:LBFGS", "#56B4E9", (1.5, 1.5)),
    AseOptimizer("fire", "ase.optimize:FIRE", "#7F7F7F", (6, 1.5, 1.5, 1.5)),
    AseOptimizer("fire2", "ase.optimize:FIRE2", "#4D4D4D", (6, 1.5, 1.5, 1.5, 1.5, 1.5)),
    AseOptimizer("mdmin", "ase.optimize:MDMin", "#A6A6A6", (3, 3)),
    PeerProgram(
        "sella",
        "molopt.optimizers.peers:follow_sella",
        "#117733",
        (9, 2),
        package="sella",
        unmatched="Sella measures its step in its own internal coordinates: it has no cap in Angstrom of an atom.",
    ),
    PeerProgram(
        "geometric",
        "molopt.optimizers.peers:follow_geometric",
        "#AA4499",
        (9, 1.5, 1.5, 1.5),
        package="geometric",
        unmatched="geomeTRIC caps the RMSD of a step (trust radius 0.1 to 0.3 A), not the longest atom; the smallest "
        "trust radius is what its default criteria would give.",
    ),
    PeerProgram(
        "pyberny",
        "molopt.optimizers.peers:follow_pyberny",
        "#999933",
        (9, 1.5, 1.5, 1.5, 1.5, 1.5),
        package="berny",
        unmatched="pyberny caps the RMS of a step in internal coordinates (trust radius 0.3), and has no cap in "
        "Angstrom.",
    ),
)

BY_NAME = {entry.name: entry for entry in ENTRIES}
QUASI_NEWTON = tuple(entry for entry in ENTRIES if isinstance(entry, QuasiNewton))
RULES = {entry.name: entry for entry in ENTRIES if isinstance(entry, UpdateRule)}
ASES = {entry.name: entry for entry in ENTRIES if isinstance(entry, AseOptimizer)}
PEERS = {entry.name: entry for entry in ENTRIES if isinstance(entry, PeerProgram)}

# what a comparison runs where nothing is said
DEFAULT_OPTIMIZERS = (DEFAULT, "adam/internal", "heavy-ball/internal", "adam", "momentum", "bfgs", "lbfgs", "fire")


def optimizer_names() -> list[str]:
    """The names of all optimizers: molopt's, then ASE's, then the peers."""
    return list(BY_NAME)
