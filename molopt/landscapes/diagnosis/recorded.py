"""A trajectory with energies and forces, of any program, and what ours say of their steps besides."""

import logging
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import ase.io
import numpy as np
from ase import Atoms
from ase.io.trajectory import TrajectoryReader

from molopt.errors import InputError
from molopt.files import require_regular
from molopt.molecules.ase_files import READ_BY_ASE, cannot, described, known_to_ase
from molopt.molecules.checks import check_geometry
from molopt.molecules.entries import stem
from molopt.molecules.formats import ENDINGS
from molopt.optimizers.noted import KEY, Noted
from molopt.rules.partition import Array

log = logging.getLogger("molopt")

HUGE = 1e9  # eV and eV/A: no molecule has them, and their squares over small stiffnesses can still be held
LEAST = 3  # frames: two steps, and two pairs of successive gradients
REMEDY = "give the trajectory of a run, such as molopt relax --trajectories writes, or extended XYZ with forces"


@dataclass(frozen=True, eq=False)
class Recorded:
    """The force calls of a run, n of them.

    Attributes
    ----------
    atoms : ase.Atoms
        The first geometry, with what the file says of charge, bonds and constraints.
    positions : (n, N, 3) array
        Angstrom.
    energies : (n,) array
        eV.
    forces : (n, N, 3) array
        Constraints applied, eV/A.
    notes : tuple of Noted or None
        What an optimizer of molopt wrote of the step to each.
    optimizer : str
        As the file names it; empty where it does not.
    name : str
    """

    atoms: Atoms
    positions: Array
    energies: Array
    forces: Array
    notes: tuple[Noted | None, ...]
    optimizer: str
    name: str

    @classmethod
    def of(cls, source: str | Path | Sequence[Atoms]) -> Self:
        """A trajectory, from a file or as frames in their order.

        Raises
        ------
        InputError
            It cannot be read, is not of one molecule, is too short, or a frame has no energy or no forces.
        """
        if not isinstance(source, str | Path):
            frames = list(source)
            return cls.from_frames(
                frames, [None] * len(frames), "", str(frames[0].info.get("name", "")) if frames else ""
            )
        path = Path(source)
        if not path.exists():
            raise InputError(f"there is no file {str(source)!r}: {REMEDY}")
        require_regular(path)
        form = known_to_ase(path)
        if form not in READ_BY_ASE:
            raise InputError(f"{source} is not a trajectory that is read; {REMEDY} (other files end in {ENDINGS})")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                frames, notes, optimizer = (
                    read_trajectory(path) if form == "traj" else (read_frames(path, form), [], "")
                )
        except InputError:
            raise
        except Exception as error:  # ASE raises whatever its parsing stumbles on
            raise InputError(f"{source}: {cannot(error, form)}") from error
        name = str(frames[0].info.get("name", "")) if frames else ""
        return cls.from_frames(frames, notes or [None] * len(frames), optimizer, name or stem(path))

    @classmethod
    def from_frames(cls, frames: Sequence[Atoms], notes: Sequence[Noted | None], optimizer: str, name: str) -> Self:
        if len(frames) < LEAST:
            count = f"{len(frames)} frame{'s' * (len(frames) != 1)}"
            raise InputError(f"a diagnosis needs at least {LEAST} frames, got {count}: {REMEDY}")
        first = frames[0]
        energies, forces = [], []
        for number, atoms in enumerate(frames, start=1):
            if not np.array_equal(atoms.numbers, first.numbers):
                raise InputError(f"frame {number} is of other atoms than frame 1: {REMEDY}")
            energy, force = known(atoms, number)
            if why := nonsense(atoms, energy, force, number):
                if number <= LEAST:
                    raise InputError(why)
                log.warning("%s; it and what follows is left out", why)
                break
            energies.append(energy)
            forces.append(force)
        n = len(energies)
        positions = np.array([atoms.positions for atoms in frames[:n]])
        return cls(first, positions, np.array(energies), np.array(forces), tuple(notes[:n]), optimizer, name or "run")

    def described(self, charge: int | None, spin: int | None, name: str | None) -> Self:
        """The same, with what the user knows of it in place of what the file says."""
        atoms = described(self.atoms.copy(), self.name if name is None else name, charge, spin)
        if charge is None and spin is None:
            atoms.calc = self.atoms.calc  # it may know
        return replace(self, atoms=atoms, name=self.name if name is None else name)

    def __len__(self) -> int:
        return len(self.energies)

    @property
    def fmax(self) -> Array:
        """(n,) the longest force on an atom, eV/A."""
        return np.linalg.norm(self.forces, axis=2).max(axis=1, initial=0.0)

    @property
    def is_ours(self) -> bool:
        """Whether an optimizer of molopt wrote of its steps."""
        return any(note is not None for note in self.notes)

    def starts(self) -> list[int | None]:
        """(n,) the frame at which the step to each began, None where that is not known, or no step was taken."""
        at_step: dict[int, int] = {0: 0}
        last, ours = 0, self.is_ours
        found: list[int | None] = []
        for place, note in enumerate(self.notes):
            start: int | None = None
            if note is not None:
                if note.step <= last:  # another process went on, and counts its steps anew
                    at_step = {0: place - 1}
                start, last = None if note.start is None else at_step.get(note.start), note.step
                at_step[note.step] = place
            elif not ours and place:
                start = place - 1
            if start is not None and np.array_equal(self.positions[start], self.positions[place]):
                start = None
            found.append(start)
        return found


