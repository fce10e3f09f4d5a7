"""Whether the runs of a database are those of the study that it lies beside."""

from collections.abc import Sequence
from pathlib import Path

from molopt.comparison.cases import criteria_of
from molopt.comparison.settings import Settings
from molopt.errors import InputError
from molopt.record import Plan, Record


class Consistency:
    """What the runs of one study have in common, checked molecule by molecule.

    Statistics and figures rest on it: all runs are of the study's optimizers and potentials, to its criteria; those of
    one molecule have its atoms and bonds, those of one start its geometry; and none is there twice.
    """

    def __init__(self, settings: Settings, store: Path) -> None:
        self.settings = settings
        self.store = store
        self.places: set[int] = set()

    def require(self, runs: Sequence[Record]) -> None:
        """Raise InputError where runs of one molecule, all of them, are not the study's or not of one molecule."""
        molecules, starts, seen = set[str](), dict[int, str](), set[tuple[int, str, str]]()
        for record in runs:
            plan = record.plan
            if wrong := self.stranger(plan):
                raise InputError(f"{self.store} holds a run {wrong}, which its study does not have: begin another")
            molecules.add(repr((plan.molecule, plan.source, plan.numbers, plan.bonds, plan.charge, plan.spin)))
            start = repr(plan.start)
            run = (plan.seed, plan.potential, plan.optimizer)
            apart = plan.place in self.places  # from its other runs: rows are not sorted by what is in them
            if apart or len(molecules) > 1 or starts.setdefault(plan.seed, start) != start or run in seen:
                raise InputError(
                    f"{self.store} holds runs of molecule {plan.place} that cannot be of one study, by their names, "
                    "atoms, starts or number: begin another"
                )
            seen.add(run)
        self.places |= {record.plan.place for record in runs}

    def stranger(self, plan: Plan) -> str | None:
        """What is not the study's of a run."""
        settings = self.settings
        if plan.potential not in settings.potentials:
            return f"in {plan.potential!r}"
        if plan.optimizer not in settings.optimizers:
            return f"of {plan.optimizer!r}"
        if criteria_of(plan) != settings.criteria:
            return f"to fmax {plan.fmax_limit:g}, energy left {plan.energy_left_limit!r}, {plan.step_limit} steps"
        return f"of start {plan.seed}" if plan.seed >= settings.starts else None
