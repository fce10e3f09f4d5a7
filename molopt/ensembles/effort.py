"""How hard a search looks: its numbers, and the reason for each."""

from dataclasses import dataclass

from ase.units import kcal, mol

from molopt.ensembles.moves import Moves
from molopt.errors import InputError
from molopt.rules.base import check

KCAL = kcal / mol  # eV


@dataclass(frozen=True)
class Effort:
    """What decides how much a search does, and when it is done. Energies are in kcal/mol, as the literature has them.

    Attributes
    ----------
    count : int
        Starts relaxed on the cheap potential at most: embeddings, and moves of what they led to.
    window : float
        Conformers up to so high above the lowest are kept.
    until_no_new : int
        The search is done when so many relaxations in a row have found nothing new among the lowest.
    max_calls : int or None
        Force calls of the ranking potential at most.
    early_stops : bool
        Whether a relaxation on the ranking potential is given up where it cannot end within the window.
    lowest : float
        What is to stay as it was before the search is done: thermal energy is 0.6, and five times that holds all but
        a hundredth of a population.
    embedded, most_embedded : float, int
        Share of the starts that are embedded, and how many at most. Moves of what is known find new minima several
        times as often, and take less time.
    systematic : float
        Share of a round of the survey that are neighbours of low minima, each once. At half, 900 starts found 626
        minima of decanediol within 3 kcal/mol, and without 371.
    width : float
        Parents are drawn with Boltzmann weights of this width: low ones have the low children.
    chunk, round : int
        Conformers relaxed together on the cheap potential, more are hardly faster; starts of a round there.
    batch, best : int
        Starts that a round on the ranking potential evaluates, and how many of all that wait it relaxes.
    neighbours, freed, children, most_drafts : int
        Drafts of a round by route: they cost a relaxation on the cheap potential; and how many drafts are kept.
    cheap_fmax, fmax, polished, nearer : float
        eV/A: on the cheap potential, on the ranking one while it is searched, and of what is kept. Between 0.05 and
        0.01 one macrocycle came down by 0.6 kcal/mol. The last is for soft molecules on a force field, as diynes.
    near, same_start : float
        Degrees; a start of which no torsion differs by more from that of another is not tried, on the cheap potential
        and on the ranking one. Minima nearer than 25 degrees may end apart: there it is learned how seldom they do.
    deeper : float
        kcal/mol; minima so far above the window are polished too, as they may come down into it.
    certified, dear : int
        Force calls that polishing and certifying a conformer take, on average; and those of a budget for each start on
        the potential that ranks where there is no other: to relax it, and to certify it if it is kept.
    high : float
        Cheap minima higher above the lowest are not kept.
    same_energy, same_shape : float
        While it is searched, minima nearer than this in energy and in A are one: they are not at rest yet.
    """

    count: int
    window: float = 6.0
    until_no_new: int = 50
    max_calls: int | None = None
    early_stops: bool = True
    lowest: float = 3.0
    embedded: float = 0.2
    most_embedded: int = 100
    systematic: float = 0.5
    width: float = 1.5
    chunk: int = 32
    round: int = 64
    batch: int = 16
    best: int = 8
    neighbours: int = 24
    freed: int = 16
    children: int = 8
    most_drafts: int = 2000
    cheap_fmax: float = 0.05
    fmax: float = 0.05
    polished: float = 0.01
    nearer: float = 0.001
    near: float = 25.0
    same_start: float = 10.0
    deeper: float = 0.5
    certified: int = 9
    dear: int = 40
    high: float = 25.0
    same_energy: float = 0.15
    same_shape: float = 0.25

    def __post_init__(self) -> None:
        for name in ("count", "until_no_new", "window"):
            check(name, getattr(self, name), "positive")
        if self.max_calls is not None:
            check("max_calls", self.max_calls, "positive")
        for name in ("count", "until_no_new", "max_calls"):
            value = getattr(self, name)
            if value is not None and int(value) != value:
                raise InputError(f"{name} must be a whole number, got {value!r}")


def count_for(moves: Moves, refined: bool) -> int:
    """How many starts are enough: 100 for each bond that turns and each swinging part of a ring, and 100 more.

    An arc of a ring can be chosen in as many ways as the square of its size: their root counts. Where another potential
    ranks, three times as many: a force call of xTB takes as long as twenty relaxations on a force field.
    """
    freedom = len(moves.turnable) + len(moves.flips) / 2 + len(moves.cranks) ** 0.5
    return int(100 * (1 + freedom)) * (3 if refined else 1)
