"""Claims beside figures, and the list of experiments."""

import math
from dataclasses import replace

import pytest

from molopt.errors import InputError, MissingExtra
from molopt.landscapes.experiment import Experiment, Number, Outcome
from molopt.landscapes.experiments import NAMES, experiment, plateau


@pytest.mark.parametrize(("number", "holds"), [
    (Number("x", 1.04, predicted=1.0), True),
    (Number("x", 1.06, predicted=1.0), False),
    (Number("x", 1.0, predicted=1.0, within=0), True),
    (Number("x", math.nextafter(1.0, 2), predicted=1.0, within=0), False),
    (Number("x", 3.0, least=2, most=4), True),
    (Number("x", 5.0, least=2, most=4), False),
    (Number("x", math.nan, least=2), False),
    (Number("x", math.nan, predicted=1.0), False),
    (Number("x", 5.0), None),
])  # fmt: skip
def test_a_figure_holds_where_it_is_as_the_claim_says(number, holds):
    assert number.holds is holds


def test_a_claim_does_not_hold_where_one_figure_is_not_as_it_says():
    outcome = Outcome((), [Number("one", 1.0, predicted=1.0), Number("two", 3.0, most=2.0)], "")
    assert not outcome.holds
    assert outcome.verdict == "Does not hold as stated: two is 3, and at most 2 was expected."


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_of_the_list_is_there(name):
    found = experiment(name)
    assert found.name == name
    assert found.claim.endswith(".")
    assert found.title


def test_a_name_that_is_not_there_is_an_error_with_the_nearest():
    with pytest.raises(InputError, match="there is no experiment 'plateu'; did you mean plateau"):
        experiment("plateu")


def test_an_experiment_of_another_package_is_named_by_module_and_attribute():
    assert experiment("molopt.landscapes.experiments.plateau:EXPERIMENT") is plateau.EXPERIMENT
    with pytest.raises(InputError, match="is not an experiment"):
        experiment("math:pi")


def test_a_run_has_an_outcome_for_the_surface_and_for_the_molecule():
    made = Experiment("mine", "Mine", "It is so.", "", lambda seed: Outcome((), [Number("seed", seed)], ""))
    assert list(made.run(3).outcomes) == ["model surface"]
    both = replace(made, molecule=made.model).run(3)
    assert [one.numbers[0].measured for one in both.outcomes.values()] == [3, 3]


def test_without_the_potential_of_its_molecule_an_experiment_still_looks_at_the_surface(caplog):
    def molecule(seed):
        raise MissingExtra("xtb", "gfn2-xtb")

    made = Experiment("mine", "Mine", "It is so.", "", lambda seed: Outcome((), [Number("seed", seed)], ""), molecule)
    assert list(made.run(3).outcomes) == ["model surface"]
    assert "mine: the molecule is left out: gfn2-xtb needs an extra: pip install 'molopt[xtb]'" in caplog.text
