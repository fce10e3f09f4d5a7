r"""Force constants of springs by least squares, none negative, on the Hessians of molecules.

.. math:: \min_{k \ge 0} \sum_{molecules} \Big| W \Big(H - \sum_c k_c M_c\Big) W^T \Big|^2

M_c is the Hessian of the springs of class c with constants of 1, H that of the potential in internal coordinates (what
its forces make by the bending of coordinates is taken out), W^T W the inverse of the mean of H and the model: errors
count relative to the stiffness of the direction they are in, which is what a step feels. W needs the model, so it is
done three times. A class is drawn to the wider one that stands in for it, the more so the fewer springs it has.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg
from scipy.optimize import lsq_linear

from molopt.coordinates.bending import bending
from molopt.coordinates.classes import CONTACT_NAMES, MARK, MOST_NEIGHBOURS, Classes, Names
from molopt.coordinates.evaluation import values
from molopt.coordinates.inverse import Projected
from molopt.coordinates.kinds import PER_AREA
from molopt.coordinates.learned import Table, floor_of
from molopt.coordinates.metric import pair_rows
from molopt.coordinates.model_hessian import (
    DISTANCES,
    HELD,
    REACH,
    by_planarity,
    candidates,
    distant,
    lengths,
    planarity,
    stretches,
    torsions,
)
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.rigid import rigid_motions
from molopt.coordinates.springs import COUPLED, NODES, Springs
from molopt.coordinates.topology import Topology
from molopt.fitting.hessians import Sample
from molopt.optimizers.internals import Recipe
from molopt.rules.partition import Array

UNRELAXED = 0.3  # weight of the Hessian of an embedding beside that of a minimum
GROUND = 0.3  # eV/A^2, added to W's metric: softer directions do not count by their own measure
ROUNDS = 3
TOWARDS_WIDER = 0.02  # ridge, relative to the norm of a class
TOWARDS_LITERATURE = 1e-3  # of wider classes
WEAK = 1.0  # times the median norm of a class: below, the ridge is absolute
STIFFEST = {"stretch": 200.0, "torsion": 10.0, "contact": 10.0}  # eV/A^2, eV/rad^2: more is not chemistry
RARE = 3  # springs that a class of its own must have
NEGLIGIBLE = 1e-3  # weight of a node


class Class(NamedTuple):
    """What has one constant."""

    kind: str
    group: str
    node: int


@dataclass(frozen=True, eq=False)
class Case:
    """One Hessian and the springs that make it up."""

    hessian: Array  # (3N, 3N) in internal coordinates, rigid motions taken out
    size: Array  # (3N, 3N) its absolute value
    rigid: Array
    fixed: Array  # (3N, 3N) of fragments, points and classes whose constants are given
    springs: list[tuple[Class, Class, Array]]  # own class, wider class, (n, 3N) rows times the roots of their weights
    weight: float


def literature(name: Class) -> float:
    """Fischer and Almlof's constant of a stretch at the sum of covalent radii, eV/A^2; 0 for all else."""
    return 0.3601 * PER_AREA if name.kind == "stretch" else 0.0


def case(sample: Sample) -> Case:
    """The equations of one Hessian."""
    atoms, x = sample.atoms, sample.atoms.positions.ravel()
    recipe = Recipe.of(atoms, "fischer-almlof")
    coordinates = recipe.build(x, gradient=sample.gradient)
    primitives, rigid = coordinates.primitives, rigid_motions(atoms.positions)
    b = primitives.jacobian(x)
    a = coordinates.rows(x).sparse
    slope = coordinates.roots * (a @ Projected(a.T @ a, rigid)(sample.gradient))
    outside = np.eye(x.size) - rigid @ rigid.T
    hessian = outside @ (sample.hessian - bending(primitives, x, slope)) @ outside
    values, vectors = np.linalg.eigh(hessian)
    constants = np.zeros(primitives.count)
    for kind, part in primitives.present:
        constants[part] = 0.0 if kind.name in NODES else kind.stiffness
    rest = b[np.flatnonzero(constants)].toarray()
    return Case(
        hessian=hessian,
        size=(vectors * np.abs(values)) @ vectors.T,
        rigid=rigid,
        fixed=rest.T @ (constants[constants > 0, None] * rest),
        springs=list(rows_of(primitives, recipe.topology, x, b.toarray())),
        weight=1.0 if sample.relaxed else UNRELAXED,
    )


