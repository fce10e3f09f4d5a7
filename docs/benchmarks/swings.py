"""How far a rule swings in a stiff vibration for each step that it makes down a slope: printed for rules by name.

    python docs/benchmarks/swings.py adam nadam "adan?lr=0.03&b1=0.93&b2=0.9&b3=0.98" rmsprop lion

One coordinate, without control. Speed: the step at the 300th call on an even slope, the length of a run. Swing: the
root mean square of the last 200 of 3,000 positions in a harmonic well of 100 eV/A^2, where the rule no longer settles.
Their ratio does not depend on lr where a rule scales by the size of the gradient. Under control a run may be as fast as
its swing, times the stiffness, stays below fmax.
"""

import argparse

import numpy as np
from relatives import rule_of

from molopt.optimizers.registry import RULES
from molopt.optimizers.spec import OptimizerSpec
from molopt.rules import Observation, Rule

SLOPE = 1.0  # eV/A
STIFFNESS = 100.0  # eV/A^2
DOWN, SWINGING, LAST = 300, 3000, 200  # calls


def named(text: str) -> Rule:
    """The rule of a name with arguments, of the package or of relative_rules.py."""
    relative = rule_of(text)
    if relative is not None:
        return relative
    spec = OptimizerSpec.of(text)
    return RULES[spec.name].load()(**spec.arguments)


def speed(rule: Rule) -> float:
    """Angstrom a call, on an even slope."""
    taken, state = np.zeros(1), None
    for _ in range(DOWN):
        seen = Observation.single([SLOPE], taken)
        taken, state = rule.update(seen, rule.init(seen) if state is None else state)
    return float(-taken[0])


def swing(rule: Rule) -> float:
    """Angstrom, in a well."""
    x, taken, state, path = np.ones(1), np.zeros(1), None, []
    for _ in range(SWINGING):
        seen = Observation.single(STIFFNESS * x, taken)
        taken, state = rule.update(seen, rule.init(seen) if state is None else state)
        x = x + taken
        path.append(x[0])
    return float(np.std(path[-LAST:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rules", nargs="+")
    print("| rule | speed, A a call | swing, A | swing / speed |")
    print("|---|---|---|---|")
    for text in parser.parse_args().rules:
        down, across = speed(named(text)), swing(named(text))
        print(f"| `{text}` | {down:.4f} | {across:.1e} | {across / down:.3f} |", flush=True)


if __name__ == "__main__":
    main()
