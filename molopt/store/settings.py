"""The file that says what a folder of results was begun with: plain values in JSON, checked as they are read."""

import hashlib
import json
import os
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from molopt.errors import InputError
from molopt.molecules.reading import Located
from molopt.schema import MOST
from molopt.spelling import in_ascii
from molopt.store.checking import whole

BLOCK = 1 << 20  # bytes of a file that are read at a time
Kinds = Mapping[str, tuple[Callable[[Any], bool], str]]  # of each field: whether a value fits, and what is allowed
Settings = TypeVar("Settings")


def require_kinds(settings: object, kinds: Kinds) -> None:
    """Raise InputError where a value of the settings is not of its kind."""
    for name, (fits, allowed) in kinds.items():
        value = getattr(settings, name)
        if not fits(value):
            raise InputError(f"{name} must be {allowed}, got {brief(value)}")


def between(low: int, high: int = MOST) -> Callable[[Any], bool]:
    return lambda value: whole(value, low, high)


def or_none(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


def sources(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and all(isinstance(text, str) for text in value)


def names(value: Any) -> bool:
    return sources(value) and all(map(str.strip, value))


def texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for pair in value.items() for text in pair)


def brief(value: Any) -> str:
    """A value as an error message shows it, whatever it is."""
    if isinstance(value, int) and abs(value) > MOST:
        return "a number that is far too large"  # Python may refuse to write it
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def write_said(values: Mapping[str, object], path: Path) -> None:
    """The file is whole or not there."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)  # a link of that name would be written through
    draft.write_text(json.dumps(values, indent=1), encoding="utf-8")
    os.replace(draft, path)


def read_said(path: Path, newest: int) -> tuple[int, dict[str, Any]]:
    """The version of the format, and the values; InputError where it is not such a file, or newer than `newest`."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"), parse_constant=not_a_number)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged: {error}") from error
    written = said.pop("format", None) if isinstance(said, dict) else None
    if not isinstance(written, int) or isinstance(written, bool) or written < 1:
        raise InputError(f"{path} is damaged: it has no format version")
    if written > newest:
        raise InputError(f"{path} was written by a newer molopt: pip install --upgrade molopt")
    return written, said


def made_of(kind: Callable[..., Settings], said: dict[str, Any], path: Path) -> Settings:
    """The settings, a dataclass, of these values; InputError where they are others than its fields, or cannot be."""
    known = {part.name for part in fields(kind)}  # type: ignore[arg-type]  # kind is a dataclass
    if wrong := sorted(known ^ set(said)):
        there = "it lacks" if wrong[0] in known else "it has an unknown"
        raise InputError(f"{path} is damaged: {there} {brief(wrong[0])}")
    try:
        return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in said.items()})
    except InputError as error:
        raise InputError(f"{path} is damaged: {error}") from error


def not_a_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number here")


def contents(sources: Iterable[str]) -> dict[str, str]:
    """SHA-256 of the files that are sources, and of those that `molopt.read` takes from folders that are."""
    found = {}
    for source in sources:
        at = Located.of(source)
        if at is None:
            continue
        if not at.path.is_file() and not at.path.is_dir():
            raise InputError(f"{source} is neither a file nor a folder: no molecule is read from it")
        digest = hashlib.sha256()
        for file in at.files():
            if file.is_file():
                digest.update(os.fsencode(file.name) + b"\0")
                with file.open("rb") as content:
                    while block := content.read(BLOCK):
                        digest.update(block)
        found[source] = digest.hexdigest()
    return found


def absolute(sources: Iterable[str]) -> tuple[str, ...]:
    """The same sources, wherever the program is started next."""
    return tuple(source if (at := Located.of(source)) is None else at.absolute() for source in sources)


def require_no_links(folder: Path) -> None:
    """Raise InputError where a file of the folder, which is written to as it goes on, may be another elsewhere."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            raise InputError(f"{str(path)!r} is a link, and nothing is written through links: put the file there")


def require_trust(what: str, imports: Mapping[str, str], known: Collection[str], trusted: Collection[str]) -> None:
    """Raise InputError unless the code that would be imported is trusted, by its full names.

    Parameters
    ----------
    what : str
        What names it, as "the study F".
    imports : mapping
        The potentials and optimizers of other packages in it, each with the option that names it again.
    known : collection of str
        All potentials and optimizers that may be named.
    trusted : collection of str
        Those that whoever goes on with it has named again.
    """
    if unknown := {name: option for name, option in imports.items() if name not in trusted}:
        raise InputError(
            f"{what} names code that is imported and run here; if you trust it, name it again: {named_again(unknown)}"
        )
    if others := [name for name in trusted if name not in (*imports, *known)]:
        raise InputError(f"{what} has no {others[0]!r}: drop it, or begin another")


def named_again(imports: Mapping[str, str]) -> str:
    """The options by which code of others is named again, as a shell takes them."""
    return " ".join(f"{option} {shlex.quote(in_ascii(name))}" for name, option in imports.items())


def require_same_contents(sources: Iterable[str], begun: Mapping[str, str], what: str) -> None:
    """Raise InputError where a source is not what it was; `what` is what began with it, as "the study F"."""
    now = contents(sources)
    for source in sorted(now.keys() | begun.keys()):
        if now.get(source) != begun.get(source):
            raise InputError(f"{source!r} is not what it was when {what} began: begin another")


def require_same_versions(installed: Mapping[str, str], begun: Mapping[str, str], what: str) -> None:
    """Raise InputError where the versions of packages are others now than is said, or it is not said."""
    for package in ["molopt", *sorted(installed.keys() | begun.keys())]:
        before, here = begun.get(package), installed.get(package)
        if before is None and here is not None:
            raise InputError(f"{what} does not say with which {package} it was begun: begin another")
        if before != here:
            said = f"{in_ascii(package)} {in_ascii(before or '')}"
            instead = f"here is {here}" if here else "which its runs do not use here"
            raise InputError(f"{what} was begun with {said}, {instead}: begin another")
