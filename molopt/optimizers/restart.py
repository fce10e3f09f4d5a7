"""The restart file: everything that the next step depends on, and which run it is of, as JSON."""

import glob
import hashlib
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from ase.filters import StrainFilter
from ase.optimize.optimize import RestartError

import molopt
from molopt.control.drive import Memory, Point
from molopt.coordinates import Internal
from molopt.coordinates.base import Coordinates
from molopt.directions import Proposal
from molopt.errors import InputError
from molopt.files import obstacle
from molopt.optimizers.internals import Recipe
from molopt.optimizers.json_arrays import checked, dumped, loaded
from molopt.optimizers.same_run import Place, check_place, check_run, identity, images_of, said
from molopt.rules.state import axes, from_plain, to_plain

if TYPE_CHECKING:
    from molopt.optimizers.continuing import ContinuingOptimizer

log = logging.getLogger("molopt")

FORMAT, SCHEMA = "molopt restart", 2
HUGE = 1e100  # beyond anything a run computes; its square can still be held


class Damaged(ValueError):
    """A file that is not as it was written."""


@dataclass(frozen=True)
class Beginning:
    """Which run it is, and where it began."""

    run: dict[str, Any]
    start: Place

    @classmethod
    def of(cls, optimizer: "ContinuingOptimizer") -> Self:
        return cls(identity(optimizer), Place.of(optimizer.atoms))


def restart_data(optimizer: "ContinuingOptimizer") -> dict[str, Any]:
    """The state of a run after a step, in plain values and arrays."""
    memory, beginning = optimizer.memory, optimizer.beginning
    assert memory is not None
    assert beginning is not None
    data: dict[str, Any] = {
        "run": beginning.run,
        "start": beginning.start._asdict(),
        "now": Place.of(optimizer.atoms)._asdict(),
        "point": to_plain(memory.point),
        "before": to_plain(memory.before),
        "after": to_plain(memory.after),
        "controlled": to_plain(memory.control),
        "proposal": to_plain(memory.proposal),
        "arrived": memory.arrived,
        "internal": None if optimizer.recipe is None else optimizer.recipe.plain(optimizer.member),
        "criteria": optimizer.stopping.plain(),
        "check": optimizer.checking.plain(),
    }
    if hasattr(optimizer.atoms, "orig_cell"):  # a cell filter measures deformation from here
        data["orig_cell"] = np.array(optimizer.atoms.orig_cell)
    return data


def write_restart(path: Path, data: dict[str, Any]) -> None:
    """Write beside the file, bring that to the disk, and only then rename; the one before is kept."""
    body = dumped(data)
    head = {"format": FORMAT, "schema": SCHEMA, "molopt": molopt.__version__, "sha256": digest(body)}
    path = Path(os.path.realpath(path))
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with open(draft, "w") as file:
            file.write(f'{json.dumps(head)[:-1]}, "body": {body}}}\n')
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            os.replace(path, previous(path))
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def remedy(path: Path) -> str:
    return f"delete it and {previous(path).name} to start over"


def previous(path: Path) -> Path:
    """Where the restart file of the step before is."""
    return path.with_name(path.name + ".before")


