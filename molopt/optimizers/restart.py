"""The restart file: everything that the next step depends on, as JSON."""

from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.io.jsonio import decode
from ase.optimize.optimize import RestartError

from molopt.control import Memory, Point
from molopt.directions import Proposal
from molopt.rules.state import from_plain, to_plain

if TYPE_CHECKING:
    from molopt.optimizers.base import DirectionOptimizer


def restart_data(optimizer: "DirectionOptimizer") -> dict[str, Any]:
    """The state of a run after a step, in plain values."""
    memory = optimizer.memory
    assert memory is not None
    data = {
        "direction": repr(optimizer.direction),
        "control": repr(optimizer.control),
        "coordinates": optimizer.sees,
        "model": optimizer.model,
        "x": optimizer.expected,
        "point": to_plain(memory.point),
        "before": to_plain(memory.before),
        "after": to_plain(memory.after),
        "controlled": to_plain(memory.control),
        "proposal": to_plain(memory.proposal),
    }
    if optimizer.recipe is not None:
        data["internal"] = optimizer.recipe.plain(optimizer.coordinates)
    if hasattr(optimizer.atoms, "orig_cell"):  # a cell filter measures deformation from here
        data["orig_cell"] = np.asarray(optimizer.atoms.orig_cell)
    return data


def read_restart(optimizer: "DirectionOptimizer") -> None:
    """Give an optimizer the memory and the position of its restart file.

    Raises
    ------
    RestartError
        The file is not JSON, or does not fit this direction, this control or these atoms.
    """
    path = optimizer.restart
    try:
        with open(path) as file:
            data = decode(file.read(), always_array=False)
    except Exception as error:
        raise RestartError(f"Could not decode restart file {path} as JSON; delete it to start anew") from error
    try:
        _adopt(optimizer, data)
    except (KeyError, TypeError, ValueError) as error:
        raise RestartError(f"restart file {path} does not fit: {error}; delete it to start anew") from error


def _adopt(optimizer: "DirectionOptimizer", data: dict[str, Any]) -> None:
    for name, ours in (
        ("coordinates", optimizer.sees),
        ("direction", repr(optimizer.direction)),
        ("control", repr(optimizer.control)),
        ("model", optimizer.model),
    ):
        if data[name] != ours:
            raise ValueError(f"it was written by {data[name]}, this is {ours}")
    if "orig_cell" in data:
        optimizer.atoms.orig_cell = data["orig_cell"]
    optimizable = optimizer.optimizable
    x = np.asarray(data["x"], dtype=float)
    if x.shape != optimizable.get_x().shape:
        raise ValueError(f"it has {x.size} coordinates, these atoms have {optimizable.get_x().size}")
    point = from_plain(Point(x, x), data["point"])
    coordinates: Any
    if optimizer.recipe is None:
        coordinates = optimizer.cartesian(x.size)
    else:
        optimizer.recipe, coordinates = optimizer.recipe.from_plain(data["internal"])
    frame = coordinates.frame(*point)
    state = optimizer.direction.init(coordinates.observe(frame, np.zeros_like(frame.gradient)))
    number = np.zeros(coordinates.systems.count)
    memory = Memory(
        point,
        frame,
        from_plain(state, data["before"]),
        from_plain(state, data["after"]),
        from_plain(optimizer.control.init(coordinates.systems.count), data["controlled"]),
        from_plain(Proposal(np.zeros_like(frame.gradient), *[number] * 4), data["proposal"]),
    )
    if isinstance(optimizer.atoms, Atoms):
        optimizer.atoms.set_positions(x.reshape(-1, 3), apply_constraint=False)  # it would move them by a rounding
    elif not np.array_equal(optimizable.get_x(), x):
        optimizable.set_x(x)
    optimizer.coordinates, optimizer.memory, optimizer.expected = coordinates, memory, optimizable.get_x()
