"""The rules as ASE optimizer classes."""

from molopt.optimizers.lbfgs import LBFGS
from molopt.optimizers.named import (
    AdaBelief,
    Adadelta,
    Adagrad,
    Adam,
    AMSGrad,
    Apollo,
    GradientDescent,
    HeavyBall,
    Lion,
    Momentum,
    NAdam,
    Nesterov,
    PerAtomAdam,
    RAdam,
    RMSProp,
)
from molopt.optimizers.rule_optimizer import RuleOptimizer

__all__ = [
    "LBFGS",
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
    "PerAtomAdam",
    "RAdam",
    "RMSProp",
    "RuleOptimizer",
]
