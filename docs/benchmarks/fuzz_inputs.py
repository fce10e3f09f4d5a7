"""Inputs for `fuzz.py`: valid ones of every kind, damaged byte by byte, word by word and line by line."""

import hashlib
import io
import json
import os
import random
import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import ase.io
from rdkit import Chem

from molopt.molecules import Molecule

MOLECULES = """
C CCO C[C@H](N)C(=O)O C/C=C/C F/C=C\\F c1ccncc1 [NH4+] CC(=O)[O-].[Na+] [O][O] O.O [C-]#[O+] C1CC1 OC1CC1 N#CC=O
[2H]C([2H])[2H] C[N+](=O)[O-] c1cc[nH]c1 C%10CC%10 [13CH4] CS(=O)(=O)C OP(=O)(O)O FB(F)F [SiH4] ClC(Cl)Cl C[Hg]C [He]
[Li]C C=C=C
"""
SYNTAX = """
C c N n O o S F Cl Br B P [nH] ( ) ( ) 1 2 3 %10 %(100) = # / \\ - : ~ $ . [C@H] [C@@H] [Na+] [O-] [O] [2H] [U] [C:1]
* [ ] @ [C@TH1] [Fe+2] -> <- |$ & ; ? { } [CH9] [C+9] [999C] X R1
"""
NUMBERS = """
99999999999999999999999 -1 0 1e300 -1e30 nan inf 1e-320 1e400 0x10 1_0 ٣ +-1 0.1.2 T None 1000000 -7 500 [[0,1,-3]]
"_JSON{}"
"""
NAMES = "../../x /etc/passwd ../other/canary $(reboot) CON nul <script> %s%n {0} -rf $$$$ é中🧪"
CONTROLS = ["\x1b[2J", "\r", "\x07", "\u202e", "\u009b2J", "\u2028", "\n", "\t", "\udcff", "\u0301" * 50]
EXPRESSIONS = """
1e400 nan inf b'x' lambda:0 __import__('os') {[]:1} {**1} ... 1j 0x1for 1+1 True None '\\x1b' f'{1}' (1,) [] {}
"""
OURS_AND_OTHERS = """
default adam adam/internal?lr=0.1 bfgs?maxstep=0.1 fire lbfgs/cartesian heavy-ball?control=none lbfgs
"""
FIELDS = "mmff94 uff mmff94s gfn1-xtb gfn2-xtb?accuracy=0.5 ase.calculators.emt:EMT ase.calculators.lj:LennardJones"
KEYS = "charge spin name bonds bonded radicals formal_charges pbc Lattice energy"

SMILES, TOKENS, OPTIMIZERS, POTENTIALS = (text.split() for text in (MOLECULES, SYNTAX, OURS_AND_OTHERS, FIELDS))
ABSURD = [*NUMBERS.split(), "", "1" * 400, "9" * 5000, '"_JSON [[0,1,-3]]"', '"1 2 3"']
HOSTILE = [*NAMES.split(), *CONTROLS, "a" * 3000, "", "M  END"]
DEEP = [character * count for character in "([{-~" for count in (5, 500, 50_000)]
LITERALS = [*EXPRESSIONS.split(), *DEEP, "9" * 5000, "1" + "+1" * 3000, "\x1b[2J"]
RELAX = ["--steps", "3", "--out", "out"]
OPTIONS = {
    "--fmax": ["0.05", "1e-320", "1e400"],
    "--energy-left": ["auto", "none", "0.01"],
    "--steps": ["3", "1"],
    "--seed": ["7", "0", "2147483648"],
    "--charge": ["0", "1", "-1"],
    "--spin": ["1", "2", "3"],
    "--coordinates": ["internal", "cartesian"],
    "--surrogate": ["auto", "none", "uff", "mmff94"],
    "--optimizer": OPTIMIZERS,
    "--potential": POTENTIALS[:3],
    "--out": ["out", "out/deeper", "pipe", "list.smi"],
    "--json": [],
    "--overwrite": [],
    "--help": [],
}
COMPARE = {
    "--optimizers": ["bfgs,adam", "default", "adam?lr=0.1,adam"],
    "--sweep": ["lr=0.01:0.1:2", "lr=1:2"],
    "--starts": ["1", "2"],
    "--largest": ["1", "50"],
    "--time-limit": ["10", "0", "-1"],
    "--no-files": [],
    "--resume": ["nothing", "study"],
}
RELAXING = {
    "--check": ["auto", "report", "none", "auto?calls=2&pushes=1", "auto?calls=0", "report?x=1"],
    "--max-calls": ["1", "3", "0"],
    "--time-limit": ["10", "0", "-1"],
}
CHECKING = {
    **{name: OPTIONS[name] for name in ("--fmax", "--charge", "--spin", "--potential", "--out", "--json", "--help")},
    "--frequencies": [],
    "--temperature": ["350", "0"],
    "--pressure": ["1e5", "-1"],
    "--symmetry-number": ["2", "0"],
    "--even-if-not-a-minimum": [],
    "--displacement": ["0.01", "0"],
}


