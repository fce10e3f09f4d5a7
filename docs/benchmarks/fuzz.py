"""Damaged inputs for every command: none may give a traceback, hang, or touch what is not its output.

    python docs/benchmarks/fuzz.py --count 10000 --seed 1

Each input is made by its number from the seed (`fuzz_inputs.py`), and given to the command line as a shell would, in a
process that runs many of them one after the other. A hang is 5 s of the processor, or two minutes of waiting. Printed
is, by kind of input, how they ended and what went wrong; an input that did is made again by `--only NUMBER`. Those that
compare run in this process, not in processes of their own.
"""

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import signal
import stat
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple

from fuzz_inputs import KINDS, Case, case

LIMIT = 5  # s of the processor
BLOCKED = 120  # s by the clock, for what waits; the machine may be busy with other work
TELL = 60  # s between two lines of progress
MEMORY = 8 << 30  # bytes a process
PROBLEMS = ("traceback", "hang", "crash", "exit code", "not one line", "raw characters", "outside")
OUTPUT = ("out", "study", "out.csv")  # what a command may write, below the folder it is called in


class Verdict(NamedTuple):
    """How an input ended: the exit code, and what went wrong with its details."""

    code: int | None
    problems: dict[str, str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="Inputs.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kind", choices=KINDS, help="Of these, the inputs of one kind.")
    parser.add_argument("--only", type=int, help="Run the input of this number alone, and print it.")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # then it tells what it has
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        templates = finished(Path(folder))
        numbers = range(given.count) if given.only is None else [given.only]
        cases = {n: case(given.seed, n, templates) for n in numbers}
        cases = {n: made for n, made in cases.items() if given.kind in (None, made.kind)}
        verdicts = judged(cases, Path(folder), given.workers, templates)
    cases = {n: made for n, made in cases.items() if n in verdicts}  # all, unless it was interrupted
    if given.only is not None:
        print(*cases[given.only]._replace(files={}), sep="\n")
        print(*(f"{path!a}: {content[:2000]}" for path, content in cases[given.only].files.items()), sep="\n")
        print(verdicts[given.only])
    tell(cases, verdicts, given.seed)
    print(f"{len(cases)} inputs of seed {given.seed} in {time.perf_counter() - start:.0f} s")
    return int(any(verdict.problems for verdict in verdicts.values()))


def tell(cases: dict[int, Case], verdicts: dict[int, Verdict], seed: int) -> None:
    print("| input | inputs | exit 0 | 1 | 2 |", " | ".join(PROBLEMS), "|")
    print("|---" * (5 + len(PROBLEMS)) + "|")
    for kind in (*KINDS, "all"):
        found = [verdicts[n] for n in sorted(cases) if kind in ("all", cases[n].kind)]
        codes = Counter(verdict.code for verdict in found)
        problems = Counter(problem for verdict in found for problem in verdict.problems)
        cells = [kind, len(found), codes[0], codes[1], codes[2], *(problems[problem] for problem in PROBLEMS)]
        print(f"| {' | '.join(map(str, cells))} |")
    alike = defaultdict(list)
    for n, verdict in sorted(verdicts.items()):
        for problem, detail in verdict.problems.items():
            alike[cases[n].kind, problem, detail[-900:]].append(n)
    for (kind, problem, detail), numbers in alike.items():
        print(f"{kind}, {problem}, --seed {seed} --only {numbers[0]} ({len(numbers)} alike): {detail!a}")


