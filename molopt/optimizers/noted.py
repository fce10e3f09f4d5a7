"""What an optimizer knows of the step that led to a frame of its trajectory, kept beside the atoms of that frame.

ASE's readers pass over it. A trajectory that was copied by ASE does not have it any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from ase import Atoms

from molopt.control.drive import Memory
from molopt.coordinates import Internal
from molopt.coordinates.base import Coordinates
from molopt.coordinates.kinds import KINDS
from molopt.directions.checks import CHECK, PLAIN, PROBE, PUSH, Checks
from molopt.rules.partition import Array
from molopt.rules.state import axes, to_plain

if TYPE_CHECKING:
    from molopt.optimizers.continuing import ContinuingOptimizer

KEY = "molopt"  # of the frame's own data
LARGEST = 1e30  # of what a rule remembers: the squares of what is larger are not finite
STEP = {PLAIN: "step", PROBE: "probe", CHECK: "check", PUSH: "push"}
GROUPS = (*dict.fromkeys(kind.group for kind in KINDS), "atoms")  # bonds, angles, torsions, fragments; Cartesians


@dataclass(frozen=True, eq=False)
class Noted:
    """The step that led to a geometry, as the optimizer that took it knows it.

    Attributes
    ----------
    step : int
        Its number.
    start : int or None
        The number of the step that had led to where it began; None where that was before this file. A step that was
        rejected is one that none begins at.
    kind : str
        "step"; "probe", with a small displacement besides that shows curvature; "check" or "push", of the check of the
        curvature (`molopt.directions.Checked`).
    shortened : bool
        Whether a cap or the trust radius made it shorter than proposed.
    control : dict of str to float
        What the control remembers: its rate and the one applied, or its radius, sqrt(eV).
    predicted : float
        Change of the energy that the direction promised, eV; NaN of rules, which promise none.
    groups : (nq,) array of int
        Which of `GROUPS` each entry of the coordinates is of.
    gradient : (nq,) array
        What the rule saw where the step began: the natural gradient, sqrt(eV) in internals, eV/A in Cartesians.
    proposed : (nq,) array
        The displacement before control, sqrt(eV) in internals, A in Cartesians.
    memory : dict of str to (nq,) arrays
        What the rule remembers of each entry once it has seen that gradient: m and v of Adam, in the gradient's unit
        and its square. Empty of quasi-Newton, whose memory are steps.
    """

    step: int
    start: int | None
    kind: str
    shortened: bool
    predicted: float
    groups: Array
    gradient: Array
    proposed: Array
    control: Mapping[str, float] = field(default_factory=dict)
    memory: Mapping[str, Array] = field(default_factory=dict)

    @classmethod
    def of(cls, optimizer: "ContinuingOptimizer") -> Self | None:
        """The step that led to the present geometry; None where none did, or of several systems or images at once."""
        memory, coordinates = optimizer.memory, optimizer.coordinates
        if memory is None or coordinates is None or not isinstance(optimizer.atoms, Atoms):
            return None
        if optimizer.expected is None or not np.array_equal(optimizer.optimizable.get_x(), optimizer.expected):
            return None  # it was put back to where it had been before
        kind = int(memory.after.kind[0]) if isinstance(memory.after, Checks) else PLAIN
        return cls(
            step=int(optimizer.nsteps),
            start=optimizer.began_at,
            kind=STEP[kind],
            shortened=kind < CHECK and bool(optimizer.control.shortened(memory.control)[0]),
            predicted=float(memory.proposal.predicted[0]),
            groups=groups_of(coordinates),
            gradient=coordinates.observe(memory.linearization, np.zeros_like(memory.proposal.displacement)).gradient,
            proposed=memory.proposal.displacement,
            control={name: float(value[0]) for name, value in to_plain(memory.control).items()},
            memory=remembered(memory),
        )

    def plain(self) -> dict[str, Any]:
        """For a file: arrays to seven digits, which is enough to look at."""
        arrays = {"gradient": self.gradient, "proposed": self.proposed}
        found: dict[str, Any] = {name: np.asarray(value, dtype=np.float32) for name, value in arrays.items()}
        found["groups"] = self.groups.astype(np.int8)
        found |= {"step": self.step, "start": self.start, "kind": self.kind, "shortened": self.shortened}
        found |= {"predicted": self.predicted, "control": dict(self.control), "remembers": list(self.memory)}
        return found | {f"of_{name}": np.asarray(value, dtype=np.float32) for name, value in self.memory.items()}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """What `plain` wrote; ValueError, KeyError or TypeError where it is not that."""
        groups = np.array(plain["groups"])
        if groups.ndim != 1 or groups.dtype.kind != "i" or not ((groups >= 0) & (groups < len(GROUPS))).all():
            raise ValueError("its groups are not known")
        entries = {name: np.array(plain[name], dtype=float) for name in ("gradient", "proposed")}
        if not all(str(name).isidentifier() for name in plain["remembers"]) or plain["kind"] not in STEP.values():
            raise ValueError("its names are not known")
        memory = {str(name): np.array(plain[f"of_{name}"], dtype=float) for name in plain["remembers"]}
        if any(value.shape != groups.shape for value in (*entries.values(), *memory.values())):
            raise ValueError("its arrays are not of one length")
        if not all(np.isfinite(value).all() for value in (*entries.values(), *memory.values())):
            raise ValueError("its arrays are not finite")
        if max((float(np.abs(value).max(initial=0.0)) for value in memory.values()), default=0.0) > LARGEST:
            raise ValueError("its memory is too large")
        start, numbers = plain["start"], (plain["step"], 0 if plain["start"] is None else plain["start"])
        if any(type(number) is not int for number in numbers) or type(plain["shortened"]) is not bool:
            raise ValueError("its step is not known")
        return cls(
            step=plain["step"],
            start=start,
            kind=str(plain["kind"]),
            shortened=plain["shortened"],
            predicted=float(plain["predicted"]),
            groups=groups,
            control={str(name): float(value) for name, value in plain["control"].items() if str(name).isidentifier()},
            memory=memory,
            **entries,
        )


def groups_of(coordinates: Coordinates[Any]) -> Array:
    """(nq,) which of `GROUPS` each entry is of."""
    if not isinstance(coordinates, Internal):
        return np.full(coordinates.layout.entries.total, GROUPS.index("atoms"))
    present = coordinates.members[0].primitives.present
    return np.concatenate([np.full(part.stop - part.start, GROUPS.index(kind.group)) for kind, part in present])


def remembered(memory: Memory[Any, Any, Any]) -> dict[str, Array]:
    """What the rule of a run keeps of each entry, by its name."""
    state: Any = memory.after.inner if isinstance(memory.after, Checks) else memory.after
    kind: Any = type(state)
    size = memory.proposal.displacement.shape
    return {
        name: value
        for (name, axis), value in zip(axes(kind).items(), state, strict=True)
        if axis == "entry" and np.shape(value) == size
    }
