"""The learned scale: what Adam's second moment knows of the stiffness of a coordinate."""

from typing import Any, NamedTuple

import numpy as np
from scipy.stats import linregress, spearmanr

from molopt.landscapes import surfaces
from molopt.landscapes.chart import Chart, Series
from molopt.landscapes.embeddings import embedded
from molopt.landscapes.experiment import Experiment, Number, Outcome
from molopt.landscapes.experiments.edge_of_stability import learned_scale
from molopt.landscapes.track import follow
from molopt.rules.partition import Array

STIFFNESS = np.geomspace(0.1, 1000, 33)  # eV/A^2, from a soft torsion to a stiff bond
LR, B1 = 0.03, 0.9  # A
LASTING = 0.999  # b2 where v is to hold the whole run
FADING, LONG = 0.98, 2000  # b2 where it is to forget the way down, and calls in which Adam comes to ring
SHARE = 0.01  # eV on each spring, where all have the same energy
ROUGH = 0.2  # of a power: theory leaves out that Adam overshoots and that its rate grows under control
FEW = 9  # springs at either end: a factor of 10 in stiffness
CALLS = 150  # of Adam under control
PROPANOL, STARTS = "CCCO", 8
CARTESIAN: dict[str, Any] = {"coordinates": "cartesian", "lr": 0.02, "b1": B1, "b2": LASTING}
INTERNAL: dict[str, Any] = {
    "coordinates": "internal",
    "lr": 0.3,
    "b1": 0.2,
    "b2": LASTING,
    "eps": 1e-8,
}  # eps tells no scale
KINDS = {"stretch": "bonds", "angle": "angles", "torsion": "torsions"}  # those that are drawn


def model(seed: int) -> Outcome:
    scales = {
        "equal displacements": settled(np.full(STIFFNESS.size, 0.1)),
        "equal energies": settled(np.sqrt(2 * SHARE / STIFFNESS)),
        "ringing, without control": ringing(),
    }
    ends = {"all": slice(None), "soft": slice(0, FEW), "stiff": slice(-FEW, None)}
    laws = (  # which springs, and the power of k that theory gives √v there
        ("equal displacements", "all", 1.0),
        ("equal energies", "soft", 0.25),
        ("equal energies", "stiff", 1.0),
        ("ringing, without control", "all", 1.0),
    )
    theory = [
        Series(
            f"slope {power:g}: {name}, {which}",
            STIFFNESS[ends[which]],
            line(power, STIFFNESS[ends[which]], scales[name][ends[which]]),
            "theory",
        )
        for name, which, power in laws
    ]
    numbers = [
        Number(
            f"power of k in √v, {name}, {which} springs",
            slope(STIFFNESS[ends[which]], scales[name][ends[which]]),
            power,
            ROUGH,
        )
        for name, which, power in laws
    ]
    chart = Chart(
        "What Adam's second moment is, on springs",
        "k (eV/Å²)",
        "√v (eV/Å)",
        [*(Series(name, STIFFNESS, scale, "points") for name, scale in scales.items()), *theory],
        "xy",
        f"Adam under control for {CALLS} calls, from displacements or energies that all springs share; and without "
        f"control in the end, where all ring equally far. lr {LR} Å.",
    )
    return Outcome(
        (chart,),
        numbers,
        "Adam's √v is k times how far a spring has been from rest. Where all start with one energy it grows as k to "
        f"the power of {numbers[1].measured:.2f} on soft springs and of {numbers[2].measured:.2f} on stiff ones: it "
        "is the stiffness only where displacements are alike.",
    )


def settled(start: Array) -> Array:
    """(n,) √v after some calls of Adam under control from these displacements (n,)."""
    import molopt

    track = follow(surfaces.quadratic(STIFFNESS, start), molopt.Adam, CALLS, lr=LR, b1=B1, b2=LASTING)
    return learned_scale(track, LASTING)[-1]


def ringing() -> Array:
    """(n,) the same in the end, without control, from displacements that fall with the stiffness."""
    import molopt

    surface = surfaces.quadratic(STIFFNESS, np.sqrt(2 * SHARE / STIFFNESS))
    return learned_scale(follow(surface, molopt.Adam, LONG, lr=LR, b1=B1, b2=FADING, control=None), FADING)[-1]


def slope(x: Array, y: Array) -> float:
    """Of log y over log x."""
    return float(linregress(np.log(x), np.log(y)).slope)


def line(power: float, x: Array, y: Array) -> Array:
    """x to this power, through the middle of the points."""
    return np.asarray(x**power * np.exp(np.mean(np.log(y) - power * np.log(x))))


def spread(values: Array) -> float:
    """The 95th percentile by the 5th."""
    low, high = np.percentile(values, (5, 95))
    return float(high / low)


class Learned(NamedTuple):
    """Of each coordinate of all runs, one after another."""

    stiffness: Array  # true, in the coordinates that the rule sees
    scale: Array  # the root of v
    bare: Array  # true, in A and rad (internals alone)
    kinds: Array  # names (internals alone)


