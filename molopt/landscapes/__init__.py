"""The landscape laboratory: what is said of optimizers, examined on model surfaces and on molecules."""

from molopt.landscapes.chart import Chart, Series, SurfaceMap
from molopt.landscapes.experiment import Experiment, Finding, Number, Outcome
from molopt.landscapes.surface import Surface
from molopt.landscapes.track import Track, follow, follow_atoms

__all__ = [
    "Chart",
    "Experiment",
    "Finding",
    "Number",
    "Outcome",
    "Series",
    "Surface",
    "SurfaceMap",
    "Track",
    "follow",
    "follow_atoms",
]
