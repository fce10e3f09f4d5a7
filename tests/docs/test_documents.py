"""What documents, docstrings and comments name is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"\b(?:docs|molopt|tests)/[\w/.-]*\w\.(?:py|md|smi|xyz|png|json|csv|html)\b|(?<=python )docs/[\w/]+")
PAST = ("docs/force_calls.py",)  # scripts of earlier versions that printed what is published
NEW = ROOT / "docs" / "extending"  # whose readers write files of their own
TEXTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/**/*.py"), ROOT / ".ci" / "run"]
    if path.name != "CHANGELOG.md" and NEW not in path.parents and not {".venv", "build"} & set(path.parts)
)


def test_files_that_are_named_are_there():
    missing = {}
    for path in TEXTS:
        names = set(NAMED.findall(path.read_text(encoding="utf-8"))) - set(PAST)
        if gone := sorted(name for name in names if not (ROOT / name).exists()):
            missing[str(path.relative_to(ROOT))] = gone
    assert not missing