def molecule(seed: int) -> Outcome:
    cartesian, internal = learned(seed)
    rank = float(spearmanr(cartesian.stiffness, cartesian.scale).statistic)
    within = float(spearmanr(internal.stiffness, internal.scale).statistic)
    power = slope(cartesian.stiffness, cartesian.scale)
    spreads = {
        "Cartesian entries": spread(cartesian.stiffness),
        "internals in Å and rad": spread(internal.bare),
        "internals as the rule sees them": spread(internal.stiffness),
    }
    ends = np.array([cartesian.stiffness.min(), cartesian.stiffness.max()])
    in_cartesians = Chart(
        "1-Propanol: Adam's second moment in Cartesian coordinates",
        "H_ii (eV/Å²)",
        "√v (eV/Å)",
        [
            Series("entries of all runs", cartesian.stiffness, cartesian.scale, "points"),
            *(
                Series(
                    f"slope {each:g}",
                    ends,
                    ends**each * np.exp(np.mean(np.log(cartesian.scale) - each * np.log(cartesian.stiffness))),
                    "theory",
                )
                for each in (1.0, 0.5)
            ),
        ],
        "xy",
        f"MMFF94, {STARTS} embeddings, Adam under control until fmax 0.001 eV/Å; H of the end.",
    )
    groups = {name: internal.kinds == kind for kind, name in KINDS.items()}
    middle = float(np.exp(np.mean(np.log(internal.scale))))
    in_internals = Chart(
        "1-Propanol: Adam's second moment in internal coordinates",
        "true curvature in that of the model Hessian",
        "√v (√eV)",
        [
            *(
                Series(name, internal.stiffness[those], internal.scale[those], "points")
                for name, those in groups.items()
            ),
            Series("no stiffness in it", [internal.stiffness.min(), internal.stiffness.max()], [middle] * 2, "theory"),
        ],
        "xy",
        "The gradient that the rule sees there is the displacement to the model's minimum.",
    )
    bare, seen = spreads["internals in Å and rad"], spreads["internals as the rule sees them"]
    numbers = [
        Number("rank correlation of √v and H_ii, Cartesian", rank, least=0.4),
        Number("slope of log √v over log H_ii, Cartesian", power, least=0.3, most=1.0),
        Number("rank correlation of √v and true curvature, internal", within, most=0.2),
        *(Number(f"95th percentile of true curvatures by the 5th, {name}", wide) for name, wide in spreads.items()),
        Number("the last by the one before", seen / bare, most=0.1),
    ]
    return Outcome(
        (in_cartesians, in_internals),
        numbers,
        f"In Cartesians Adam learns something of the stiffness (rank correlation {rank:.2f}, slope {power:.2f}). In "
        f"internals it does not ({within:.2f}), and need not: in units of the model Hessian curvatures differ "
        f"{seen:.0f}-fold, in Å and rad {bare:.0f}-fold.",
    )


def learned(seed: int) -> tuple[Learned, Learned]:
    """What Adam has learned in Cartesians and in internals, on runs from the same embeddings."""
    import molopt

    propanol = molopt.Molecule.from_smiles(PROPANOL)
    found: tuple[list[Learned], list[Learned]] = ([], [])
    for positions in embedded(propanol, STARTS, seed):
        for runs, settings in zip(found, (CARTESIAN, INTERNAL), strict=True):
            atoms = propanol.atoms()
            atoms.positions = positions
            atoms.calc = molopt.potential("mmff94", propanol)
            made = molopt.Adam(atoms, logfile=None, **settings)
            made.run(fmax=1e-3, steps=1000)
            modes = molopt.check(atoms, frequencies=True).frequencies
            assert modes is not None
            runs.append(of_run(made, modes.hessian))
    cartesian, internal = (Learned(*map(np.concatenate, zip(*runs, strict=True))) for runs in found)
    return cartesian, internal


def of_run(made: Any, hessian: Array) -> Learned:
    """What a run of Adam has learned; its end has this Hessian (3N, 3N), eV/A^2."""
    t, _, v = made.memory.after
    scale = np.sqrt(v / (1 - LASTING ** t[0]))
    if made.sees == "cartesian":
        return Learned(np.diag(hessian), scale, np.diag(hessian), np.full(scale.size, "cartesian"))
    here = made.coordinates.linearize(made.atoms.positions.ravel(), -made.atoms.get_forces().ravel())
    along = here.to_cartesian(np.eye(scale.size))  # (3N, nq) A for a unit of each coordinate
    stiffness = np.einsum("iq,ij,jq->q", along, hessian, along)
    kinds = np.empty(scale.size, dtype=object)
    for kind, part in made.member.primitives.slices.items():
        kinds[part] = kind
    return Learned(stiffness, scale, stiffness * made.member.stiffness, kinds)


EXPERIMENT = Experiment(
    "learned-scale",
    "The learned scale",
    "Adam's v learns how stiff each coordinate is times how far it has been from rest: in Cartesians something of the "
    "stiffness, in molopt's internals nothing of it.",
    "On springs g = k x, so √v is k times the root mean square of x on the way. It is proportional to k where all "
    "springs have been equally far from rest, as where Adam rings without control. From equal energies x starts at "
    "k^(-1/2). A spring that is farther than lr is on its way for x / lr calls, and the mean square of x grows as "
    "x³: √v grows as k^(1/4). One that is nearer than lr is thrown lr too far, and √v is proportional to k again. In "
    "molopt's internals the rule sees the gradient in the metric of the model Hessian, which is a displacement: "
    "where the model is right it knows nothing of the stiffness, which has been divided out.",
    model,
    molecule,
    ("D. P. Kingma, J. Ba, arXiv 1412.6980 (2014)", "J. M. Cohen et al., arXiv 2207.14484 (2022)"),
)
