"""A search of one molecule, killed, interrupted or shared by workers, gives what an undisturbed one gives."""

import os
import signal
from pathlib import Path

import pytest
from searches import archived, begun, end, here, journaled, wait

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

FILES = ("conformers.sdf", "conformers.csv", "conformers.xyz")


def test_one_seed_is_one_ensemble_with_any_number_of_workers(tmp_path):
    for workers in (1, 2):
        here("conformers", "CC(C)C=O", "--count", 6, "--workers", workers, "--out", tmp_path / str(workers))
    for name in FILES:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_a_molecule_killed_three_times_and_resumed_gives_the_same_files(tmp_path):
    asked = ["NCC(=O)NCCO", "--count", 16]
    here("conformers", *asked, "--out", tmp_path / "whole")
    folder, kept = tmp_path / "killed", 0
    process = begun(*asked, "--workers", 2, "--out", folder)
    for workers in (1, 1, 2):
        wait(lambda kept=kept: journaled(folder) > kept + 4096, process)
        end(process, signal.SIGKILL)
        kept = journaled(folder)
        assert kept > 0
        process = begun("--resume", folder, "--workers", workers)
    process.communicate()
    assert process.returncode == 0
    for name in FILES:
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not list(folder.glob("search.journal*"))


def test_an_interrupt_writes_what_was_found_and_says_how_to_go_on(tmp_path):
    (tmp_path / "set.smi").write_text("O water\n" * 3 + "CCCCCCCCCCCCCCCCCC long\n" * 50)
    folder = tmp_path / "found"
    process = begun(tmp_path / "set.smi", "--count", 2000, "--out", folder)
    wait(lambda: archived(folder) >= 3, process)
    said = end(process, signal.SIGINT)
    assert process.returncode == 130
    assert f"continue with molopt conformers --resume {folder}" in said
    text = Path(folder / "conformers.csv").read_text()
    assert text.count("water") == 3
