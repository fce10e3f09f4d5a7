"""A run on file: the restart file after each step, and the trajectory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from molopt.optimizers.converging import ConvergingOptimizer
from molopt.optimizers.noted import Noted
from molopt.optimizers.restart import Beginning, Restart, restart_data, write_restart
from molopt.optimizers.trajectory import Frames, ends_at


class ContinuingOptimizer(ConvergingOptimizer):
    """The third layer of `DirectionOptimizer`: goes on from what an earlier process wrote."""

    restart: Any  # path of the restart file, or None

    def initialize(self) -> None:
        super().initialize()
        self.beginning: Beginning | None = None  # known where there is a restart file
        self.began_at: int | None = None  # the step that led to where the last one began

    def step(self) -> None:
        if self.restart is not None and self.beginning is None:
            self.beginning = Beginning.of(self)
        here = self.optimizable.get_x()
        super().step()
        if self.memory is not None and np.array_equal(self.memory.point.x, here):  # else it was rejected
            self.began_at = self.nsteps
        if self.restart is not None and self.memory is not None:
            self.dump(restart_data(self))

    def read(self) -> None:
        """Go on from the restart file: memory and position."""
        found = None if self.restart is None else Restart.of(self, self.restart)
        if found is not None:
            found.resume(self)

    def dump(self, data: dict[str, Any]) -> None:
        """Write the restart file so that a kill at any moment leaves a whole one."""
        if self.comm.rank == 0 and self.restart is not None:
            write_restart(Path(self.restart), data)

    @contextmanager
    def _opentraj(self) -> Iterator[Any]:
        """The trajectory, open for one frame or band."""
        if hasattr(self._orig_trajectory, "write"):
            if isinstance(self._orig_trajectory, Frames):
                self._orig_trajectory.note = Noted.of(self)
            yield self._orig_trajectory
            return
        with Frames(self._orig_trajectory, "a", master=self._master, comm=self.comm) as frames:
            frames.note = Noted.of(self)
            yield frames

    def _traj_is_empty(self) -> bool:
        """Whether the present geometry is still to be written: to a new trajectory, or because a kill came before."""
        return super()._traj_is_empty() or not (self.memory is None or ends_at(self._orig_trajectory, self.atoms))

    def _replay_trajectory(self, images: Any) -> None:
        """Learn from the steps of an earlier run, as if they had been ours."""
        self.initialize()
        for image in images:
            optimizable = image.__ase_optimizable__()
            self.absorb(optimizable.get_x(), optimizable.get_gradient())
