"""Text from input as one line of a figure."""

import re

LONGEST = 80  # characters
BLANK = re.compile(r"\s+")
# What XML cannot hold: control characters, halves of surrogate pairs, noncharacters; and marks that turn the direction
# of all text behind them.
UNFIT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def one_line(text: str, longest: int = LONGEST) -> str:
    """The text in one line, shortened, with a replacement character for what no document can hold.

    >>> one_line("a\\nb\\x00"), one_line("benzene", longest=4)
    ('a b�', 'ben…')
    """
    line = UNFIT.sub("�", BLANK.sub(" ", text)).strip()
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def three_digits(value: float) -> str:
    """A number in three digits.

    >>> [three_digits(value) for value in (1.0, 12345.6, 0.01234)]
    ['1', '12300', '0.0123']
    """
    rounded = float(f"{value:.3g}")
    return f"{rounded:.0f}" if abs(rounded) >= 100 else f"{rounded:g}"