def judged(
    cases: dict[int, Case], folder: Path, workers: int, templates: dict[str, dict[str, bytes]]
) -> dict[int, Verdict]:
    """The verdict on each case, by processes that are killed and replaced where one takes too long."""
    usual = Case("", {f"study/{path}": content for path, content in templates["study"].items()}, {}, [])
    first = [Case("restart", templates["restart"], {}, [])]
    first += [
        usual._replace(arguments=line.split())
        for line in ("report study", "export study --write out.csv", "compare --resume study", "relax C --out out")
    ]
    waiting, verdicts = list(cases)[::-1], {}
    told = time.monotonic()
    busy: dict[Connection, tuple[multiprocessing.Process, int, float]] = {}
    idle = [begun(folder / f"worker-{n}", first) for n in range(min(workers, len(waiting)))]
    while waiting or busy:
        while idle and waiting:
            connection, process = idle.pop()
            n = waiting.pop()
            connection.send(cases[n])
            busy[connection] = (process, n, time.monotonic() + BLOCKED)
        try:
            ready = wait(list(busy), timeout=0.1)
        except KeyboardInterrupt:
            return verdicts
        if time.monotonic() > told + TELL:
            told = time.monotonic()
            print(f"{len(verdicts)} of {len(cases)} inputs", file=sys.stderr)
        for connection, (process, n, deadline) in list(busy.items()):
            if connection in ready:
                try:
                    verdicts[n] = connection.recv()
                    idle.append((connection, process))
                except EOFError:
                    process.join()
                    too_long = process.exitcode == -signal.SIGXCPU
                    problem = {"hang": f"{LIMIT} s"} if too_long else {"crash": f"ended with {process.exitcode}"}
                    verdicts[n] = Verdict(None, problem)
                    idle.append(begun(process.folder, first))
                del busy[connection]
            elif time.monotonic() > deadline:
                process.kill()
                verdicts[n] = Verdict(None, {"hang": f"waited {BLOCKED} s"})
                idle.append(begun(process.folder, first))
                del busy[connection]
    for connection, _ in idle:
        connection.send(None)
    return verdicts


