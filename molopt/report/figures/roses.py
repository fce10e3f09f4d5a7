"""A soft torsion of an ensemble as a rose."""

import numpy as np

from molopt.drawing.canvas import canvas
from molopt.drawing.svg import INK
from molopt.drawing.text import one_line
from molopt.rules.partition import Array

BINS = 36
SIZE = 2.0  # inches
PEOPLED, COUNTED = "#0072B2", "#B9C1C9"


def rose_figure(name: str, angles: Array, populations: Array, prefix: str) -> str:
    """How conformers are distributed over a torsion: pale as a share of the conformers, full of the molecules.

    The area of a petal is proportional to its share; 0 (cis) is at the top, angles run clockwise.

    Parameters
    ----------
    name : str
        Of the torsion.
    angles : (S,) array
        Degrees.
    populations : (S,) array
    prefix : str
        Of the ids in the SVG.
    """
    edges = np.linspace(-np.pi, np.pi, BINS + 1)
    middles, width = (edges[1:] + edges[:-1]) / 2, 2 * np.pi / BINS
    even = np.full(len(populations), 1 / max(1, len(populations)))
    turned = np.radians((angles + 180.0) % 360.0 - 180.0)
    shares = [np.histogram(turned, edges, weights=weights)[0] for weights in (even, populations)]
    with canvas(1, SIZE, 1.12 * SIZE, layout=None, subplot_kw={"projection": "polar"}) as drawing:
        panel = drawing.panels[0]
        for share, colour, wide in zip(shares, (COUNTED, PEOPLED), (1.0, 0.62), strict=True):
            bars = panel.bar(middles, np.sqrt(share), width=wide * width, color=colour, linewidth=0)
            for bar, part in zip(bars, share, strict=True):
                if part > 0:
                    drawing.say(bar, f"{name}: {100 * part:.1f} % of the {NOUNS[colour]}")
                else:
                    bar.remove()
        reach = max(0.3, 1.03 * np.sqrt(max(part.max() for part in shares)))
        panel.set(theta_zero_location="N", theta_direction=-1, ylim=(0, reach))
        panel.set_xticks(np.radians([0, 90, 180, 270]), ["0°", "90°", "180°", "-90°"])
        panel.set_yticks([0.5, 1.0], ["", ""])
        panel.tick_params(pad=-3, labelsize=7.5)
        panel.spines["polar"].set(color=INK, alpha=0.25, linewidth=0.6)
        panel.set_title(one_line(name, longest=24), fontsize=8.5, pad=6)
        drawing.figure.subplots_adjust(left=0.14, right=0.86, bottom=0.08, top=0.8)
        return drawing.svg(prefix, one_line(f"distribution of the torsion {name}"))


NOUNS = {COUNTED: "conformers", PEOPLED: "molecules"}
