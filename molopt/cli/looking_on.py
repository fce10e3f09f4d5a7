"""What a program in Python, or a notebook, sees of work while it goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from threading import Event, Thread
from typing import Protocol

from rich.console import Console

from molopt.cli.display import UnderWay
from molopt.cli.terminal import Progress
from molopt.report.escaping import sentence
from molopt.signs import watched_by

NOTHING = {"text/plain": "", "text/html": "<span></span>"}
EVERY = 0.25  # s between two looks at what is under way: soon enough for an eye, and little beside a force call


class Handle(Protocol):
    """What IPython gives for something that it has shown, to show another in its place."""

    def update(self, data: dict[str, str], raw: bool = False) -> None: ...


@contextmanager
def progress() -> Iterator[None]:
    """Show what is under way in here, in this process and in its workers, and leave nothing behind.

    In a notebook and on a terminal these are lines that change; elsewhere there is a line after 20 s, and then one a
    minute. A notebook has them below the cell, all others on standard error. Results stay the same to the bit.

    Examples
    --------
    >>> import molopt
    >>> with molopt.progress():
    ...     ensemble = molopt.conformers("CCCO", count=3)
    """
    if not Console().is_jupyter:
        with Progress():
            yield
        return
    from IPython.display import display

    handle: Handle = display(NOTHING, raw=True, display_id=True)
    with kept_up_to_date(handle):
        yield


@contextmanager
def kept_up_to_date(handle: Handle) -> Iterator[None]:
    """A thread shows what is under way: this one may be in RDKit for minutes, and give no sign."""
    under_way, over = UnderWay(), Event()

    def tell() -> None:
        last: list[str] = []
        while not over.wait(EVERY):
            if (lines := under_way.lines()) != last:
                last = lines
                handle.update(page(lines), raw=True)

    thread = Thread(target=tell, daemon=True)
    thread.start()
    try:
        with watched_by(under_way.see):
            yield
    finally:
        over.set()
        thread.join()
        handle.update(NOTHING, raw=True)


def page(lines: list[str]) -> dict[str, str]:
    """Lines as a notebook shows them; names in them are neither markup nor control sequences."""
    said = "\n".join(map(sentence, lines))
    return {"text/plain": said, "text/html": f'<pre style="margin:0">{escape(said)}</pre>'} if lines else NOTHING
