"""The files that `molopt compare` writes beside its database."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from molopt.cli.files import require_absent
from molopt.comparison import Case
from molopt.comparison.settings import Settings
from molopt.fields import run_fields
from molopt.molecules.writing import Structure
from molopt.molecules.writing import write as write_structures
from molopt.naming import Stems
from molopt.optimizers.spec import abbreviated
from molopt.record import Record
from molopt.schema import STUDY_SDF


class Layout:
    """Where files go: FOLDER/MOLECULE_POTENTIAL_OPTIMIZER.sdf and .traj, and FOLDER/MOLECULE.png.

    MOLECULE__startK is further starts: two underscores, as no safe name has them, so that no other molecule's files
    can be called the same.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        stems = Stems()
        self.parts = {name: stems.new(abbreviated(name)) for name in (*settings.potentials, *settings.optimizers)}
        self.molecules = Stems()
        self.stems: dict[int, str] = {}

    def naming(self, cases: Iterable[Case]) -> Iterator[Case]:
        """The cases as they are, named in their order: a study that goes on must call each molecule as it did before,
        whichever of two with one name are done.
        """
        for case in cases:
            self.stem(case)
            yield case

    def stem(self, case: Case) -> str:
        if case.place not in self.stems:
            self.stems[case.place] = self.molecules.new(case.molecule.name)
        return self.stems[case.place] + (f"__start{case.seed}" if case.seed else "")

    def path(self, case: Case, ending: str) -> Path:
        return self.plain(f"{self.stem(case)}_{self.parts[case.potential]}_{self.parts[str(case.optimizer)]}{ending}")

    def figure(self, case: Case) -> Path:
        return self.plain(f"{self.stem(case)}.png")

    def plain(self, name: str) -> Path:
        """The path of a file to write; InputError where a link or a pipe stands there, as in the study of another."""
        require_absent([self.folder / name], overwrite=True)
        return self.folder / name


def write(start: Sequence[tuple[Case, Record]], layout: Layout) -> list[Path]:
    """The structures at which the runs of one start ended, as SDF; the files."""
    written = []
    for case, record in start:
        outcome = record.outcome
        if len(outcome.end):
            plan = record.plan
            there = case.molecule.moved(outcome.end, outcome.bonds_kept is not False)
            fields = run_fields(outcome, plan.potential, plan.optimizer, plan.versions, STUDY_SDF)
            written.append(layout.path(case, ".sdf"))
            write_structures(written[-1], [Structure(there, there.atoms(), fields)])
    return written
