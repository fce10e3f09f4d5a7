"""What had to be guessed, as it is logged wherever molecules are worked on."""

import logging
from typing import Self


class Noting(logging.Handler):
    """Takes the warnings of molopt as long as it is entered; elsewhere they are not seen then."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())

    def __enter__(self) -> Self:
        log = logging.getLogger("molopt")
        self.before = log.propagate, log.handlers
        log.propagate, log.handlers = False, [self]
        return self

    def __exit__(self, *exception: object) -> None:
        log = logging.getLogger("molopt")
        log.propagate, log.handlers = self.before
