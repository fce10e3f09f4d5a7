"""A landscape that is switched: what the memory of a long slope does in the valley behind it."""

from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike

from molopt.landscapes import surfaces
from molopt.landscapes.altered_potentials import Slope
from molopt.landscapes.chart import Chart, Series
from molopt.landscapes.experiment import Experiment, Number, Outcome
from molopt.landscapes.track import Track, follow, recorded
from molopt.rules.partition import Array

B2 = 0.999  # the usual one: v remembers the slope for 1000 calls
MEMORIES = (0.9, 0.95, 0.99)  # b1
B1 = 0.9  # in the map
SLOPE = 300  # calls on the slope, after which every m has built up
STEEPNESS = np.geomspace(1, 300, 9)  # of the slope, in the steepest part of the valley
REACH = np.geomspace(0.6, 3.0, 60)  # how far memory alone would carry, in the distance of two maxima
STEEP = 100.0  # the ratio in the map: a clash of 10 eV/A above a torsion of 0.1
WAVE = 2.0  # A, in the map: how far the hydrogens of a methyl group go from one valley to the next
RATES = np.geomspace(0.02, 1.0, 28)  # A, in the map
CALLS = np.unique(np.geomspace(1, SLOPE, 22).astype(int))  # on the slope, in the map
AFTER = 200  # calls from the top, when the map is drawn
FINE = np.linspace(0.85, 1.15, 301)  # reaches among which is one that ends on the maximum
NEAR = (0.95, 0.985, 1.015, 1.05)  # of that reach; these are drawn beside it
ON_TOP = 0.05  # of the distance of two maxima: so near to one counts as on it
RESTING = 800  # calls from the top
LAST = 0.01  # of a step
WATERS, PULL = "O.O", 1.0  # eV/A, as of a strained bond
LR = 0.03  # A on the molecule
THROWN = (0.0, 0.5, 0.9, 0.95, 0.99)  # b1 on the molecule


def carried(calls: ArrayLike, b1: float, b2: float = B2) -> Array:
    r"""How far Adam is carried by its memory alone, after so many calls on a straight slope, in units of lr.

    .. math:: \sum_{j>0} \frac{b_1^j (1 - b_1^T)}{1 - b_1^{T+j}} \Big/ \sqrt{\frac{b_2^j (1 - b_2^T)}{1 - b_2^{T+j}}}

    For long slopes and b2 near 1 that is b1 / (1 - b1).
    """
    t = np.atleast_1d(calls)[:, None]
    j = np.arange(1, int(20 / (1 - b1)))  # then exp(-20) is left
    m, v = (b**j * (1 - b**t) / (1 - b ** (t + j)) for b in (b1, b2))
    return np.asarray((m / np.sqrt(v)).sum(axis=1))


def model(seed: int) -> Outcome:
    least = {b1: least_reach(b1) for b1 in MEMORIES}
    predicted = rolling()
    rates, calls, places, again = mapped(B1)
    expected = rates * carried(calls, B1) / WAVE > 1
    agree, left = float(((places > 1) == expected).mean()), float((places > 1).mean())
    paths = near_the_top(B1)
    rests = (np.abs(paths - 1) < ON_TOP).sum(axis=0)
    best = int(rests.argmax())
    numbers = [
        *(
            Number(f"reach that leaves the valley, b1 {b1:g}, slope {STEEPNESS[at]:.3g} times as steep", least[b1][at],
                   float(predicted[at]), 0.12)
            for b1 in MEMORIES for at in (2, 5, 8)
        ),
        Number("share of the map that is as memory alone predicts", agree, least=0.9),
        Number("share of the map that leaves the first valley", left, least=0.1),
        Number("share of the map that leaves it after a reset", float((again > 1).mean()), most=0.0),
        Number("reach that leaves Adam on the maximum", float(FINE[best]), 1.0, 0.1),
        Number(f"calls of {RESTING} that it is there", float(rests[best]), least=100),
    ]  # fmt: skip
    return Outcome(
        (chart_of_reach(least, predicted), chart_of_map(rates, calls, places), chart_of_rest(paths, best)),
        numbers,
        f"Behind a steep slope memory reaches lr b1 / (1 - b1). Where that passes the distance of two maxima, Adam "
        f"leaves the valley: with b1 {B1:g} and {WAVE:g} Å at rates above {rates[places > 1].min():.2f} Å. Where it is "
        f"that distance, Adam stays on the maximum for {rests[best]} calls. After a reset it never leaves.",
    )


