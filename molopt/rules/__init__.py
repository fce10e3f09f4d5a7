"""Update rules: arrays in, a displacement out. They know nothing of atoms, calculators or optimizers."""

from molopt.rules.adabelief import AdaBelief
from molopt.rules.adadelta import Adadelta
from molopt.rules.adagrad import Adagrad
from molopt.rules.adam import Adam
from molopt.rules.adapters import OptaxRule, TorchRule
from molopt.rules.amsgrad import AMSGrad
from molopt.rules.apollo import Apollo
from molopt.rules.base import Observation, Rule
from molopt.rules.gradient_descent import GradientDescent
from molopt.rules.heavy_ball import HeavyBall
from molopt.rules.lion import Lion
from molopt.rules.momentum import Momentum
from molopt.rules.nadam import NAdam
from molopt.rules.nesterov import Nesterov
from molopt.rules.partition import Partition
from molopt.rules.per_atom_adam import PerAtomAdam
from molopt.rules.radam import RAdam
from molopt.rules.rmsprop import RMSProp
from molopt.rules.state import PerEntry, PerSystem, Stateless

__all__ = [
    "AMSGrad",
    "AdaBelief",
    "Adadelta",
    "Adagrad",
    "Adam",
    "Apollo",
    "GradientDescent",
    "HeavyBall",
    "Lion",
    "Momentum",
    "NAdam",
    "Nesterov",
    "Observation",
    "OptaxRule",
    "Partition",
    "PerAtomAdam",
    "PerEntry",
    "PerSystem",
    "RAdam",
    "RMSProp",
    "Rule",
    "Stateless",
    "TorchRule",
]
