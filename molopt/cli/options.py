"""The options that commands share."""

from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from molopt.cli.signs import PROGRESS
from molopt.errors import InputError
from molopt.optimizers.registry import optimizer_names

Option = Callable[[Callable[..., Any]], Callable[..., Any]]

CHARGE = click.option("--charge", type=int, help="Total charge; by default what the input says.")
SPIN = click.option("--spin", type=int, help="Multiplicity 2S + 1; by default what the input says.")
NAME = click.option(
    "--name",
    callback=lambda context, option, value: require_letters(value),
    help="Name of the molecule, in place of its own; of several, NAME, NAME-2 and so on.",
)
SOLVENT = click.option("--solvent", help="Implicit solvent of an xTB potential, as water.  [default: none]")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the results as JSON and nothing else.")
OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace files that exist.")
FMAX = click.option(
    "--fmax", type=float, default=0.05, show_default=True, help="Stationary where no force on an atom is longer, eV/A."
)
OPTIMIZER = click.option(
    "--optimizer",
    default="default",
    show_default=True,
    help=f'The optimizer, with arguments as "adam?lr=0.02": your own module:name, or one of '
    f"{', '.join(optimizer_names())}.",
)
PARSL = click.option("--parsl", type=click.Path(), help="Run on a cluster: a Python file with a Parsl `config`.")
STRICT = click.option("--strict", is_flag=True, help="Stop at the first molecule that cannot be done.")


def potential(further: str = "", variable: str = "potential", **settings: Any) -> Option:
    """The potential; `further` is what the command says besides, as its default."""
    return click.option(
        "--potential", variable, help=f"The potential: a name, or package.module:factory.{beside(further)}", **settings
    )


def seed(further: str = "", default: int = 7) -> Option:
    return click.option(
        "--seed", type=int, default=default, show_default=True, help=f"Random seed of embeddings{further}."
    )


def curvature(default: str) -> Option:
    return click.option(
        "--check",
        default=default,
        show_default=True,
        help="Whether a run checks its softest direction before it ends: auto (leaves a saddle), report (names it and "
        'stays there) or none; "auto?calls=12&pushes=5" replaces the limits of 8 force calls a check and 3 pushes.',
    )


def max_calls(further: str = "") -> Option:
    return click.option("--max-calls", type=click.IntRange(1), help=f"Force calls per molecule at most{further}.")


def time_limit(further: str, default: float | None = None, said: str = "") -> Option:
    """Of each run; `further` says what happens then, and `said` what the default is where it is not a number."""
    return click.option(
        "--time-limit",
        type=float,
        default=default,
        show_default=default is not None,
        help=f"Seconds per run; {further}.{beside(said)}",
    )


def workers(further: str = "", default: int = 1) -> Option:
    return click.option(
        "--workers", type=click.IntRange(1), default=default, show_default=True, help=f"Processes.{beside(further)}"
    )


def out(default: str) -> Option:
    return click.option(
        "--out", type=click.Path(), help=f"Folder for all output files.{beside(f'[default: {default}]', 2)}"
    )


def resume() -> Option:
    return click.option(
        "--resume", type=click.Path(), metavar="FOLDER", help="Continue what was begun in a folder, with its options."
    )


def temperature(further: str) -> Option:
    return click.option(
        "--temperature", type=float, default=298.15, show_default=True, help=f"Temperature, K: {further}."
    )


def write(further: str = "", required: bool = True) -> Option:
    """The one file that a command writes."""
    return click.option(
        "--write", type=click.Path(), metavar="FILE", required=required, help=f"The file to write{further}"
    )


def beside(further: str, blanks: int = 1) -> str:
    return f"{' ' * blanks}{further}" if further else ""


SHARED = (
    FMAX,
    click.option(
        "--energy-left",
        help="Require as well that at most this energy is left above the floor, eV: auto (1 meV, or 0.02 meV per "
        "atom), none or a number.  [default: auto; compare: none]",
    ),
    click.option("--steps", type=int, default=1000, show_default=True, help="Maximum number of steps."),
    seed(),
    SOLVENT,
    CHARGE,
    SPIN,
    NAME,
    PROGRESS,
    AS_JSON,
    OVERWRITE,
)


def shared(required: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that `relax` and `compare` share; `required` says whether a molecule must be given."""
    sources = click.argument("sources", metavar="FILE|SMILES|NAME...", nargs=-1, required=required)

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        for decorate in reversed((sources, *SHARED)):
            command = decorate(command)
        return command

    return decorated


def require_letters(name: str | None) -> str | None:
    """A name that says something; InputError where it does not."""
    if name is not None and not any(map(str.isalnum, name)):
        raise InputError(f"--name must have a letter or a digit, got {name!r}")
    return name


def energy_limit(text: str | None, default: float | str | None) -> float | str | None:
    """The value of --energy-left; a number is checked together with the other criteria."""
    if text is None:
        return default
    if text.lower() in ("auto", "none"):
        return "auto" if text.lower() == "auto" else None
    try:
        return float(text)
    except ValueError:
        return text


def in_solvent(potential: str, solvent: str | None) -> str:
    """The potential with what --solvent says in its name; InputError where it has no solvents."""
    from molopt.potentials import solvated

    return potential if solvent is None or solvent.lower() == "none" else solvated(potential, solvent)


CALLED = {"potentials": "--potential", "sources": "the molecules"}  # whose name is not that of their variable


def given_in(context: click.Context) -> set[str]:
    """The variables of the options that the user wrote."""
    return {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}


def require_beside_resume(given: set[str], allowed: set[str], what: str) -> None:
    """Raise InputError where options stand beside --resume that `what`, as "study", was begun with."""
    if unwanted := sorted(CALLED.get(name, f"--{name.replace('_', '-')}") for name in given - allowed):
        raise InputError(f"--resume takes everything else from the {what}: drop {', '.join(unwanted)}")