def slopes(calls: ArrayLike, steepness: ArrayLike, wave: ArrayLike) -> Any:
    """Slopes of length `calls` and steepness 1, before valleys `steepness` times less steep; lengths in units of lr.

    Adam's path does not depend on the unit of length where lr has the same, nor on that of energy.
    """
    wave = np.asarray(wave)
    length = np.asarray(calls, float) - LAST  # so that the last of these calls is beyond the top
    return surfaces.slope_then_valley(length, 1.0, wave / (2 * np.pi * np.asarray(steepness)), wave)


def least_reach(b1: float) -> list[float]:
    """The least reach of memory for each steepness with which Adam is in a later valley in the end."""
    import molopt

    steep, reach = (grid.ravel() for grid in np.meshgrid(STEEPNESS, REACH, indexing="ij"))
    wave = carried(SLOPE, b1) / reach
    after = int(10 / (1 - b1)) + AFTER
    surface = slopes(np.full(steep.size, SLOPE), steep, wave)
    track = follow(surface, molopt.Adam, SLOPE + after, lr=1.0, b1=b1, b2=B2, control=None)
    left = (track.x[-1] > wave).reshape(STEEPNESS.size, REACH.size)
    return [float(REACH[np.flatnonzero(row)[0]]) for row in left]


def rolling() -> Array:
    """The same of a ball that rolls with friction, as Adam does where v stays what the slope has made it.

    With X = x (1 - b1) / lr and tau = (1 - b1) t, U = dX/dtau: dU/dtau = -U + sin(2 pi reach X) / steepness, from the
    top X = 0 with U = 1.
    """
    from scipy.integrate import solve_ivp

    steep, reach = (grid.ravel() for grid in np.meshgrid(STEEPNESS, REACH, indexing="ij"))

    def motion(_: float, state: Array) -> Array:
        x, u = np.split(state, 2)
        return np.concatenate([u, np.sin(2 * np.pi * reach * x) / steep - u])

    start = np.concatenate([np.zeros(steep.size), np.ones(steep.size)])
    x = solve_ivp(motion, (0, 20), start, rtol=1e-5, atol=1e-7).y[: steep.size]  # tau: exp(-20) of the speed is left
    left = (x[:, -1] * reach > 1).reshape(STEEPNESS.size, REACH.size)
    return np.array([REACH[np.flatnonzero(row)[0]] for row in left])


def mapped(b1: float) -> tuple[Array, Array, Array, Array]:
    """Rates, calls on the slope, and places some calls later, in the distance of two maxima; the same with a reset."""
    import molopt

    calls, rates = (grid.ravel() for grid in np.meshgrid(CALLS, RATES, indexing="ij"))
    wave = WAVE / rates
    surface = slopes(calls, np.full(calls.size, STEEP), wave)
    settings: dict[str, Any] = {"lr": 1.0, "b1": b1, "b2": B2, "control": None}
    kept = follow(surface, molopt.Adam, SLOPE + AFTER + 2, **settings).x
    each, passed = np.arange(calls.size), np.argmax(kept >= 0, axis=0)
    reset = follow(surface.at(kept[passed, each]), molopt.Adam, AFTER, **settings).x[-1]
    return rates, calls, kept[passed + AFTER, each] / wave, reset / wave


