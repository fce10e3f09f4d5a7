"""All commands of molopt and their flags, as docs/reference/commands.md has them.

python docs/commands.py > docs/reference/commands.md
"""

import re
from collections import defaultdict
from collections.abc import Iterator

import click

from molopt.cli import Commands, main

STOP = re.compile(r"[.;:,](?: |$)")


def options() -> Iterator[tuple[str, click.Option]]:
    """Each command with each of its options."""
    for name in Commands.names:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        for option in command.params:
            if isinstance(option, click.Option):
                yield name, option


def flag(option: click.Option) -> str:
    return "/".join([*option.opts, *option.secondary_opts])


def said(option: click.Option) -> str:
    """The help of an option, without its default."""
    return " ".join((option.help or "").partition("[default: ")[0].split())


def meaning(option: click.Option) -> str:
    """What a flag means in every command that has it: what its help says up to the first stop, colon or comma."""
    return STOP.split(said(option))[0]


def default(option: click.Option) -> str:
    """What holds where the flag is not given; empty where that is nothing."""
    said = (option.help or "").partition("[default: ")
    if said[1]:
        return said[2].rstrip("]")
    return f"{option.default}" if option.show_default and option.default is not None else ""


def page() -> str:
    commands = {name: main.get_command(click.Context(main), name) for name in Commands.names}
    by_flag = defaultdict(list)
    for name, option in options():
        by_flag[flag(option)].append((name, option))
    lines = ["# All commands and their flags", ""]
    lines += ["Written by `python docs/commands.py`. A flag means the same wherever it stands.", ""]
    lines += ["| command | what it does |", "| --- | --- |"]
    lines += [
        f"| `molopt {name}` | {command.get_short_help_str(200)} |" for name, command in commands.items() if command
    ]
    lines += ["", "| flag | meaning | commands, with their defaults |", "| --- | --- | --- |"]
    for name, found in sorted(by_flag.items()):
        defaults: dict[str, list[str]] = defaultdict(list)
        for command, option in found:
            defaults[default(option)].append(command)
        where = "; ".join(f"{', '.join(names)}{f' ({value})' if value else ''}" for value, names in defaults.items())
        texts = {said(option) for _, option in found}
        text = texts.pop() if len(texts) == 1 else f"{meaning(found[0][1])}."
        lines.append(f"| `{name}` | {text} | {where} |".replace("|ATOMS", "\\|ATOMS"))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
