"""What a reader must know to judge the figures of a study."""

from collections import Counter
from collections.abc import Sequence

from molopt.comparison.study import Study
from molopt.optimizers.registry import PEERS
from molopt.record import NOT_RUN, Record
from molopt.report.labels import is_ases, label, plain
from molopt.stationary.verdict import MOLECULE

REASONS = 12  # lines about runs that failed


def notes(records: Sequence[Record], study: Study) -> list[str]:
    """What a reader must know to judge the figures."""
    names = {plain(record.plan.optimizer) for record in records}
    found = [
        "Every optimizer started at the same geometry, on a fresh calculator with the same settings, and was stopped "
        "by the same test of fmax on the same forces. A force call is an evaluation at a new geometry; a surrogate's "
        "own calls are not counted unless it is of the same program as the potential.",
        "Settings are as each package ships them unless the table says tuned. The defaults of molopt were tuned on "
        "other molecules (docs/notes/tuning.md), those of ASE and the peers by their authors.",
        "Two runs ended in the same basin if, relaxed on without counting, their energies agree within 1 meV and their "
        "geometries within 0.1 Å RMSD over heavy atoms and polar hydrogens, symmetry considered. Basins within 1 meV "
        "of the lowest are all lowest, A, A-2 and so on: mirror images count as two.",
    ]
    if any(record.outcome.end_stationary != "unchecked" for record in records):
        found.append(
            "What each end is was determined afterwards, in force calls that are not counted (docs/guide/verdict.md). "
            "An end within 5 meV of where relaxing on came to rest is what that is. One that lies higher is a saddle "
            "if its lowest curvature is negative, and otherwise not stationary, however small its forces."
        )
    threads = study.settings.threads
    found.append(
        "The study does not say how many threads libraries had: its times may not be comparable."
        if threads is None
        else f"Each library had {'one thread' if threads == 1 else f'{threads} threads'} in each run."
    )
    if any(map(is_ases, names)):
        found.append(
            "The cap is what each optimizer calls maxstep: of the longest atom in molopt and ASE's BFGS and LBFGS, of "
            "all atoms' displacements as one vector in ASE's FIRE and FIRE2."
        )
    found += [entry.unmatched for entry in PEERS.values() if entry.name in names]
    rearranged = Counter(
        f"{record.plan.molecule} in {record.plan.potential}"
        for record in records
        if not MOLECULE[record.outcome.identity].comparable
    )
    if rearranged:
        where = ", ".join(f"{name} ({count})" for name, count in rearranged.most_common(REASONS))
        found.append(f"{rearranged.total()} runs ended as another molecule, with other bonds than the start: {where}.")
    reasons = Counter(
        f"{record.plan.molecule} in {record.plan.potential}: {record.outcome.error}"
        if not was_run(record)
        else f"{label(record.plan.optimizer)}, {record.plan.molecule} in {record.plan.potential}: "
        f"{record.outcome.ended}, {record.outcome.error}"
        for record in records
        if record.outcome.error is not None
    )
    found += [reason if count == 1 else f"{reason} ({count} runs)" for reason, count in reasons.most_common(REASONS)]
    if len(reasons) > REASONS:
        found.append(f"{len(reasons) - REASONS} more kinds of failure: molopt export {study.folder} lists every run.")
    return found


def was_run(record: Record) -> bool:
    return not (record.outcome.error or "").startswith(NOT_RUN)
