"""How far conformers are apart, each from each."""

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform

from molopt.drawing.canvas import canvas
from molopt.rules.partition import Array

LABELLED = 40  # conformers up to which each has its number at the axis
SIZE = 5.0  # inches


def rmsd_figure(apart: Array, numbers: list[int], prefix: str = "rmsd") -> str:
    """RMSD (A) of each pair, those that are alike beside each other, so that families are dark squares.

    Parameters
    ----------
    apart : (S, S) array
        Symmetric.
    numbers : list of int
        Of the conformers.
    prefix : str
        Of the ids in the SVG.
    """
    order = similar(apart)
    with canvas(1, SIZE, 0.82 * SIZE) as drawing:
        panel = drawing.panels[0]
        shown = panel.imshow(apart[np.ix_(order, order)], cmap="cividis", interpolation="nearest", vmin=0)
        panel.grid(visible=False)
        if len(order) <= LABELLED:
            labels = [str(numbers[place]) for place in order]
            panel.set_xticks(range(len(order)), labels, fontsize=6.5, rotation=90)
            panel.set_yticks(range(len(order)), labels, fontsize=6.5)
        else:
            panel.set(xticks=[], yticks=[])
        panel.set(xlabel="conformer", ylabel="conformer")
        bar = drawing.figure.colorbar(shown, ax=panel, label="RMSD (Å)", shrink=0.9)
        bar.outline.set_visible(False)
        return drawing.svg(prefix, "RMSD of all pairs of conformers")


def similar(apart: Array) -> list[int]:
    """An order in which neighbours are alike: leaves of average linkage.

    >>> similar(np.abs(np.subtract.outer([0.0, 5.0, 0.1], [0.0, 5.0, 0.1])))
    [1, 2, 0]
    """
    if len(apart) < 3:
        return list(range(len(apart)))
    condensed = squareform(apart, checks=False)
    return [int(place) for place in leaves_list(optimal_leaf_ordering(linkage(condensed, "average"), condensed))]