@dataclass(frozen=True)
class Restart:
    """What a restart file holds, checked against an optimizer that is to go on from it."""

    beginning: Beginning
    now: Place
    orig_cell: np.ndarray | None
    recipe: Recipe | None
    coordinates: Coordinates[Any]
    memory: Memory

    @classmethod
    def of(cls, optimizer: "ContinuingOptimizer", path: str | Path) -> Self | None:
        """What the file holds, or the one before it where it is missing or damaged; None where there is neither.

        The atoms stay as they are.

        Raises
        ------
        InputError
            No restart file can be at this path; or the run is of a StrainFilter, whose strain is part of no geometry.
        RestartError
            The file is not a restart file, is of another version of molopt, or of another run.
        """
        if isinstance(optimizer.atoms, StrainFilter):
            raise InputError(
                "a run of a StrainFilter cannot be continued from a file: use FrechetCellFilter, or no restart"
            )
        path = usable(path)
        found = readable_body(path)
        if found is None:
            return None
        source, body = found
        try:
            return cls.read(optimizer, body)
        except Exception as error:  # a file may hold anything
            reason = said(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {said(error)}"
            raise RestartError(f"restart file {source} does not fit: {reason}; {remedy(path)}") from error

    @classmethod
    def read(cls, optimizer: "ContinuingOptimizer", data: dict[str, Any]) -> Self:
        run, internal = data["run"], data["internal"]
        check_run(optimizer, run)
        like = Place.of(optimizer.atoms)
        start, now = (Place.from_plain(data[name], name, like) for name in ("start", "now"))
        x = optimizer.atoms.__ase_optimizable__().get_x()
        recipe = optimizer.recipe
        cell = data.get("orig_cell")
        if cell is not None:
            cell = checked(cell, "orig_cell", like.cells, (3, 3))
        coordinates: Coordinates[Any] = optimizer.cartesian(x.size, cell)
        if recipe is not None:
            recipe, member = recipe.from_plain(internal)
            coordinates = Internal([member])
        point = finite(from_plain(Point(x, x), data["point"]))
        came = now
        if point.x.size == now.positions.size:
            came = now._replace(positions=point.x.reshape(now.positions.shape))
        check_place(optimizer, run, start, now, came, None if recipe is None else recipe.bonds)
        here = coordinates.linearize(*point)
        if not np.isfinite(here.gradient).all():
            raise ValueError("its coordinates are not defined at its geometry")
        nothing = np.zeros_like(here.gradient)
        state = optimizer.direction.init(coordinates.observe(here, nothing))
        count = coordinates.layout.count
        number = np.zeros(count)
        memory = Memory(
            point,
            here,
            finite(from_plain(state, data["before"])),
            finite(from_plain(state, data["after"])),
            from_plain(optimizer.control.init(count), data["controlled"]),
            finite(from_plain(Proposal(nothing, *[number] * 5), data["proposal"])),
            checked(data["arrived"], "arrived", np.ones(count, dtype=bool), (count,)),
        )
        optimizer.stopping.recall(data["criteria"], x.size)
        optimizer.checking.recall(data["check"])
        return cls(Beginning(run, start), now, cell, recipe, coordinates, memory)

    def resume(self, optimizer: "ContinuingOptimizer") -> None:
        """Give the optimizer the memory and the position of the file."""
        if self.orig_cell is not None:
            optimizer.atoms.orig_cell = self.orig_cell
        self.beginning.start.restore(optimizer.atoms)
        for atoms in images_of(optimizer.atoms):  # constraints to a present value, of a bond say, take it here
            for constraint in atoms.constraints:
                constraint.adjust_forces(atoms, np.zeros((len(atoms), 3)))
        self.now.restore(optimizer.atoms)
        optimizer.beginning, optimizer.recipe = self.beginning, self.recipe
        optimizer.coordinates, optimizer.memory = self.coordinates, self.memory
        optimizer.expected = optimizer.optimizable.get_x()


def finite(state: Any) -> Any:
    """The state; ValueError where an entry of it is not finite, or would overflow when squared."""
    kind: Any = type(state)
    for (name, axis), value in zip(axes(kind).items(), state, strict=True):
        if axis == "entry" and not (np.abs(value) < HUGE).all():
            raise ValueError(f"{kind.__name__}.{name} is not finite")
    return state


def usable(path: str | Path) -> Path:
    """The path; InputError where no file can be, or what is there is not one."""
    path = Path(path)
    if kind := obstacle(path):
        raise InputError(f"restart must be a file, and {path} is {kind}: give another path")
    if not path.parent.is_dir():
        raise InputError(f"restart file {path} cannot be written: there is no folder {path.parent}; create it first")
    return path


def readable_body(path: Path) -> tuple[Path, dict[str, Any]] | None:
    """The file that could be read and what it holds: this one, or the one before it; None where there is neither."""
    path = Path(os.path.realpath(path))
    for leftover in path.parent.glob(f"{glob.escape(path.name)}.[0-9]*.new"):  # a kill ended the writing of it
        leftover.unlink(missing_ok=True)
    earlier, reason = previous(path), "it is missing"
    if path.exists():
        try:
            return path, body_in(path)
        except Damaged as error:
            reason = str(error)
            if not earlier.exists():
                raise RestartError(f"Could not decode restart file {path}: {reason}; {remedy(path)}") from error
    elif not earlier.exists():
        return None
    try:
        body = body_in(earlier)
    except Damaged as error:
        raise RestartError(f"Could not decode restart file {path}: {reason}, nor {earlier}; {remedy(path)}") from error
    log.warning("restart file %s: %s; the run goes on from the step before, %s", path, reason, earlier)
    return earlier, body


def body_in(path: Path) -> dict[str, Any]:
    """What one file holds; Damaged where it was changed since, RestartError where it is not ours to read."""
    try:
        data = loaded(path.read_text("utf-8"))
    except OSError as error:
        raise RestartError(f"restart file {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise Damaged("it is not JSON, or incomplete") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        old = isinstance(data, dict) and {"direction", "controlled"} <= data.keys()
        what = "was written by molopt 0.4 or older" if old else "is not a restart file of molopt"
        raise RestartError(f"restart file {path} {what}, and cannot be used; {remedy(path)}")
    for name, ours in (("schema", SCHEMA), ("molopt", molopt.__version__)):
        if data.get(name) != ours:
            theirs = f"{said(name)} {said(data.get(name))}"
            raise RestartError(f"restart file {path} is of {theirs}, this is {ours}: use that version; {remedy(path)}")
    if data.get("sha256") != digest(dumped(data.get("body"))):
        raise Damaged("it was changed after it was written")
    return data["body"]