def rows_of(primitives: Primitives, topology: Topology, x: Array, b: Array) -> Iterable[tuple[Class, Class, Array]]:
    """Own class, wider class and weighted rows of all springs at x (3N,), where b (nq, 3N) is dq/dx.

    A constant is linear in those of the nodes: the weight of a node is the constant where this one is 1 and all others
    are 0.
    """
    nodes = [Springs(primitives, topology, partial(unit, node)) for node in range(max(NODES.values()))]
    springs, xyz, q = nodes[0], x.reshape(-1, 3), values(primitives, x)
    p = planarity(springs.planarity(), xyz)
    found: dict[str, Callable[[Springs], Array]] = {
        "stretch": lambda node: stretches(node.stretches(), q),
        "angle": lambda node: by_planarity(node.angles().constants, p[node.angles().centres]),
        "torsion": lambda node: torsions(node.torsions(), xyz, q, p),
    }
    for kind, classes in springs.diagonal.items():
        here = nodes[: NODES[kind]]
        steady = np.ones((len(classes.groups), 1))
        weights = np.stack([found[kind](node) for node in here], axis=1) if kind in found else steady
        yield from by_class(kind, classes, weights, b[primitives.slices[kind]])
    for kind, (classes, first, second, centres) in springs.coupled().items():
        for sign, factor in (("+", 1.0), ("-", -1.0)):
            weights = flat_and_not(p[centres])[:, : NODES[kind + sign]]
            yield from by_class(kind + sign, classes, weights, COUPLED[kind] * b[first] + factor * b[second])
    pairs = springs.around[:, [0, 2]]
    gap = xyz[pairs[:, 0]] - xyz[pairs[:, 1]]
    dense = pair_rows(pairs, gap / lengths(gap)[:, None], x.size).toarray()
    yield from by_class("geminal", springs.geminal_classes, flat_and_not(p[springs.around[:, 1]]), dense)
    contacts = [node.contacts() for node in nodes[: DISTANCES.number]]
    kinds, radii, groups, _ = contacts[0]
    pairs, gap, r = candidates(topology.apart, distant(topology.apart), 2 * REACH * float(radii.max()), xyz)
    ratio = r / radii[pairs].sum(axis=1)
    close = ratio < REACH
    (i, j), ratio = pairs[close].T, np.maximum(ratio[close], HELD)
    group = groups[(topology.apart[i, j] > 3).astype(int), kinds[i], kinds[j]]
    weights = np.stack([DISTANCES.at(ratio, node.pieces, group) for node in contacts], axis=1)
    dense = pair_rows(pairs[close], gap[close] / r[close, None], x.size).toarray()
    yield from by_class("contact", Classes(CONTACT_NAMES, group), weights, dense)


def unit(node: int, kind: str, names: list[Names], unseen: float = 0.0) -> Array:
    """(len(names), nodes) constants of which those of one node are 1."""
    return np.tile(np.arange(NODES[kind]) == node, (len(names), 1)).astype(float)


def flat_and_not(p: Array) -> Array:
    """(n, 2) weights of flat centres and of others."""
    return np.stack([p, 1 - p], axis=1)


def by_class(kind: str, classes: Classes, weights: Array, rows: Array) -> Iterable[tuple[Class, Class, Array]]:
    for group in np.unique(classes.groups).tolist():
        own, wide = classes.names[group]
        members = np.flatnonzero(classes.groups == group)
        for node in range(weights.shape[1]):
            weight = weights[members, node]
            if weight.max(initial=0.0) > NEGLIGIBLE:
                yield Class(kind, own, node), Class(kind, wide, node), rows[members] * np.sqrt(weight)[:, None]


