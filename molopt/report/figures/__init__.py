"""Figures of a study, each as inline SVG for a page, light or dark."""

from molopt.report.figures.descent import descent_figure
from molopt.report.figures.ending import ending_figure
from molopt.report.figures.forest import forest_figure
from molopt.report.figures.legend import legend_figure
from molopt.report.figures.own_time import own_time_figure
from molopt.report.figures.profile import profile_figure
from molopt.report.figures.sweep import sweep_figure

__all__ = [
    "descent_figure",
    "ending_figure",
    "forest_figure",
    "legend_figure",
    "own_time_figure",
    "profile_figure",
    "sweep_figure",
]
