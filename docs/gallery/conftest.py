"""The scripts of the gallery are run by run.py; pytest, which would import them for their doctests, leaves them."""

collect_ignore_glob = ["*.py"]
