"""Run every script of the gallery; each writes its picture beside itself.

    python docs/gallery/run.py              # all
    python docs/gallery/run.py scan batch   # these

A script that needs a package that is not installed is left out, and said so.
"""

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = sorted(path for path in HERE.glob("*.py") if path.name not in ("run.py", "conftest.py"))


def main() -> None:
    wanted = sys.argv[1:] or [path.stem for path in SCRIPTS]
    failed = [name for name in wanted if not ran(HERE / f"{name}.py")]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def ran(script: Path) -> bool:
    """Whether a script did what it should; what it prints, and its errors, are printed."""
    begun = time.monotonic()
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    if done.returncode and "MissingExtra" in done.stderr:
        print(f"{script.stem}: left out: {done.stderr.splitlines()[-1]}", flush=True)
        return True
    print(f"{script.stem}, {time.monotonic() - begun:.1f} s: {done.stdout.strip()}{done.stderr.strip()}", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    main()
