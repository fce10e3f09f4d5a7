"""The command line: `molopt relax`, `compare` and the others. Nothing heavy loads before a command runs."""

import importlib
import os
import sys
import warnings
from functools import partial
from io import TextIOWrapper
from typing import Any, NoReturn

import click

from molopt import __version__
from molopt.errors import InputError, MissingExtra
from molopt.importing import FOLDER
from molopt.report.escaping import sentence

BAD_INPUT = 2
INTERRUPTED = 130


class Commands(click.Group):
    """Commands that live in modules of their names, and errors of one line."""

    names = (
        "relax",
        "conformers",
        "scan",
        "check",
        "diagnose",
        "compare",
        "report",
        "export",
        "lab",
        "molecules",
        "potentials",
        "fit-stiffness",
    )

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.names:
            return None
        module = cmd_name.replace("-", "_")
        command: click.Command = getattr(importlib.import_module(f"molopt.cli.{module}"), module)
        if ctx.resilient_parsing:  # a shell completes
            from molopt.cli.completing import completed

            return completed(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.names:
            from molopt.spelling import offer

            raise click.UsageError(f"there is no command {args[0]!r}{offer(args[0], self.names)}", ctx)
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # a terminal need not know every letter
                stream.reconfigure(errors="backslashreplace")
        standalone = kwargs.pop("standalone_mode", True)
        run: Any = partial(super().main, *args, **kwargs, standalone_mode=False)
        if not standalone:
            return run()
        try:
            sys.exit(run())
        except click.ClickException as error:
            where = getattr(error, "ctx", None)
            hint = f" (see {where.command_path} --help)" if where else ""
            fail(f"{error.format_message()}{hint}")
        except InputError as error:
            fail(error.message, picture=error.picture)
        except MissingExtra as error:
            fail(str(error))
        except BrokenPipeError:  # the reader of the output has gone, as head does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except OSError as error:
            fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        except click.Abort:
            fail("interrupted", INTERRUPTED)


def fail(message: str, code: int = BAD_INPUT, picture: str = "") -> NoReturn:
    """End with one line, which names in it cannot break, and a picture of the place if there is one."""
    from molopt.numbering import counted_from_one

    click.echo(sentence(f"molopt: {counted_from_one(message)}"), err=True)
    if picture:
        click.echo(picture, err=True)
    sys.exit(code)


@click.group(cls=Commands, invoke_without_command=True)
@click.version_option(__version__, prog_name="molopt")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Relax molecules with the update rules of deep learning, and compare them with ASE's optimizers."""
    os.environ.setdefault(FOLDER, os.getcwd())
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # what a library warns its callers of is not for the terminal
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
