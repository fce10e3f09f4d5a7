"""A library that is killed goes on, and gives what an undisturbed one gives, to the byte."""

import os
import signal

import pytest
from searches import archived, begun, end, here, wait

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

LIBRARY = "CCO ethanol\nCCCO propanol\nCX(C bad\nCOC\nOCCO glycol\nc1ccccc1 benzene\n[U] uranium\nCC(C)C=O\nCC=O\n"
FILES = ("conformers.sdf", "conformers.csv", "failures.csv")


def test_a_library_killed_three_times_and_resumed_gives_the_same_files(tmp_path):
    source = tmp_path / "set.smi"
    source.write_text(LIBRARY)
    here("conformers", source, "--count", 4, "--out", tmp_path / "whole")
    folder, done = tmp_path / "killed", 0
    process = begun(source, "--count", 4, "--workers", 2, "--out", folder)
    for workers in (1, 1, 2):
        wait(lambda done=done: archived(folder) >= done + 2, process)
        end(process, signal.SIGKILL)
        done = archived(folder)
        assert 0 < done < 9  # so that there is something to lose, and something left to do
        process = begun("--resume", folder, "--workers", workers)
    process.communicate()
    assert process.returncode == 1  # as two cannot be done
    for name in FILES:
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