def begun(folder: Path, first: list[Case]) -> tuple[Connection, multiprocessing.Process]:
    """A process that has carried out the first cases, and so imported what there is to import."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=work, args=(there, folder), daemon=True)
    process.folder = folder
    process.start()
    there.close()
    for each in first:
        here.send(each)
        verdict = here.recv()
        assert verdict == Verdict(0, {}), verdict
    return here, process


def work(connection: Connection, sandbox: Path) -> None:
    """Take cases and give verdicts, until None is sent."""
    shutil.rmtree(sandbox, ignore_errors=True)
    for name in ("home", "tmp", "other"):
        (sandbox / name).mkdir(parents=True)
    (sandbox / "other" / "canary").write_text("untouched")
    os.environ |= {"HOME": str(sandbox / "home"), "TMPDIR": str(sandbox / "tmp"), "MPLCONFIGDIR": str(sandbox / "home")}
    tempfile.tempdir = None
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    outputs = [os.open(sandbox.parent / f"{sandbox.name}-{name}", os.O_RDWR | os.O_CREAT) for name in ("out", "err")]
    import molopt.execution
    import molopt.report.figure  # matplotlib writes its list of fonts when it is first imported

    molopt.execution.Pool = lambda *_, **__: molopt.execution.SerialExecutor()
    for descriptor, own in zip(outputs, (1, 2), strict=True):
        os.dup2(descriptor, own)
    while (given := connection.recv()) is not None:
        folder = sandbox / "case"
        shutil.rmtree(folder, ignore_errors=True)
        prepare(folder, given)
        os.chdir(folder)
        before = untouched(sandbox)
        for descriptor in outputs:
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.truncate(descriptor, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + LIMIT + 1, resource.RLIM_INFINITY))
        code, trace = restarted() if given.kind == "restart" else carried_out(given.arguments)
        printed = [os.pread(descriptor, 1 << 24, 0) for descriptor in outputs]
        problems = found(code, trace, *printed)
        if untouched(sandbox) != before:
            problems["outside"] = str(sorted(str(path) for path, _ in set(untouched(sandbox)) ^ set(before)))
            (sandbox / "other" / "canary").write_text("untouched")
        connection.send(Verdict(code, problems))


def carried_out(arguments: list[str]) -> tuple[int | None, str]:
    """The exit code of a command line, and the traceback if there is one."""
    from molopt.cli import main as molopt_main

    sys.argv = ["molopt", *arguments]
    try:
        molopt_main(prog_name="molopt")
    except SystemExit as ended:
        return ended.code or 0, ""
    except BaseException:
        return None, traceback.format_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0, ""


def restarted() -> tuple[int | None, str]:
    """As `carried_out`, of an optimizer that goes on from restart.json."""
    from ase.optimize.optimize import RestartError

    import molopt

    try:
        optimizer(molopt.Molecule.from_smiles("CO"), Path("restart.json")).run(fmax=0.05, steps=2)
    except (molopt.errors.InputError, RestartError) as error:
        return (2, "") if "\n" not in str(error) else (2, f"several lines: {error}")
    except molopt.errors.PotentialFailed:
        return 1, ""
    except BaseException:
        return None, traceback.format_exc()
    return 0, ""


def optimizer(molecule, path: Path):
    import molopt

    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    return molopt.LBFGS(atoms, logfile=None, restart=str(path))


def found(code: int | None, trace: str, out: bytes, err: bytes) -> dict[str, str]:
    """What is wrong with an end and what was printed."""
    problems = {}
    if trace or b"Traceback (most recent call last)" in out + err:
        problems["traceback"] = " / ".join((trace or err.decode("utf-8", "replace")).strip().splitlines()[-12:])
    elif code not in (0, 1, 2):
        problems["exit code"] = str(code)
    try:
        lines = (out + err).decode().split("\n")
    except UnicodeDecodeError as error:
        return problems | {"raw characters": str(error)}
    strange = {character for line in lines for character in line if not character.isprintable()}
    if strange:
        problems["raw characters"] = ascii(strange)
    said = [line for line in err.decode().splitlines() if not line.startswith(("note: ", "left out: "))]
    allowed = 0 if code in (0, 1) else 1
    complaints = [line for line in said if line.startswith("molopt: ")]
    picture = [line for line in said if line.startswith("  ")]
    wanted = len(complaints) <= allowed and len(picture) in (0, 2 * len(complaints))
    if not trace and not (wanted and len(said) == len(complaints) + len(picture)):
        problems["not one line"] = err.decode()
    return problems


def prepare(folder: Path, given: Case) -> None:
    for path, content in given.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    for path, thing in given.things.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if thing == "pipe":
            os.mkfifo(folder / path)
        elif thing == "folder":
            (folder / path).mkdir()
        else:
            (folder / path).symlink_to(thing)
    folder.mkdir(parents=True, exist_ok=True)


def untouched(sandbox: Path) -> list[tuple[Path, tuple]]:
    """Everything below the sandbox that no command may write, with what a change of it would change."""
    seen = []
    for folder, folders, files in os.walk(sandbox):
        at = Path(folder)
        if at == sandbox / "case":
            folders[:] = [name for name in folders if name not in OUTPUT]
            files = [name for name in files if name not in OUTPUT]
        for name in (*folders, *files):
            status = os.lstat(at / name)
            size = () if stat.S_ISDIR(status.st_mode) else (status.st_size, status.st_mtime_ns)
            seen.append((at / name, (status.st_mode, *size)))
    return sorted(seen)


def finished(folder: Path) -> dict[str, dict[str, bytes]]:
    """The files of a small study and of a restart, made in a process of its own, which loads what the others need."""
    with multiprocessing.Pool(1) as pool:
        return pool.apply(make_templates, (folder / "templates",))


def make_templates(folder: Path) -> dict[str, dict[str, bytes]]:
    import molopt.execution

    molopt.execution.Pool = lambda *_, **__: molopt.execution.SerialExecutor()
    folder.mkdir()
    os.chdir(folder)
    command = "compare CO C --potential mmff94 --optimizers bfgs,adam --steps 3 --out study --no-files --json"
    with open(os.devnull, "w") as nowhere:
        sys.stdout, shown = nowhere, sys.stdout
        ended = carried_out(command.split())
        sys.stdout = shown
    assert ended == (0, ""), ended
    optimizer(molopt.Molecule.from_smiles("CO"), Path("restart.json")).run(fmax=0.001, steps=3)
    study = {path.name: path.read_bytes() for path in Path("study").iterdir() if path.is_file()}
    settings = json.loads(study["study.json"])
    assert settings["sources"] == ["CO", "C"]
    return {"study": study, "restart": {"restart.json": Path("restart.json").read_bytes()}}


if __name__ == "__main__":
    sys.exit(main())
