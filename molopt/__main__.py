"""`python -m molopt`: the command line."""

from molopt.cli import main

main()
