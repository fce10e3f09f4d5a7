"""What `check=` of a run asks for."""

from dataclasses import dataclass
from typing import Self

from molopt.errors import InputError
from molopt.rules.base import check as check_number
from molopt.specification import parse, specified
from molopt.spelling import offer

KINDS = ("auto", "report")


@dataclass(frozen=True)
class CheckRequest:
    """What a run is asked to look at before it is done: `check=` of an optimizer, as text or None.

    Attributes
    ----------
    kind : str or None
        "auto", which leaves ridges; "report", which names them and stays; None, which does not look.
    calls, pushes : int
        Largest number of force calls of one check, and of pushes in a run.
    """

    kind: str | None = None
    calls: int = 8
    pushes: int = 3

    @classmethod
    def of(cls, text: "str | CheckRequest | None") -> Self:
        """What a text such as "auto" or "auto?calls=12&pushes=5" asks for.

        >>> CheckRequest.of("auto?calls=12")
        CheckRequest(kind='auto', calls=12, pushes=3)
        """
        if isinstance(text, cls):
            return text
        if text is None or text == "none":
            return cls()
        name, numbers = parse(text) if isinstance(text, str) else (text, {})
        if name not in KINDS:
            raise InputError(f'check must be "auto", "report" or none, got {text!r}')
        for key, value in numbers.items():
            if key not in ("calls", "pushes"):
                raise InputError(f"check has no argument {key!r}{offer(key, ('calls', 'pushes'))}")
            check_number(f"{key} of check", value, "positive")
            if int(value) != value:
                raise InputError(f"{key} of check must be a whole number, got {value}")
        return cls(name, **{key: int(value) for key, value in numbers.items()})

    def __str__(self) -> str:
        """The text that `of` reads back, of the numbers those that are not the defaults.

        >>> str(CheckRequest("auto", pushes=5)), str(CheckRequest())
        ('auto?pushes=5', 'none')
        """
        if self.kind is None:
            return "none"
        numbers = {key: getattr(self, key) for key in ("calls", "pushes")}
        changed = {key: value for key, value in numbers.items() if value != getattr(CheckRequest, key)}
        return specified(self.kind, changed)
