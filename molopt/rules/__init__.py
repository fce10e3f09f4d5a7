"""Update rules: arrays in, a displacement out. They know nothing of atoms, calculators or optimizers."""

from molopt.rules.adam import Adam
from molopt.rules.base import Observation, Rule
from molopt.rules.partition import Partition
from molopt.rules.state import PerEntry, PerSystem, Stateless

__all__ = ["Adam", "Observation", "Partition", "PerEntry", "PerSystem", "Rule", "Stateless"]