def chart_of_reach(least: dict[float, list[float]], predicted: Array) -> Chart:
    return Chart(
        "How far memory must carry Adam to throw it out of the valley",
        "steepness of the slope, in the steepest part of the valley",
        "reach of memory, in the distance of two maxima",
        [
            *(Series(f"Adam, b1 {b1:g}", STEEPNESS, found, "points") for b1, found in least.items()),
            Series("a ball that rolls with friction", STEEPNESS, predicted, "theory"),
        ],
        "x",
        f"The reach is lr b1 / (1 - b1) but for the corrections of the start; {SLOPE} calls on the slope, b2 {B2}.",
    )


def near_the_top(b1: float) -> Array:
    """(RESTING, n) places from the top on, in the distance of two maxima, for reaches FINE."""
    import molopt

    wave = carried(SLOPE, b1) / FINE
    surface = slopes(np.full(FINE.size, SLOPE), np.full(FINE.size, STEEP), wave)
    track = follow(surface, molopt.Adam, SLOPE + RESTING, lr=1.0, b1=b1, b2=B2, control=None)
    return np.asarray(track.x[-RESTING:] / wave)


def chart_of_map(rates: Array, calls: Array, places: Array) -> Chart:
    ends = {"first valley": places <= 1, "a later valley": places > 1}
    lines = {"memory reaches the next maximum": 1, "memory reaches the one behind it": 2}
    return Chart(
        f"Where Adam is, {AFTER} calls after a steep slope",
        "lr (Å)",
        "calls on the slope",
        [
            *(Series(name, rates[those], calls[those], "points") for name, those in ends.items()),
            *(Series(name, times * WAVE / carried(CALLS, B1), CALLS, "theory") for name, times in lines.items()),
        ],
        "xy",
        f"b1 {B1}, b2 {B2}; the slope is {STEEP:g} times as steep as the valley, and maxima are {WAVE:g} Å apart. "
        "After a reset at the top all are in the first valley.",
    )


def chart_of_rest(paths: Array, best: int) -> Chart:
    beside = [int(np.abs(FINE - FINE[best] * times).argmin()) for times in NEAR]
    calls = np.arange(1, RESTING + 1)
    return Chart(
        "Left on a maximum",
        "force calls after the slope",
        "x, in the distance of two maxima",
        [
            *(Series(f"reach {FINE[at]:.3f}", calls, paths[:, at]) for at in sorted([best, *beside])),
            Series("the maximum", calls[[0, -1]], [1.0, 1.0], "theory"),
        ],
        caption=f"b1 {B1}, b2 {B2}, {SLOPE} calls on a slope {STEEP:g} times as steep. Valleys are at 0.5 and 1.5.",
    )


def molecule(seed: int) -> Outcome:
    atoms, second = waters()
    kept = {b1: thrown(atoms, second, b1, reset=False) for b1 in THROWN}
    reset = {b1: thrown(atoms, second, b1, reset=True) for b1 in THROWN}
    away = {b1: along(track, second) for b1, track in kept.items()}
    back = {b1: along(track, second) for b1, track in reset.items()}
    theory = {b1: float(np.sqrt(2) * LR * carried(SLOPE, b1)[0]) for b1 in THROWN}
    bottom = atoms.get_potential_energy()
    bound = apart(atoms, second) - bottom

    def left(track: Track) -> float:
        return float((track.energies[-1] - bottom) / bound)

    calls = np.arange(1, len(kept[0.9]) + 1)
    long = [1 / (1 - b1) for b1 in THROWN]
    return Outcome(
        (
            Chart(
                "Two waters, after a slope that ends at their minimum",
                "force calls after the switch",
                "way of the second water (Å)",
                [
                    *(Series(f"b1 {b1:g}", calls, away[b1]) for b1 in MEMORIES),
                    Series("b1 0.99, reset at the switch", calls, back[0.99]),
                ],
                caption=f"MMFF94; before, {SLOPE} calls with {PULL:g} eV/Å on the second water. lr {LR} Å, b2 {B2}.",
            ),
            Chart(
                "How far memory carries the second water",
                "1 / (1 - b1)",
                "farthest from the minimum (Å)",
                [
                    Series("memory kept", long, [far.max() for far in away.values()], "points", "adam"),
                    Series("reset at the switch", long, [far.max() for far in back.values()], "points"),
                    Series("memory alone", long[1:], list(theory.values())[1:], "theory"),
                ],
                "xy",
                "Memory alone: as if no force acted.",
            ),
        ),
        [
            *(
                Number(f"way of the water, b1 {b1:g}", float(away[b1].max()), theory[b1], 0.25, unit="Å")
                for b1 in MEMORIES
            ),
            *(
                Number(f"its way after a reset, b1 {b1:g}", float(back[b1].max()), most=2 * LR, unit="Å")
                for b1 in THROWN
            ),
            Number("share of the hydrogen bond that is lost in the end, b1 0.9", left(kept[0.9]), most=0.05),
            Number("the same, b1 0.99", left(kept[0.99]), least=0.3),
            Number("the same after a reset, b1 0.99", left(reset[0.99]), most=0.05),
        ],
        f"Memory carries the water {away[0.9].max():.1f} Å with b1 0.9, and the other follows; with b1 0.99 "
        f"{away[0.99].max():.1f} Å, where {100 * left(kept[0.99]):.0f} % of the hydrogen bond are lost after "
        f"{2 * AFTER} calls. After a reset it stays.",
    )  # fmt: skip