def known(atoms: Atoms, number: int) -> tuple[float, Array]:
    """Energy, eV, and forces (N, 3), eV/A, of a frame; InputError where it has none."""
    try:
        energy = float(atoms.get_potential_energy())
        forces = np.asarray(atoms.get_forces(), dtype=float)
    except Exception as error:  # each calculator has its own way to say no
        raise InputError(f"frame {number} has no energy or no forces: {REMEDY}") from error
    if not (np.isfinite(energy) and np.isfinite(forces).all() and np.isfinite(atoms.positions).all()):
        raise InputError(f"frame {number} has an energy, forces or positions that are not finite: drop it")
    return energy, forces


def nonsense(atoms: Atoms, energy: float, forces: Array, number: int) -> str:
    """Why a frame cannot be looked at, as that of a run that has exploded; empty where it can be."""
    try:
        check_geometry(atoms.numbers.tolist(), atoms.positions, f"frame {number}")
    except InputError as error:
        return error.message
    if not (abs(energy) < HUGE and (np.abs(forces) < HUGE).all()):
        return f"frame {number} has an energy of {energy:.2g} eV and forces up to {np.abs(forces).max():.2g} eV/A"
    return ""


def read_frames(path: Path, form: str) -> list[Atoms]:
    return list(ase.io.iread(str(path), ":", form, do_not_split_by_at_sign=True))


def read_trajectory(path: Path) -> tuple[list[Atoms], list[Noted | None], str]:
    """Frames, what is noted beside each, and the name of the optimizer."""
    with TrajectoryReader(str(path)) as reader:
        frames = list(frames_of(reader))
        notes = [note_in(reader, place) for place in range(len(frames))]
        said = reader.description if isinstance(reader.description, dict) else {}
        return frames, notes, str(said.get("optimizer", ""))


def frames_of(reader: TrajectoryReader) -> Iterable[Atoms]:
    return (reader[place] for place in range(len(reader)))


def note_in(reader: TrajectoryReader, place: int) -> Noted | None:
    """What an optimizer noted of the step to a frame; None where there is nothing, or it cannot be understood."""
    frame = reader.backend[place]
    if KEY not in frame:
        return None
    try:
        return Noted.from_plain(frame.get(KEY).asdict())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("frame %d: what is noted of its step cannot be read (%s), and is passed over", place + 1, error)
        return None


def sequences(values: Iterable[bool]) -> Iterator[tuple[int, int]]:
    """Stretches of successive true values, as first place and the one behind the last.

    >>> list(sequences([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    begin = None
    place = -1
    for place, value in enumerate(values):
        if value and begin is None:
            begin = place
        elif not value and begin is not None:
            yield begin, place
            begin = None
    if begin is not None:
        yield begin, place + 1
