"""Which systems kernels serve, and what the systems of one molecule share there."""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from molopt.coordinates.member import Member
from molopt.coordinates.metric import Model
from molopt.coordinates.metric_table import MetricTable, Scaling
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.rigid import nothing

if TYPE_CHECKING:  # numba takes its time: it is imported where a system is to be served
    from molopt.coordinates.kernels.tables import Chart, Pattern, Springs

MOST = 4  # tables of springs that are kept of one list
LARGEST = 1000  # atoms; tables of all pairs of them take 20 MB, and kernels are still five times as fast as SciPy


class Tables(NamedTuple):
    """What all systems of one molecule share."""

    chart: "Chart"
    springs: "Springs"
    pattern: "Pattern"


known: WeakKeyDictionary[Primitives, list[tuple[MetricTable, Tables]]] = WeakKeyDictionary()


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
        and not (primitives.sizes["fragment"] or primitives.sizes["point"])
        and primitives.count > 0
        and member.free
        and member.forbidden is nothing
        and bool(member.movable.all())
        and isinstance(member.metric, Model)
        and available()
    )


def alike(one: Member, other: Member) -> bool:
    """Whether two systems that kernels serve may be served together: conformers of one molecule."""
    return one.primitives is other.primitives and model_of(one).table is model_of(other).table


def model_of(member: Member) -> Model:
    """The model Hessian of a system that kernels serve."""
    assert isinstance(member.metric, Model)
    return member.metric


def scaling_of(member: Member) -> Scaling:
    """What belongs to one system alone."""
    return model_of(member).scaling


def tables_of(member: Member) -> Tables:
    """Those of a system, made once for all that have its lists."""
    from molopt.coordinates.kernels.tables import chart_of, pattern_of, springs_of

    table, primitives = model_of(member).table, member.primitives
    found = known.setdefault(primitives, [])
    for one, tables in found:
        if one is table:
            return tables
    springs = springs_of(table)
    if found:  # that of an estimate of the energy left, say, with springs at the same places
        chart, _, pattern = found[0][1]
    else:
        chart = chart_of(primitives)
        pattern = pattern_of(chart, springs, primitives.natoms)
    tables = Tables(chart, springs, pattern)
    known[primitives] = [*found, (table, tables)][-MOST:]
    return tables
