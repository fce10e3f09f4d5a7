"""molopt finds the geometry at the bottom of a molecule's potential energy surface.

The update rules of deep learning as ASE optimizers, on any ASE calculator. Names load when they are first used.
"""

import importlib
from typing import Any

from molopt import optimizers

__version__ = "0.10.0"

_HOME = {
    **dict.fromkeys(("Molecule", "read", "shipped_names"), "molopt.molecules"),
    "potential": "molopt.potentials",
    **dict.fromkeys(("relax", "Result"), "molopt.relaxation"),
    "scan": "molopt.scanning.scanned",
    "Scan": "molopt.scanning.scan",
    "constraints_of": "molopt.constraining.choosing",
    "relax_batch": "molopt.batch.relaxing",
    "conformers": "molopt.ensembles.finding",
    "progress": "molopt.cli.looking_on",
    "Ensemble": "molopt.ensembles.ensemble",
    **dict.fromkeys(("check", "Check"), "molopt.checking"),
    "diagnose": "molopt.landscapes.diagnosis.diagnosing",
    "Diagnosis": "molopt.landscapes.diagnosis.diagnosis",
    "Curvature": "molopt.stationary.curvature",
    "Verdict": "molopt.stationary.verdict",
    "energy_left": "molopt.optimizers.energy_left",
    **dict.fromkeys(("EnergyLeft", "Fmax", "Gaussian", "GeomeTRIC"), "molopt.convergence"),
    "Control": "molopt.control",
    **dict.fromkeys(("InputError", "MissingExtra", "PotentialFailed"), "molopt.errors"),
    **dict.fromkeys(optimizers.__all__, "molopt.optimizers"),
}

_ROOMS = (
    "comparison",
    "coordinates",
    "ensembles",
    "errors",
    "landscapes",
    "molecules",
    "optimizers",
    "potentials",
    "report",
    "rules",
    "stationary",
)

__all__ = ["__version__", *_HOME]  # names, all of them strings


def __getattr__(name: str) -> Any:
    if name == "AdamW":
        raise AttributeError("molopt has no AdamW: weight decay would pull atoms to the origin of space; use Adam")
    if name in _ROOMS:
        return importlib.import_module(f"molopt.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'molopt' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *_ROOMS})
