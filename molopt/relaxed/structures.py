"""The structures of relaxed molecules in files: one for all of them, or one each."""

import io
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self, TextIO

import ase.io
from ase.io.trajectory import TrajectoryWriter

from molopt.files import draft, whole
from molopt.molecules import Molecule
from molopt.molecules.writing import Structure, annotated, pdb_model
from molopt.relaxed.relaxation import Relaxation

FORMATS = ("sdf", "xyz", "pdb", "traj")
USUAL = FORMATS[:2]
ALL = "relaxed"  # the name of the files that hold all molecules


class Structures:
    """Files of structures, open: a context manager. Those of all molecules take their names when it ends.

    Parameters
    ----------
    path : callable
        The path of a file, given its name.
    formats : sequence of str
        Of `FORMATS`.
    separate : bool
        Whether each molecule has files of its own.
    """

    def __init__(self, path: Callable[[str], Path], formats: Sequence[str], separate: bool) -> None:
        self.path, self.formats, self.separate = path, formats, separate
        self.files = ExitStack()
        self.texts: dict[str, TextIO] = {}
        self.frames: TrajectoryWriter | None = None

    def __enter__(self) -> Self:
        if not self.separate:
            for format in self.formats:
                self.open(format, self.path(f"{ALL}.{format}"), self.files)
        return self

    def __exit__(self, *exception: object) -> bool | None:
        return self.files.__exit__(*exception)  # type: ignore[arg-type]

    def open(self, format: str, path: Path, files: ExitStack) -> None:
        if format == "traj":
            self.frames = files.enter_context(TrajectoryWriter(str(files.enter_context(draft(path)))))
        else:
            self.texts[format] = files.enter_context(whole(path))

    def add(self, one: Relaxation, stem: str) -> None:
        """Write a molecule, into the files of all or into its own, whose names begin with `stem`."""
        structure = structure_of(one) if {"pdb", "traj"} & set(self.formats) else None
        with ExitStack() as own:
            for format in self.formats:
                if self.separate:
                    self.open(format, self.path(f"{stem}.{format}"), own)
                if format in ("sdf", "xyz"):
                    self.texts[format].write(one.sdf if format == "sdf" else one.xyz)
                elif structure is not None and format == "pdb":
                    self.texts[format].write(pdb_model(structure))
                elif structure is not None and self.frames is not None:
                    self.frames.write(annotated(structure))


def structure_of(one: Relaxation) -> Structure:
    """The molecule that came out, as its record of extended XYZ has it, with all that is said of it."""
    atoms = ase.io.read(io.StringIO(one.xyz), format="extxyz")
    return Structure(Molecule.from_atoms(atoms), atoms)
