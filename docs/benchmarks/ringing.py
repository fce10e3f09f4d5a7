"""Why NAdam rings on molecules: how far a stiff vibration swings under a rule, predicted and measured, and drawn.

    python docs/benchmarks/ringing.py --molecule aladip --out docs/pictures/ringing.png

A rule that divides by the root of the mean square gradient moves an entry by lr times a number that is one where the
gradient keeps its sign. Where the sign changes at every call, a gradient's own share a counts in full, and the share c
of a memory (mean of gradients, forgetting with b1) by (1 - b1) / (1 + b1), so that the entry swings by

    A = lr (a + c (1 - b1) / (1 + b1)) / 2

to both sides, whatever its stiffness is, with two calls a period; a direction e of unit length, in which all entries
swing together, by A times the sum of |e|. Measured along the stiffest direction of the molecule's Hessian, MMFF94:
at a constant rate, and under the default control, whose rate has to fall until the swing is less than fmax.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

import molopt
from molopt.control import Control
from molopt.optimizers import RuleOptimizer
from molopt.rules import Adam, NAdam, RMSProp, Rule

LR = 0.01  # Angstrom
CALLS = 1500  # at a constant rate: NAdam's momentum rises slowly
LAST = 200  # of these calls are looked at
B2 = 0.98  # of all rules, so that the first forces are forgotten before that
FMAX = 0.01  # eV/A, under control
CAP = 3000  # steps there
STEP = 1e-3  # Angstrom, of finite differences
SHOWN = 40  # calls in the figure
DRAWN = ("NAdam, Dozat's schedule", "NAdam, momentum_decay 1", "NAdam, momentum_decay 1, b1 0.97", "Adam")


class Swing(NamedTuple):
    """What the stiffest direction does in the last calls of a run."""

    amplitude: float  # eV/A, root mean square of the gradient
    period: float  # calls, of the strongest frequency


class Case(NamedTuple):
    name: str
    rule: Rule
    own: float  # share of the present gradient in the step
    memory: float  # share of the mean
    colour: str

    @property
    def amplitude(self) -> float:
        """Predicted amplitude, in units of lr."""
        b1 = getattr(self.rule, "b1", 0.0)
        return (self.own + self.memory * (1 - b1) / (1 + b1)) / 2


def cases(lr: float) -> list[Case]:
    """NAdam's share of the memory is its momentum mu: b1 / 2 with Dozat's schedule, b1 with a fast one."""
    mu = 0.9 * (1 - 0.5 * 0.96 ** (CALLS * 0.004))  # at the end of a run
    return [
        Case("Adam", Adam(lr, b2=B2), 0.0, 1.0, "#D55E00"),
        Case("Adam, b1 0.93", Adam(lr, b1=0.93, b2=B2), 0.0, 1.0, "#F59B6B"),
        Case("NAdam, Dozat's schedule", NAdam(lr, b2=B2), 1 - mu, mu, "#A5423C"),
        Case("NAdam, momentum_decay 1", NAdam(lr, b2=B2, momentum_decay=1.0), 0.1, 0.9, "#0072B2"),
        Case("NAdam, momentum_decay 1, b1 0.97", NAdam(lr, b1=0.97, b2=B2, momentum_decay=1.0), 0.03, 0.97, "#009E73"),
        Case("RMSProp", RMSProp(lr, b2=B2), 1.0, 0.0, "#E69F00"),
    ]


def started(name: str) -> tuple[molopt.Molecule, float, np.ndarray]:
    """The molecule, and the stiffness (eV/A^2) and direction (3N,) of its stiffest motion at its minimum."""
    molecule = molopt.Molecule.named(name)
    atoms = molopt.relax(molecule, potential="mmff94", fmax=1e-4).molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    minimum = atoms.positions.ravel().copy()

    def gradient(x: np.ndarray) -> np.ndarray:
        atoms.positions = x.reshape(-1, 3)
        return -atoms.get_forces().ravel()

    moves = STEP * np.eye(len(minimum))
    hessian = np.array([(gradient(minimum + move) - gradient(minimum - move)) / (2 * STEP) for move in moves])
    stiffness, directions = np.linalg.eigh(hessian + hessian.T)
    return molecule, float(stiffness[-1] / 2), directions[:, -1]


def followed(
    case: Case, molecule: molopt.Molecule, control: Control | None, fmax: float, calls: int
) -> tuple[np.ndarray, float]:
    """(n, 2, 3N) positions (A) and gradients (eV/A) of a run in Cartesians, and lr x rate of its last steps."""
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    optimizer = RuleOptimizer(atoms, rule=case.rule, control=control, logfile=None)
    path, rates = [], [1.0]
    for _ in optimizer.irun(fmax=fmax, steps=calls):
        path.append((atoms.positions.ravel().copy(), -atoms.get_forces().ravel()))
        rates.append(1.0 if optimizer.memory is None else float(optimizer.memory.control.applied[0]))
    return np.array(path), LR * float(np.median(rates[-LAST // 2 :]))


def swing(path: np.ndarray, direction: np.ndarray) -> Swing:
    along = (path[-LAST:, 1] @ direction) - (path[-LAST:, 1] @ direction).mean()
    spectrum = np.abs(np.fft.rfft(along)) ** 2
    period = len(along) / (1 + int(np.argmax(spectrum[1:])))
    return Swing(float(along.std()), period)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecule", default="aladip")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    molecule, stiffness, direction = started(given.molecule)
    entries = float(np.abs(direction).sum())
    print(f"{given.molecule}: the stiffest direction has {stiffness:.0f} eV/A^2; lr {LR} A, b2 {B2}\n")
    print("| rule | A / lr, predicted | measured | period, calls | calls to fmax 0.01 | lr x rate at the end, A |")
    print("|---|---|---|---|---|---|")
    constant, controlled = {}, {}
    for case in cases(LR):
        constant[case.name], _ = followed(case, molecule, None, 0.0, CALLS)
        controlled[case.name], rate = followed(case, molecule, Control(), FMAX, CAP)
        free = swing(constant[case.name], direction)
        measured, calls = free.amplitude / stiffness / LR / entries, len(controlled[case.name])
        print(
            f"| {case.name} | {case.amplitude:.3f} | {measured:.3f} | {free.period:.1f} "
            f"| {calls if calls <= CAP else f'over {CAP}'} | {rate:.4f} |",
            flush=True,
        )
    if given.out:
        draw(constant, controlled, direction, stiffness, entries, given.out)


def draw(
    constant: dict[str, np.ndarray],
    controlled: dict[str, np.ndarray],
    direction: np.ndarray,
    stiffness: float,
    entries: float,
    path: Path,
) -> None:
    """On the left the last calls at a constant rate, with the amplitudes foretold; on the right fmax under control."""
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for case in cases(LR):
        if case.name not in DRAWN:
            continue
        along = constant[case.name][-SHOWN:, 1] @ direction / stiffness
        left.plot(1e3 * (along - along.mean()), ".-", color=case.colour, lw=1, ms=4, label=case.name)
        for sign in (-1, 1):
            left.axhline(sign * 1e3 * case.amplitude * LR * entries, color=case.colour, lw=0.8, ls=":")
        forces = np.linalg.norm(controlled[case.name][:, 1].reshape(len(controlled[case.name]), -1, 3), axis=2).max(
            axis=1
        )
        right.plot(forces, color=case.colour, lw=1)
    left.set(xlabel=f"force calls, the last {SHOWN} of {CALLS}", ylabel="along the stiffest direction, 0.001 Å")
    left.set_title(f"constant rate, lr {LR} Å; dotted: foretold", fontsize=10)
    right.axhline(FMAX, color="#7F7F7F", lw=0.8, ls="--")
    right.set(yscale="log", xscale="log", xlabel="force calls", ylabel="fmax, eV/Å")
    right.set_title("under control", fontsize=10)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