class Case(NamedTuple):
    """One input: what lies in the folder, and the command line.

    Attributes
    ----------
    kind : str
    files : dict of bytes
        By path below the folder.
    things : dict of str
        "pipe", "folder", or where a symbolic link points to, by path below the folder.
    arguments : list of str
        Of `molopt`; for the kind "restart" there are none.
    """

    kind: str
    files: dict[str, bytes]
    things: dict[str, str]
    arguments: list[str]


def case(seed: int, number: int, templates: dict[str, dict[str, bytes]]) -> Case:
    """The input of this number; `templates` are the files of a finished study and of a restart, by kind and path."""
    choose = random.Random(f"{seed} {number}")
    names, weights = list(KINDS), [weight for _, weight in KINDS.values()]
    kind = choose.choices(names, weights)[0]
    files, things, arguments = KINDS[kind][0](choose, templates)
    return Case(kind, files, things, [argument.replace("\0", "") for argument in arguments])


Made = tuple[dict[str, bytes], dict[str, str], list[str]]


def smiles(choose: random.Random, _: object) -> Made:
    return {}, {}, [*relaxing(f"{written(choose)}{name(choose)}"), *field(choose)]


def smiles_list(choose: random.Random, _: object) -> Made:
    lines = [f"{choose.choice(SMILES)} {choose.choice(['a', 'A', 'b'])}" for _ in range(choose.randint(1, 3))]
    lines[choose.randrange(len(lines))] = f"{written(choose)}{name(choose)}"
    text = "\n".join(lines).encode("utf-8", "surrogateescape")
    return (
        {"list.smi": damaged(choose, text, TOKENS) if choose.random() < 0.5 else text},
        {},
        relaxing("list.smi") + field(choose),
    )


def sdf(choose: random.Random, _: object) -> Made:
    fields = ["> <charge>", "> <spin>", "> <bond_orders>\nunknown\n", "M  END", "$$$$", "M  CHG  1   1   9", "V3000"]
    text = damaged(choose, choose.choice(sdfs()).encode(), fields)
    return {"some.sdf": text}, {}, relaxing("some.sdf") + field(choose)


def xyz(choose: random.Random, _: object) -> Made:
    keys = [*(f" {key}=" for key in KEYS.split()), ' pbc="T T T"', "Xx", "U"]
    ending = choose.choice(["xyz", "extxyz"])
    text = damaged(choose, choose.choice(frames(ending)).encode(), keys)
    return {f"some.{ending}": text}, {}, relaxing(f"some.{ending}") + field(choose)


