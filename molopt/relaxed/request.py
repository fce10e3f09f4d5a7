"""What relaxations were asked for, in plain values."""

from dataclasses import dataclass
from functools import cached_property

from molopt.convergence import Wanted, wanted
from molopt.library.asked import NAME, SWITCH, Asked
from molopt.optimizers.check_request import CheckRequest
from molopt.optimizers.registry import PEERS
from molopt.optimizers.spec import OptimizerSpec
from molopt.potentials import named
from molopt.potentials.force_field_terms import FORCE_FIELDS
from molopt.relaxed.structures import FORMATS, USUAL
from molopt.specification import parse
from molopt.store.settings import Kinds, between, or_none

TEXTS = (lambda value: isinstance(value, tuple) and all(isinstance(text, str) for text in value), "a list of texts")
KINDS: Kinds = {
    "potential": NAME,
    "optimizer": NAME,
    "coordinates": (or_none(NAME[0]), "a name"),
    "surrogate": NAME,
    "check": NAME,
    "criteria": NAME,
    "steps": (between(1), "a whole number above 0"),
    "max_calls": (or_none(between(1)), "a whole number above 0"),
    "fixed": TEXTS,
    "held": TEXTS,
    "formats": (
        lambda value: isinstance(value, tuple) and bool(value) and set(value) <= set(FORMATS),
        f"a list of {', '.join(FORMATS)}",
    ),
    "separate": SWITCH,
    "trajectories": SWITCH,
}


@dataclass(frozen=True)
class Request(Asked):
    """What is relaxed, and how; the arguments are those of `molopt.relax`, criteria by name, and

    fixed, held : tuple of str
        Atoms that do not move, and coordinates that are held, as the command line says them.
    formats : tuple of str
        Of the files that structures are written to.
    separate : bool
        Whether each molecule gets files of its own.
    trajectories : bool
        Whether every step is written.
    """

    FILE = "relax.json"
    WHAT = "relaxation"
    COMMAND = "molopt relax"
    FURTHER = KINDS

    potential: str = "mmff94"
    optimizer: str = "default"
    coordinates: str | None = None
    surrogate: str = "auto"
    check: str = "auto"
    criteria: str = "fmax=0.05,left=auto"
    steps: int = 1000
    max_calls: int | None = None
    fixed: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    formats: tuple[str, ...] = USUAL
    separate: bool = False
    trajectories: bool = False

    @property
    def potentials(self) -> list[str]:
        return [self.potential]

    @property
    def nameable(self) -> list[str]:
        return [self.potential, self.optimizer]

    @property
    def imports(self) -> dict[str, str]:
        guides = [self.surrogate, parse(self.optimizer)[1].get("surrogate")]  # asked before any of it is trusted
        named = {self.potential: "--potential"} | {guide: "--potential" for guide in guides if isinstance(guide, str)}
        named |= {self.optimizer: "--optimizer"}
        return {name: option for name, option in named.items() if ":" in parse(name)[0]}

    @property
    def programs(self) -> list[str]:
        name = parse(self.optimizer)[0]
        return [name] if name in PEERS else []

    @cached_property
    def spec(self) -> OptimizerSpec:
        """The optimizer with its surrogate; InputError where it cannot be run here."""
        return OptimizerSpec.of(self.optimizer, self.coordinates).guided_by(self.surrogate)

    @cached_property
    def wanted(self) -> Wanted:
        """The criteria; InputError where there is none of a name."""
        return wanted(self.criteria)

    @property
    def asked_check(self) -> CheckRequest:
        return self.spec.checked_by(self.check)

    @property
    def batched(self) -> bool:
        """Whether many are relaxed together: on a force field of RDKit they are several times as fast, and the same."""
        name, keywords = named(self.potential)
        plain = self.spec.surrogate in (None, "auto") and self.spec.coordinates is not None
        plain = plain and not (self.trajectories or self.wanted.sets or self.fixed or self.held)
        return plain and name in FORCE_FIELDS and set(keywords) <= {"terms"}
