"""Made by tests/stubs.py: do not edit."""

from molopt.rules.adabelief import AdaBelief as AdaBelief
from molopt.rules.adadelta import Adadelta as Adadelta
from molopt.rules.adagrad import Adagrad as Adagrad
from molopt.rules.adam import Adam as Adam
from molopt.rules.adapters import OptaxRule as OptaxRule
from molopt.rules.adapters import TorchRule as TorchRule
from molopt.rules.amsgrad import AMSGrad as AMSGrad
from molopt.rules.apollo import Apollo as Apollo
from molopt.rules.base import Observation as Observation
from molopt.rules.base import Rule as Rule
from molopt.rules.gradient_descent import GradientDescent as GradientDescent
from molopt.rules.heavy_ball import HeavyBall as HeavyBall
from molopt.rules.lion import Lion as Lion
from molopt.rules.momentum import Momentum as Momentum
from molopt.rules.nadam import NAdam as NAdam
from molopt.rules.nesterov import Nesterov as Nesterov
from molopt.rules.partition import Partition as Partition
from molopt.rules.per_atom_adam import PerAtomAdam as PerAtomAdam
from molopt.rules.prodigy import Prodigy as Prodigy
from molopt.rules.radam import RAdam as RAdam
from molopt.rules.rmsprop import RMSProp as RMSProp
from molopt.rules.state import PerEntry as PerEntry
from molopt.rules.state import PerSystem as PerSystem
from molopt.rules.state import Stateless as Stateless

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
    "Prodigy",
    "RAdam",
    "RMSProp",
    "Rule",
    "Stateless",
    "TorchRule",
]