def fitted(samples: Sequence[Sample]) -> Table:
    """Constants of all classes that the samples have: kind -> group -> one a node."""
    cases = [case(sample) for sample in samples]
    models = [one.size for one in cases]
    own: dict[Class, float] = {}
    for _ in range(ROUNDS):
        wider, _ = constants(cases, models, lambda own, wide: wide, literature, TOWARDS_LITERATURE)
        above = {first: second for one in cases for first, second, _ in one.springs}
        prior = {name: literature(name) or wider[above[name]] for name in above}
        own, counts = constants(cases, models, lambda own, wide: own, prior.__getitem__, TOWARDS_WIDER)
        models = [(model(one, own) + one.size) / 2 for one in cases]
    return tabulated(own, wider, above, counts)


def fitted_beyond(samples: Sequence[Sample], given: Table) -> Table:
    """Constants of the classes that the samples have and a table does not, whose own constants stay as they are.

    These classes are few springs of many elements: a bond has one constant, which Fischer's and Almlof's decay takes to
    other lengths, and a wider class the median of those that it stands in for; a fit of all of them together would
    follow the softest, as errors are relative.
    """
    cases = [one for one in (beyond(case(sample), given) for sample in samples) if one.springs]
    models = [one.size for one in cases]
    above = {first: second for one in cases for first, second, _ in one.springs}
    for _ in range(ROUNDS):
        alone, _ = constants(cases, models, lambda own, wide: own, literature, TOWARDS_LITERATURE)
        below: dict[Class, list[float]] = defaultdict(list)
        for first, second in above.items():
            below[second].append(alone[first])
        wider = {name: float(np.median(found)) for name, found in below.items()}
        prior = {name: wider[above[name]] for name in above}
        own, counts = constants(cases, models, lambda own, wide: own, prior.__getitem__, TOWARDS_WIDER)
        models = [(model(one, own) + one.size) / 2 for one in cases]
    table = tabulated(at_all_lengths(own), at_all_lengths(wider), above, at_all_lengths(counts))
    haptic = {f"{MARK}{group}{MOST_NEIGHBOURS}" for group in "MAX"}  # from rings bound side-on: not for seven fluorines
    return {
        kind: {group: row for group, row in rows.items() if group.startswith(MARK) and group not in haptic}
        for kind, rows in table.items()
    }


def at_all_lengths(known: dict[Class, Any]) -> dict[Class, Any]:
    """What is known of each class, with that of bonds at every node."""
    return {
        node: k
        for name, k in known.items()
        for node in ([name._replace(node=n) for n in range(NODES["stretch"])] if name.kind == "stretch" else [name])
    }


def beyond(one: Case, given: Table) -> Case:
    """The equations of the classes that a table does not have; its own springs are part of what is fixed."""
    fixed, unknown = one.fixed.copy(), []
    for own, wide, rows in one.springs:
        name = next((name for name in (own, wide) if name.group in given.get(name.kind, {})), None)
        if name is not None:
            fixed += given[name.kind][name.group][name.node] * rows.T @ rows
        elif own.kind == "stretch":
            unknown.append((own._replace(node=0), wide._replace(node=0), rows))
        else:
            unknown.append((own, wide, rows))
    return replace(one, fixed=fixed, springs=unknown)


