"""The options that name atoms; `molopt.constraining.text` reads what they say."""

import click

FIX = click.option(
    "--fix",
    "fixed",
    metavar="ATOMS|SMARTS",
    multiple=True,
    help='Atoms that do not move, counted from 1, as 1-5,8; or all matches of a SMARTS, as "c1ccccc1".  [repeatable]',
)
HOLD = click.option(
    "--hold",
    "held",
    metavar="ATOMS|SMARTS[=VALUE]",
    multiple=True,
    help="A bond, an angle or a dihedral, by 2, 3 or 4 atoms counted from 1, held at its present value (1,2,3,4) or at "
    'another in A or degrees (1,2,3,4=60); or all matches of a SMARTS ("CCCC=60").  [repeatable]',
)
