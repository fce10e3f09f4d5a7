"""What a shell is offered where the tab key is pressed: names of potentials, optimizers and shipped molecules; files.

Nothing heavy loads here, as the user waits; so names that others know are written down, and tests hold them.
"""

import glob
from collections.abc import Callable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

import molopt
from molopt.optimizers.registry import optimizer_names

Names = Callable[[str], list[str]]  # what may stand where this has been typed

POTENTIALS = ("mmff94", "mmff94s", "uff", "gfn2-xtb", "gfn1-xtb")
CHECKS = ("auto", "report", "none")
FOLDERS = ("data", "../molecules")  # of the shipped molecules, in an installed package and in a checkout


def shipped() -> list[str]:
    home = Path(molopt.__file__).parent
    return sorted(path.stem for folder in FOLDERS for path in (home / folder).glob("*.sdf"))


def listed(typed: str) -> list[str]:
    """Optimizers, where a list of them is typed: the last is completed.

    >>> listed("default,heavy")
    ['default,heavy-ball']
    """
    before, comma, last = typed.rpartition(",")
    return [f"{before}{comma}{name}" for name in optimizer_names() if name.startswith(last)]


NAMES: dict[str, Names] = {  # by the variable of an option
    "potential": lambda typed: list(POTENTIALS),
    "potentials": lambda typed: list(POTENTIALS),
    "refine": lambda typed: list(POTENTIALS),
    "surrogate": lambda typed: ["auto", "none", *POTENTIALS],
    "optimizer": lambda typed: optimizer_names(),
    "optimizers": listed,
    "check": lambda typed: list(CHECKS),
}
SOURCES = ("sources", "source")


class Named(click.ParamType):
    """A text that may be one of these names."""

    name = "text"

    def __init__(self, names: Names) -> None:
        self.names = names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in self.names(incomplete) if name.startswith(incomplete)]


class Source(click.ParamType):
    """A molecule: a file where one begins as typed, else a shipped molecule; of a SMILES nothing is known."""

    name = "text"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        files = glob.iglob(f"{glob.escape(incomplete)}*")
        names = [] if any(files) else [CompletionItem(name) for name in shipped() if name.startswith(incomplete)]
        return names or [CompletionItem(incomplete, type="file")]


def completed(command: click.Command) -> click.Command:
    """The command, whose options know what may stand behind them."""
    for parameter in command.params:
        if parameter.name in NAMES:
            parameter.type = Named(NAMES[parameter.name])
        elif parameter.name in SOURCES:
            parameter.type = Source()
    return command
