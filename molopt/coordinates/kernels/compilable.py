"""Which systems kernels serve, and the tables that those of one molecule share."""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from molopt.coordinates.member import Member
from molopt.coordinates.metric import Model
from molopt.coordinates.metric_table import MetricTable, Scaling
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.rigid import nothing
from molopt.rules.partition import Array

if TYPE_CHECKING:  # numba takes its time: it is imported where a system is to be served
    from molopt.coordinates.kernels.tables import Tables

MOST = 4  # tables of springs that are kept of one list
PLAIN = frozenset(("stretch", "angle", "bend", "torsion", "plane"))  # the kinds that kernels have formulas of
LARGEST = 1000  # atoms; tables of all pairs of them take 20 MB, and kernels are still five times as fast as SciPy


known: WeakKeyDictionary[Primitives, list[tuple[MetricTable, "Tables", Any]]] = WeakKeyDictionary()


@cache
def available() -> bool:
    """Whether numba is installed, and works with the NumPy that is."""
    try:
        import_module("numba")
    except ImportError:
        return False
    return True


def compilable(member: Member) -> bool:
    """Whether kernels serve a system: numba is there, and its coordinates are of the plain kind.

    These are stretches, angles, bends, torsions and planes of a molecule that is free to move as a whole, without
    constraints, whose model Hessian is a table of springs.
    """
    primitives = member.primitives
    return (
        1 < primitives.natoms <= LARGEST
        and all(kind.name in PLAIN for kind, _ in primitives.present)
        and primitives.count > 0
        and member.free
        and member.forbidden is nothing
        and bool(member.movable.all())
        and isinstance(member.metric, Model)
        and available()
    )


def model_of(member: Member) -> Model:
    """The model Hessian of a system that kernels serve."""
    assert isinstance(member.metric, Model)
    return member.metric


def scaling_of(member: Member) -> Scaling:
    """What belongs to one system alone."""
    return model_of(member).scaling


def shelf_of(members: Sequence[Member]) -> tuple[Any, Array]:
    """The list of the tables of systems that kernels serve, and which of them is that of each system (S,)."""
    from molopt.coordinates.kernels.systems import one_after_another, put_at_end

    shelves = [tables_of(member) for member in members]
    numbers: dict[int, int] = {}
    which = np.array([numbers.setdefault(id(shelf), len(numbers)) for shelf in shelves])
    first, *rest = {id(shelf): shelf for shelf in shelves}.values()
    if not rest:
        return first, which
    found = one_after_another(first, rest[0])
    for shelf in rest[1:]:
        put_at_end(found, shelf)
    return found, which


def tables_of(member: Member) -> Any:
    """Those of a system as a list of one, made once for all that have its lists."""
    from molopt.coordinates.kernels.systems import alone
    from molopt.coordinates.kernels.tables import Tables, chart_of, pattern_of, signs_of, springs_of

    table, primitives = model_of(member).table, member.primitives
    found = known.setdefault(primitives, [])
    for one, _, shelf in found:
        if one is table:
            return shelf
    springs = springs_of(table)
    if found:  # that of an estimate of the energy left, say, with springs at the same places
        chart, _, pattern, signs = found[0][1]
    else:
        chart = chart_of(primitives)
        pattern, signs = pattern_of(chart, springs, primitives.natoms), signs_of(primitives)
    tables = Tables(chart, springs, pattern, signs)
    shelf = alone(tables)
    known[primitives] = [*found, (table, tables, shelf)][-MOST:]
    return shelf
