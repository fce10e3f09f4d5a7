"""--progress, --verbose, --quiet and --log: what a command says while it works, and where."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from molopt.errors import InputError


def kept_in(name: str) -> Callable[[click.Context, click.Parameter, object], None]:
    """A callback that keeps the value of an option where all that speaks to the user finds it."""
    return lambda context, _, value: context.meta.__setitem__(name, value)


SIGNS = (
    click.option(
        "--progress",
        type=click.Choice(("auto", "live", "plain", "none")),
        default="auto",
        expose_value=False,
        callback=kept_in("molopt.progress"),
        help="What is under way, on standard error: live (lines that change), plain (a line now and then) or none; "
        "results and notes are printed all the same.  [default: live on a terminal]",
    ),
    click.option(
        "-v",
        "--verbose",
        is_flag=True,
        expose_value=False,
        callback=kept_in("molopt.verbose"),
        help="Also print each stage and each force call that found a lower energy, on standard error.",
    ),
    click.option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=kept_in("molopt.quiet"),
        help="Print errors and nothing else: no results, notes or progress; with --json the JSON.",
    ),
    click.option(
        "--log",
        metavar="FILE",
        type=click.Path(),
        expose_value=False,
        callback=kept_in("molopt.log.path"),
        help="Append what happens to this file, a JSON object a line.",
    ),
)


def PROGRESS(command: Callable[..., Any]) -> Callable[..., Any]:
    """The four options, and the log, of every command that works for a while."""

    @wraps(command)
    def logging(*arguments: Any, **options: Any) -> Any:
        from molopt.cli.log import logged

        context = click.get_current_context()
        if context.meta.get("molopt.verbose") and context.meta.get("molopt.quiet"):
            raise InputError("--quiet and --verbose contradict each other: give one of them")
        with logged(context):
            return command(*arguments, **options)

    decorated: Callable[..., Any] = logging
    for option in reversed(SIGNS):
        decorated = option(decorated)
    return decorated