def columns(choose: random.Random, _: object) -> Made:
    """Extended XYZ with an absurd value of a key, or an absurd column."""
    key = choose.choice(KEYS.split())
    column = choose.choice(
        ["", "initial_charges:R:1", "initial_magmoms:R:1", "forces:R:3", "masses:R:1", "move_mask:L:1"]
    )
    values = [choose.choice([*ABSURD[:11], "0.5"]) for _ in range(3)]
    rows = zip(("O 0 0 0", "H 0.96 0 0", "H -0.24 0.93 0"), values, strict=True)
    atoms = "\n".join(" ".join(row) for row in rows)
    text = (
        f"3\nProperties=species:S:1:pos:R:3{column and f':{column}'} {key}={choose.choice(ABSURD + HOSTILE)}\n{atoms}\n"
    )
    return {"some.xyz": text.encode("utf-8", "surrogateescape")}, {}, relaxing("some.xyz")


def specification(choose: random.Random, _: object) -> Made:
    option = choose.choice(["--optimizer", "--potential", "--surrogate"])
    text = choose.choice({"--optimizer": OPTIMIZERS, "--potential": POTENTIALS}.get(option, ["uff", "mmff94"]))
    if choose.random() < 0.5:
        mark = "&" if "?" in text else "?"
        text += f"{mark}{choose.choice(['lr', 'b1', 'maxstep', 'accuracy', 'x', ''])}={choose.choice(LITERALS)}"
    else:
        text = argument(choose, text, [*"?&=/:,", *LITERALS])
    return {}, {}, ["relax", "CO", option, text, *RELAX]


def command(choose: random.Random, _: object) -> Made:
    verb = choose.choice(["relax", "relax", "check", "compare", "report", "export", "molecules", "fit-stiffness", ""])
    options = {"compare": OPTIONS | COMPARE, "check": CHECKING}.get(verb, OPTIONS | RELAXING)
    sources = ["CO", "C methane", "list.smi", "nowhere.sdf", "pipe", "aladip x", "folder.xyz", "peg5", ""]
    found = [verb, choose.choice(sources)]
    for option in choose.sample(list(options), choose.randint(1, 3)):
        value = [choose.choice(options[option] + ABSURD + HOSTILE)] if options[option] else []
        if option == "--out":
            value = [f"out/{value[0].replace('..', '')}"]
        found += [option, *value] if choose.random() < 0.8 else [f"{option}={''.join(value)}"]
    if choose.random() < 0.2:
        found[choose.randrange(len(found))] = argument(choose, choose.choice(found), HOSTILE)
    if verb in ("relax", "compare"):
        found += ["--optimizers", "bfgs", "--potential", "uff"] if verb == "compare" else []
        found += [option for option in ("--steps=3", "--out=out") if not spoken(option[:5], found)]
    return {"list.smi": b"C a\nO b\n"}, {"pipe": "pipe", "folder.xyz": "folder"}, found


def spoken(beginning: str, arguments: list[str]) -> bool:
    return any(argument.startswith(beginning) for argument in arguments)


def hostile_name(choose: random.Random, _: object) -> Made:
    stem = os.fsencode(f"{choose.choice(HOSTILE)}{choose.choice(HOSTILE)}".replace("/", ":").replace("\0", ""))[:200]
    ending = choose.choice(["smi", "sdf", "xyz"])
    texts = {"smi": f"C {choose.choice(HOSTILE)}\n", "sdf": choose.choice(sdfs()), "xyz": choose.choice(frames("xyz"))}
    path = f"{os.fsdecode(stem)}.{ending}"
    whole = texts[ending].encode("utf-8", "surrogateescape")
    return {path: damaged(choose, whole, HOSTILE) if choose.random() < 0.3 else whole}, {}, relaxing(f"./{path}")


