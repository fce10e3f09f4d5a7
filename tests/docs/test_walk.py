"""The walk of one force call in the documents is the one that the code takes."""

import re
import sys
from pathlib import Path

import molopt

PACKAGE = Path(molopt.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "contributing" / "force_call.md"
WALK = re.findall(r"^(\w+/\w+\.py) +([\w.]+)", PAGE.read_text(encoding="utf-8"), re.M)


def traced(function):
    """The functions of molopt that were called, in their order: (file, qualified name)."""
    calls = []

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_filename.startswith(str(PACKAGE)):
            file = Path(frame.f_code.co_filename).relative_to(PACKAGE).as_posix()
            calls.append((file, frame.f_code.co_qualname))

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return calls


def missing(step):
    """Lines of the walk that are not among the calls of a step, in the order of the page."""
    rest = iter(step)
    return [line for line in WALK if line not in rest]


def test_the_last_step_of_a_run_calls_what_the_page_says_in_its_order():
    calls = traced(lambda: molopt.relax("CCO"))
    *_, last, end = [place for place, call in enumerate(calls) if call == WALK[0]]
    assert len(WALK) > 20
    assert missing(calls[last:end]) == []
