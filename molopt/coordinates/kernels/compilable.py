"""Which systems kernels serve, and what the systems of one molecule share there."""

from typing import NamedTuple
from weakref import WeakKeyDictionary

from molopt.coordinates.kernels.compiling import available
from molopt.coordinates.kernels.tables import Chart, Pattern, Springs, chart_of, pattern_of, springs_of
from molopt.coordinates.member import Member
from molopt.coordinates.metric import Model
from molopt.coordinates.metric_table import MetricTable, Scaling
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.rigid import nothing

LARGEST = 300  # atoms; beyond, the sparse factors of SciPy are as fast (docs/benchmarks/kernels.py)


class Tables(NamedTuple):
    """What all systems of one molecule share."""

    chart: Chart
    springs: Springs
    pattern: Pattern


known: WeakKeyDictionary[Primitives, tuple[MetricTable, Tables]] = WeakKeyDictionary()


def compilable(member: Member) -> bool:
    """Whether kernels serve a system: numba is there, and its coordinates are of the plain kind.

    These are stretches, angles, bends, torsions and planes of a molecule that is free to move as a whole, without
    constraints, whose model Hessian is a table of springs.
    """
    primitives = member.primitives
    return (
        available()
        and 1 < primitives.natoms <= LARGEST
        and not (primitives.sizes["fragment"] or primitives.sizes["point"])
        and primitives.count > 0
        and member.free
        and member.forbidden is nothing
        and bool(member.movable.all())
        and isinstance(member.metric, Model)
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
    table = model_of(member).table
    found = known.get(member.primitives)
    if found is None or found[0] is not table:
        chart, springs = chart_of(member.primitives), springs_of(table)
        tables = Tables(chart, springs, pattern_of(chart, springs, member.primitives.natoms))
        found = known[member.primitives] = (table, tables)
    return found[1]
