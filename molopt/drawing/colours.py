"""Colours on light and on dark pages."""

import re

import numpy as np

from molopt.rules.partition import Array

LIGHTEST, SLOPE = 0.93, 0.52  # lightness (OKLab's, 0 to 1) that stands for black, and what each unit more takes away
LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)  # of linear sRGB
OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)  # of the cube roots of LMS


def on_dark(colour: str) -> str:
    """The colour (#rrggbb) on a dark page for this one on a light page: dark becomes light, the hue is kept.

    Shades of one hue so stay apart, which they would not if only the dark ones were made lighter.

    References
    ----------
    B. Ottosson, "A perceptual color space for image processing" (2020), for OKLab.

    >>> on_dark("#000000"), on_dark("#1b1b7a")
    ('#e8e8e8', '#9cb0fe')
    """
    lightness, a, b = OKLAB @ np.cbrt(LMS @ linear(colour))
    light = LIGHTEST - SLOPE * lightness
    for chroma in np.linspace(1.0, 0.0, 51):  # less of it where the screen cannot show that much
        rgb = np.linalg.solve(LMS, np.linalg.solve(OKLAB, [light, chroma * a, chroma * b]) ** 3)
        if rgb.min() >= -1e-3 and rgb.max() <= 1 + 1e-3:
            break
    return spelled(np.clip(rgb, 0, 1))


def linear(colour: str) -> Array:
    """Linear red, green and blue of #rrggbb."""
    if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
        raise ValueError(f"a colour must be #rrggbb, got {colour!r}")
    rgb = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def spelled(rgb: Array) -> str:
    """#rrggbb of linear red, green and blue."""
    shown = np.where(rgb <= 0.0031308, rgb * 12.92, 1.055 * rgb ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in shown)


def css(colour: str) -> str:
    """The colour as CSS: its dark twin where the page's `color-scheme` is dark.

    >>> css("#000000")
    'light-dark(#000000,#e8e8e8)'
    """
    return f"light-dark({colour},{on_dark(colour)})"
