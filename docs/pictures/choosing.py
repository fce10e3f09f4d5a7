"""Force calls of optimizers relative to Sella's, as docs/results/peers.md has them: docs/pictures/choosing.png.

python docs/pictures/choosing.py
"""

import re
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from molopt.drawing.canvas import DARK, STYLE
from molopt.optimizers.registry import BY_NAME

HERE = Path(__file__).parent
PUBLISHED = HERE.parent / "results" / "peers.md"
SET = "molecules"  # the flexible ones
ORDER = ("default", "adam/internal", "heavy-ball/internal", "sella", "pyberny", "geometric", "bfgs", "fire")
ROW = re.compile(rf"^\| {SET} \| (\S+) \| \d+ \| ([\d.]+) \| ([\d.]+) \|", re.M)


def ratios(section: str) -> dict[str, tuple[float, float]]:
    """Of each optimizer (a) calls to fmax 0.01 eV/A and (b) until within 1 meV of the floor; of its first row."""
    text = PUBLISHED.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    return {name: (float(a), float(b)) for name, a, b in reversed(ROW.findall(text))}


def colour(name: str) -> str:
    return BY_NAME[name if name in BY_NAME else name.split("/")[0]].colour


def main() -> None:
    inks = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    with rc_context({**STYLE, **dict.fromkeys(inks, DARK)}):
        figure = Figure((7.4, 3.6), layout="constrained")
        for axes, section in zip(figure.subplots(1, 2, sharey=True), ("MMFF94", "GFN2-xTB"), strict=True):
            known = ratios(section)
            for place, name in enumerate(ORDER):
                if name not in known:
                    axes.text(1.1, place, "not run", va="center", fontsize=8, color="#777777")
                    continue
                a, b = known[name]
                axes.plot([a, b], [place, place], color=colour(name), lw=1.5, zorder=2)
                axes.plot(a, place, "o", color=colour(name), ms=6, zorder=3)
                axes.plot(b, place, "o", color=colour(name), mfc="white", ms=6, zorder=3)
            axes.axvline(1.0, color="#777777", lw=0.8, zorder=1)
            axes.set_xscale("log")
            axes.set_xlim(0.3, 150)
            axes.set_xticks([0.5, 1, 2, 5, 10, 20, 50, 100], ["0.5", "1", "2", "5", "10", "20", "50", "100"])
            axes.minorticks_off()
            axes.set_xlabel("force calls, Sella = 1")
            axes.set_title(section)
        marks = [Line2D([], [], ls="", marker="o", color=DARK, mfc=face, ms=6) for face in (DARK, "white")]
        meant = ["to fmax 0.01 eV/Å", "until within 1 meV of the floor"]
        figure.legend(marks, meant, loc="outside lower center", ncols=2)
        axes.set_yticks(range(len(ORDER)), ORDER)
        axes.invert_yaxis()
        figure.savefig(HERE / "choosing.png", dpi=130, facecolor="white")


if __name__ == "__main__":
    main()
