"""From what matplotlib writes to SVG that can stand in an HTML page, several times and on any background."""

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np

from molopt.drawing.colours import css
from molopt.rules.partition import Array

SVG = "http://www.w3.org/2000/svg"
INK = "#123456"  # stands for the colour of the page's text; no optimizer has it
BLACK = "#000000"  # is not written where it fills
PIXELS = 96 / 72  # a point
AIM = "10"  # points around a line that show its title
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
COLOUR = re.compile(r"#[0-9a-f]{6}")
REFERENCE = re.compile(r"url\(#([^)]+)\)|^#(.+)$")
UPRIGHT = re.compile(r"rotate\(-?0 ")


def inline(written: str, titles: Mapping[str, Sequence[str]], prefix: str, name: str) -> str:
    """The `<svg>` element that a page includes as it is.

    It has a viewBox and no size of its own, no style sheet (which would be the whole page's), no metadata, and refers
    to nothing outside. Text and axes have the colour of the page's text, lines the colours of `light-dark`: the page
    sets `color-scheme`.

    Parameters
    ----------
    written : str
        By matplotlib, with `svg.fonttype` none.
    titles : mapping of str to sequence of str
        For the gid of an artist what a pointer over it shows: one text, or one for each of its markers.
    prefix : str
        Begins each id: of letters, digits and hyphens, another for each figure of a page.
    name : str
        What the figure is, for those who cannot see it.

    Raises
    ------
    ValueError
        The prefix cannot begin an id, or the number of titles is not that of the markers.
    """
    if not re.fullmatch("[A-Za-z][A-Za-z0-9-]*", prefix):
        raise ValueError(f"prefix must be a letter, then letters, digits and hyphens, got {prefix!r}")
    root = ElementTree.fromstring(written)
    for element in root.iter():
        tidy(element)
    drop(root, "metadata", "style")
    for group in list(root.iter("g")):
        if group.get("id") in titles:
            entitle(group, titles[group.get("id", "")])
    number_ids(root, prefix)
    flatten(root)
    width = float(root.get("viewBox", "").split()[2])
    root.attrib = {
        "xmlns": SVG,
        "viewBox": root.get("viewBox", ""),
        "role": "img",
        "aria-label": name,
        "font-family": "system-ui, sans-serif",
        "stroke-linejoin": "round",
        "style": f"width:100%;max-width:{PIXELS * width:.0f}px;{coloured('fill', BLACK)}",
    }
    return ElementTree.tostring(root, encoding="unicode")


def own_prefix(kind: str, *drawn: Array) -> str:
    """A prefix for a figure that may stand beside others of its kind: the same for the same data, else another.

    >>> own_prefix("run", np.arange(3.0)) != own_prefix("run", np.arange(4.0))
    True
    """
    return f"{kind}-{zlib.crc32(b''.join(np.ascontiguousarray(values).tobytes() for values in drawn)):08x}"


def tidy(element: Element) -> None:
    """Plain names, a tenth of a point, colours of the page; no blanks between elements."""
    element.tag = element.tag.rpartition("}")[2]
    element.tail = None
    if element.tag != "text":
        element.text = None
    for key in list(element.attrib):
        value = element.attrib.pop(key)
        plain = key.rpartition("}")[2]
        element.set(plain, restyled(value) if plain == "style" else rounded(value) if plain != "id" else value)
    if UPRIGHT.match(element.get("transform", "")):
        del element.attrib["transform"]


def rounded(value: str) -> str:
    """Numbers to a tenth, and no blanks at the ends of lines.

    >>> rounded("M 12.3456 0.04\\nL 3.0 -1.25e-05")
    'M12.3 0L3 0'
    """
    shorter = NUMBER.sub(lambda found: f"{round(float(found[0]), 1) + 0.0:g}", value)
    return re.sub(r"\s*\b([MLQCz])\s*", r"\1", " ".join(shorter.split()))


def restyled(style: str) -> str:
    """A style with the font and the colours of the page.

    >>> restyled("fill: none; stroke: #123456; stroke-width: 0.8")
    'fill:none;stroke:currentColor;stroke-width:0.8'
    """
    found: list[str] = []
    for part in filter(None, (part.strip() for part in style.split(";"))):
        key, _, value = (piece.strip() for piece in part.partition(":"))
        if COLOUR.fullmatch(value):
            found.append(coloured(key, value))
        elif key != "font-family":
            found.append(f"{key}:{rounded(value)}")
    return ";".join(found)


def coloured(key: str, colour: str) -> str:
    """A declaration; a browser that does not know light-dark keeps the first of two."""
    return f"{key}:currentColor" if colour == INK else f"{key}:{colour};{key}:{css(colour)}"


def drop(root: Element, *tags: str) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in tags:
                parent.remove(child)


def entitle(group: Element, titles: Sequence[str]) -> None:
    """Titles for the group, or for each of its markers; a line gets a wide transparent one around it to aim at."""
    marks = list(group.iter("use"))
    if len(titles) != 1 and len(marks) != len(titles):
        raise ValueError(f"{len(titles)} titles for {len(marks)} markers")
    if len(titles) != 1:
        for mark, title in zip(marks, titles, strict=True):
            ElementTree.SubElement(mark, "title").text = title
        return
    said = Element("title")
    said.text = titles[0]
    group.insert(0, said)
    for line in [path for path in group.findall("path") if "fill:none" in path.get("style", "")]:
        line.set("id", f"{group.get('id')}-line")
        style = line.attrib.pop("style")
        clip = {"clip-path": line.attrib.pop("clip-path")} if "clip-path" in line.attrib else {}
        place = list(group).index(line)
        defs = Element("defs")
        group.remove(line)
        defs.append(line)
        aim = f"fill:none;stroke:transparent;stroke-width:{AIM}"
        shown = [Element("use", {"href": f"#{line.get('id')}", "style": how, **clip}) for how in (style, aim)]
        group[place:place] = [defs, *shown]


def number_ids(root: Element, prefix: str) -> None:
    """Short ids that begin with the prefix, where something refers to them; no others."""
    used: dict[str, str] = {}
    for element in root.iter():
        for value in element.attrib.values():
            for pair in REFERENCE.findall(value):
                used.setdefault("".join(pair), f"{prefix}-{len(used)}")
    for element in root.iter():
        if "id" in element.attrib:
            old = element.attrib.pop("id")
            if old in used:
                element.set("id", used[old])
        for key, value in element.attrib.items():
            if key != "id":
                element.set(key, REFERENCE.sub(lambda found: renamed(found, used), value))


def renamed(found: re.Match[str], used: Mapping[str, str]) -> str:
    return f"url(#{used[found[1]]})" if found[1] else f"#{used[found[2]]}"


def flatten(parent: Element) -> None:
    """Groups that say nothing give way to what is in them."""
    children: list[Element] = []
    for child in list(parent):
        flatten(child)
        children += list(child) if child.tag == "g" and not child.attrib and not has_title(child) else [child]
    parent[:] = children


def has_title(group: Iterable[Element]) -> bool:
    return any(child.tag == "title" for child in group)