def things(choose: random.Random, _: object) -> Made:
    """Pipes, devices, folders and links where files are read or written."""
    kinds = ["pipe", "folder", "/dev/zero", "/dev/null", "../other/canary", "nowhere"]
    written = [f"out/CO_relaxed.{ending}" for ending in ("sdf", "xyz", "traj")]
    place = choose.choice(["in.sdf", "in.smi", "many/in.xyz", "out", *written])
    source = {"many/in.xyz": "many"}.get(place, place) if not place.startswith("out") else "CO"
    return {}, {place: choose.choice(kinds)}, [*relaxing(source), *choose.choice([[], ["--overwrite"]])]


def study(choose: random.Random, templates: dict[str, dict[str, bytes]]) -> Made:
    files = {f"study/{path}": content for path, content in templates["study"].items()}
    placed = {}
    if choose.random() < 0.6:
        text = files["study/study.json"]
        files["study/study.json"] = (
            damaged_json(choose, text) if choose.random() < 0.7 else damaged(choose, text, HOSTILE)
        )
    elif choose.random() < 0.7:
        files["study/runs.db"] = damaged(choose, files["study/runs.db"], [*HOSTILE, "NaN", "null", "[]"])
    else:
        path = choose.choice([*files, "study/report.html", "study/report.html.part", "study/runs.db-journal"])
        files.pop(path, None)
        placed = {path: choose.choice(["pipe", "folder", "/dev/zero", "../other/canary", "nowhere"])}
    verbs = [["report", "study"], ["export", "study", "--write", "out.csv"], ["compare", "--resume", "study"]]
    return files, placed, choose.choice(verbs)


def restart(choose: random.Random, templates: dict[str, dict[str, bytes]]) -> Made:
    """A damaged file, or one whose damage its checksum does not show."""
    text = templates["restart"]["restart.json"]
    if choose.random() < 0.3:
        return {"restart.json": damaged(choose, text, HOSTILE)}, {}, []
    head = json.loads(text)
    body = damaged_json(choose, json.dumps(head.pop("body")).encode()).decode()
    head["sha256"] = hashlib.sha256(body.encode()).hexdigest()
    return {"restart.json": f'{json.dumps(head)[:-1]}, "body": {body}}}'.encode()}, {}, []


KINDS: dict[str, tuple[Callable[..., Made], float]] = {
    "SMILES": (smiles, 20),
    "SMILES list": (smiles_list, 12),
    "SDF": (sdf, 16),
    "XYZ": (xyz, 10),
    "XYZ columns": (columns, 8),
    "specification": (specification, 10),
    "command line": (command, 10),
    "file name": (hostile_name, 4),
    "pipes and links": (things, 2),
    "study": (study, 5),
    "restart": (restart, 3),
}


def relaxing(source: str) -> list[str]:
    return ["relax", source, *RELAX]


def field(choose: random.Random) -> list[str]:
    return choose.choice([[], ["--potential", "uff"]])


def written(choose: random.Random) -> str:
    """SMILES in a row, a damaged one, or tokens in a row."""
    kind = choose.random()
    if kind < 0.4:
        return choose.choice(["", "", "."]).join(choose.choices(SMILES, k=choose.randint(1, 3)))
    if kind < 0.6:
        return "".join(choose.choices(TOKENS, k=choose.randint(1, 9)))
    return argument(choose, choose.choice(SMILES), TOKENS)


def name(choose: random.Random) -> str:
    return choose.choice(["", " a", f" {choose.choice(HOSTILE)}", f" {choose.choice(HOSTILE)}{choose.choice(HOSTILE)}"])


def argument(choose: random.Random, text: str, words: list[str]) -> str:
    return os.fsdecode(damaged(choose, text.encode("utf-8", "surrogateescape"), words))


def damaged(choose: random.Random, text: bytes, words: list[str]) -> bytes:
    """The text after one to four accidents; `words` are those of its grammar."""
    for _ in range(choose.choice([1, 1, 1, 2, 4])):
        text = choose.choice(ACCIDENTS)(choose, text, words)
    return text


