"""All commands together: what their flags are called and mean, and where that is written."""

import importlib.util
import re
from collections import defaultdict
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "docs" / "commands.py"
specification = importlib.util.spec_from_file_location("commands", PATH)
commands = importlib.util.module_from_spec(specification)
specification.loader.exec_module(commands)

OPTIONS = list(commands.options())
FLAGS = sorted({commands.flag(option) for _, option in OPTIONS})


def helps(flag):
    return [option.help for _, option in OPTIONS if commands.flag(option) == flag]


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_means_the_same_in_every_command_that_has_it(flag):
    meanings = {commands.meaning(option) for _, option in OPTIONS if commands.flag(option) == flag}
    assert len(meanings) == 1
    assert all(helps(flag))


def test_no_two_flags_mean_the_same():
    by_meaning = defaultdict(set)
    for _, option in OPTIONS:
        by_meaning[commands.meaning(option)].add(commands.flag(option))
    assert [flags for flags in by_meaning.values() if len(flags) > 1] == []


def test_a_flag_is_of_the_same_kind_everywhere():
    kinds = defaultdict(set)
    for _, option in OPTIONS:
        kinds[commands.flag(option)].add((option.type.name, option.is_flag))
    assert {flag: found for flag, found in kinds.items() if len(found) > 1} == {}


def test_no_flag_is_another_one_with_an_ending_alone():
    names = {name for flag in FLAGS for name in flag.split("/")}
    assert {name for name in names if f"{name}s" in names} == {"--optimizer"}  # of one run, and those of a comparison


def test_the_page_of_all_flags_is_that_of_the_commands():
    assert (PATH.parent / "reference" / "commands.md").read_text() == commands.page()


def test_flags_in_the_documents_are_flags_of_their_commands():
    known = defaultdict(set)
    for name, option in OPTIONS:
        known[name] |= {*option.opts, *option.secondary_opts, "--help"}
    root = PATH.parents[1]
    wrong = []
    for page in [root / "README.md", *sorted(root.glob("docs/**/*.md"))]:
        for name, rest in re.findall(r"^\$ molopt ([a-z-]+)((?:[^\n\\]|\\\n)*)", page.read_text(), re.M):
            wrong += [(page.name, flag) for flag in re.findall(r"(?<=\s)--[a-z-]+", rest) if flag not in known[name]]
    assert wrong == []
