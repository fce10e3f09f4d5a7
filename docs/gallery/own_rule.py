"""A rule of one's own.

Momentum that waits where memory and gradient disagree, as cautious optimizers do (arXiv 2411.16085), beside plain
momentum, in internal coordinates on MMFF94.
"""

from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

import molopt
from molopt.rules import Momentum, Rule
from molopt.rules.momentum import MomentumState


@dataclass(frozen=True)
class Cautious(Momentum):
    def update(self, seen, state):
        m = self.b1 * state.m + (1 - self.b1) * seen.gradient
        return -self.lr * m * (m * seen.gradient > 0), MomentumState(m)


rules: dict[str, Rule] = {"momentum": Momentum(lr=0.5, b1=0.8), "cautious": Cautious(lr=0.5, b1=0.8)}
figure = Figure((5.6, 3.5), layout="constrained")
axes = figure.subplots()
for (name, rule), colour in zip(rules.items(), ("#999999", "#1f4e79"), strict=True):
    run = molopt.relax(molopt.Molecule.named("sorbitol"), rule, "mmff94", fmax=0.01, coordinates="internal", check=None)
    axes.plot(range(1, len(run.trace) + 1), [call.fmax for call in run.trace], color=colour,
              label=f"{name}, {run.force_calls} calls")  # fmt: skip
axes.set(yscale="log", xlabel="force calls", ylabel="fmax (eV/Å)")
axes.legend()
figure.savefig(Path(__file__).with_suffix(".png"), dpi=110)