def flip(choose: random.Random, text: bytes, _: list[str]) -> bytes:
    place = choose.randrange(len(text) + 1)
    return text[:place] + bytes([choose.randrange(256)]) + text[place + 1 :]


def cut(choose: random.Random, text: bytes, _: list[str]) -> bytes:
    start = choose.randrange(len(text) + 1)
    return text[:start] + text[start + choose.choice([1, 1, 4, 40, len(text)]) :]


def double(choose: random.Random, text: bytes, _: list[str]) -> bytes:
    start = choose.randrange(len(text) + 1)
    end = start + choose.choice([1, 3, 20, 200])
    return text[:end] + text[start:end] * choose.choice([1, 1, 3]) + text[end:]


def insert(choose: random.Random, text: bytes, words: list[str]) -> bytes:
    place = choose.randrange(len(text) + 1)
    return text[:place] + choose.choice([*words, *HOSTILE]).encode("utf-8", "surrogateescape") + text[place:]


def number(choose: random.Random, text: bytes, _: list[str]) -> bytes:
    found = list(re.finditer(rb"-?\d+(\.\d+)?", text))
    if not found:
        return text
    start, end = choose.choice(found).span()
    return text[:start] + choose.choice(ABSURD).encode() + text[end:]


def lines(choose: random.Random, text: bytes, _: list[str]) -> bytes:
    rows = text.splitlines(keepends=True)
    if len(rows) > 1:
        i, j = (choose.randrange(len(rows)) for _ in range(2))
        rows[i], rows[j] = choose.choice([(rows[j], rows[i]), (rows[j], rows[j]), (b"", rows[j]), (b"\n", rows[j])])
    return b"".join(rows)


def endings(choose: random.Random, text: bytes, _: list[str]) -> bytes:
    return choose.choice([text.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + text, text.replace(b" ", b"\t"), text + text])


ACCIDENTS = [flip, flip, cut, cut, double, insert, insert, number, number, lines, endings]

STRANGERS = ["os:system?command='touch ../other/made'", "default?surrogate=os:system?command='touch ../other/made'"]
VALUES = [
    None,
    [],
    {},
    -1,
    0,
    1e400,
    float("nan"),
    "\x1b[2J",
    "../../x",
    10**30,
    True,
    "x" * 5000,
    [[[]]],
    "\ud800",
    0.5,
]
VALUES += [*STRANGERS, [None], STRANGERS]


def damaged_json(choose: random.Random, text: bytes) -> bytes:
    """The document with one to three values replaced, removed or nested."""
    document = json.loads(text)
    for _ in range(choose.choice([1, 1, 2, 3])):
        holder, key = choose.choice(places(document))
        accident = choose.random()
        if accident < 0.2:
            del holder[key]
        elif accident < 0.3:
            holder[key] = [holder[key]]
        else:
            holder[key] = choose.choice(VALUES)
        if not document:
            break
    return json.dumps(document).encode()


def places(document: object) -> list[tuple]:
    """Every (holder, key or index) in a document; long lists by their first three."""
    if isinstance(document, dict):
        entries = list(document.items())
    elif isinstance(document, list):
        entries = list(enumerate(document[:3]))
    else:
        return []
    return [(document, key) for key, _ in entries] + [place for _, value in entries for place in places(value)]


@cache
def samples() -> list[Molecule]:
    return [Molecule.from_smiles(text) for text in SMILES if text not in ("C[Hg]C", "[Li]C")]


@cache
def sdfs() -> list[str]:
    return [molecule.to_sdf() for molecule in samples()] + [
        Chem.MolToV3KMolBlock(molecule.to_rdkit()) + "\n$$$$\n" for molecule in samples()[:6]
    ]


@cache
def frames(ending: str) -> list[str]:
    found = []
    for molecule in samples():
        text = io.StringIO()
        ase.io.write(text, molecule.atoms(), format=ending)
        found.append(text.getvalue())
    return found