def constants(
    cases: Sequence[Case],
    models: Sequence[Array],
    choose: Callable[[Class, Class], Class],
    prior: Callable[[Class], float],
    ridge: float,
) -> tuple[dict[Class, float], dict[Class, int]]:
    """The best constants, drawn to a prior, and how many springs each class has."""
    names = sorted({choose(own, wide) for one in cases for own, wide, _ in one.springs})
    place = {name: n for n, name in enumerate(names)}
    normal, right = np.zeros((len(names), len(names))), np.zeros(len(names))
    counts: dict[Class, int] = defaultdict(int)
    for one, metric in zip(cases, models, strict=True):
        whiten = whitening(one, metric)
        columns: dict[int, Array] = {}
        for own, wide, rows in one.springs:
            name = choose(own, wide)
            white = whiten(rows)
            columns[place[name]] = columns.get(place[name], 0.0) + packed(white.T @ white)
            counts[name] += len(rows)
        goal = packed(whiten(whiten(one.hessian - one.fixed).T))
        used = list(columns)
        table = one.weight * np.array([columns[n] for n in used])
        normal[np.ix_(used, used)] += table @ table.T
        right[used] += table @ (one.weight * goal)
    scale = 1 / np.sqrt(np.diag(normal))
    before = np.array([prior(name) for name in names]) / scale
    pull = ridge * (1 + WEAK * np.median(np.diag(normal)) * scale**2)  # hardly seen: as the prior says
    factor = linalg.cholesky(normal * scale[:, None] * scale + np.diag(pull))
    goal = linalg.solve_triangular(factor, right * scale + pull * before, trans="T")
    least = np.array([floor_of(name.kind, name.group) for name in names]) / scale
    most = np.array([STIFFEST.get(name.kind, np.inf) for name in names]) / scale
    best = lsq_linear(factor, goal, (least, most)).x * scale
    return dict(zip(names, best.tolist(), strict=True)), dict(counts)


def whitening(one: Case, metric: Array) -> Callable[[Array], Array]:
    """Rows (n, 3N) -> rows W^T."""
    stiff = GROUND * np.eye(len(metric)) + 1e3 * one.rigid @ one.rigid.T
    lower = linalg.cholesky(metric + stiff, lower=True)
    return lambda rows: linalg.solve_triangular(lower, rows.T, lower=True).T


def packed(matrix: Array) -> Array:
    """A symmetric matrix as a vector of the same norm."""
    i, j = np.triu_indices(len(matrix))
    return matrix[i, j] * np.where(i == j, 1.0, np.sqrt(2.0))


def model(one: Case, known: dict[Class, float]) -> Array:
    """(3N, 3N) the model Hessian with these constants, those of wider classes where a class has none."""
    total = one.fixed.copy()
    for own, wide, rows in one.springs:
        total += known.get(own, known.get(wide, 0.0)) * rows.T @ rows
    return total


def tabulated(
    own: dict[Class, float], wider: dict[Class, float], above: dict[Class, Class], counts: dict[Class, int]
) -> Table:
    """One list of constants for each group; nodes that were never seen take those of the wider class."""
    table: dict[str, dict[str, list[float]]] = defaultdict(dict)
    for kind, group in sorted({(name.kind, name.group) for name in wider}):
        nodes = range(NODES[kind])
        seen = [node for node in nodes if Class(kind, group, node) in wider]
        nearest = [Class(kind, group, seen[int(np.abs(np.array(seen) - node).argmin())]) for node in nodes]
        unseen = [literature(name) or wider[name] for name in nearest]
        constants = [wider.get(Class(kind, group, node), unseen[node]) for node in nodes]
        table[kind][group] = [round(constant, 5) for constant in constants]
    for kind, group in sorted({(name.kind, name.group) for name in own}):
        members = [name for name in own if name[:2] == (kind, group)]
        if sum(counts[name] for name in members) >= RARE and group not in table[kind]:
            constants = list(table[kind][above[members[0]].group])
            for name in members:
                constants[name.node] = round(own[name], 5)
            table[kind][group] = constants
    return dict(table)


def held_out_error(samples: Sequence[Sample], table: Table) -> float:
    """Norm of W (H - M) W^T over that of W H W^T, root mean square over samples at minima."""
    wrong = right = 0.0
    known = {
        Class(kind, group, n): k
        for kind, rows in table.items()
        for group, row in rows.items()
        for n, k in enumerate(row)
    }
    for one in (case(sample) for sample in samples if sample.relaxed):
        found = model(one, known)
        whiten = whitening(one, (found + one.size) / 2)
        wrong += float(np.sum(whiten(whiten(one.hessian - found).T) ** 2)) / len(found)
        right += float(np.sum(whiten(whiten(one.hessian).T) ** 2)) / len(found)
    return float(np.sqrt(wrong / right))