def waters() -> tuple[Atoms, list[int]]:
    """Two waters at their minimum on MMFF94, their oxygens along x, and the atoms of the second."""
    import molopt

    pair = molopt.Molecule.from_smiles(WATERS)
    atoms = molopt.relax(pair, potential="mmff94", fmax=1e-4).atoms
    atoms.rotate(atoms.positions[1] - atoms.positions[0], "x")
    atoms.calc = molopt.potential("mmff94", pair)
    return atoms, [1, 4, 5]


def apart(atoms: Atoms, second: list[int]) -> float:
    """The energy with the second water 100 A away, eV."""
    there = atoms.copy()
    there.positions[second] += [100.0, 0.0, 0.0]
    there.calc = atoms.calc
    return float(there.get_potential_energy())


def thrown(atoms: Atoms, second: list[int], b1: float, reset: bool) -> Track:
    """A run of Adam whose calculator is switched at the minimum, from there on."""
    import molopt

    here, force = atoms.copy(), np.zeros((len(atoms), 3))
    force[second, :2] = PULL
    here.positions[second, :2] -= SLOPE * LR
    here.calc = Slope(force)
    made = molopt.Adam(here, lr=LR, b1=b1, b2=B2, control=None, coordinates="cartesian", logfile=None)
    made.run(fmax=0.0, steps=SLOPE)
    here.calc = atoms.calc
    if reset:
        made.initialize()
    return recorded(made, here, 2 * AFTER, f"b1 {b1:g}", "adam")


def along(track: Track, second: list[int]) -> Array:
    """(T,) how far the oxygen of the second water has come along the pull, A."""
    moved = (track.x - track.x[0]).reshape(len(track), -1, 3)
    return np.asarray(moved[:, second[0], :2].sum(axis=1) / np.sqrt(2))


EXPERIMENT = Experiment(
    "switched-landscape",
    "A landscape that is switched",
    "The memory of a long slope throws Adam out of the bottom of a valley, and can leave it on a maximum. A reset "
    "cures that.",
    "Where the slope ends, m fades as b1^t and v, of the slope's size, as b2^t. As long as the forces of the valley "
    "are small beside √v, Adam goes on by lr (b1 + b1² + ...) = lr b1 / (1 - b1), whatever it meets. In the valley it "
    "is a ball that rolls with friction, which leaves if that reach passes the distance of two maxima, and stops on "
    "the maximum if it is that distance; v must fade before it rolls down again.",
    model,
    molecule,
    (
        "D. P. Kingma, J. Ba, arXiv 1412.6980 (2014)",
        "Adaptive preconditioners trigger loss spikes in Adam, arXiv 2506.04805 (2025)",
    ),
)
