"""The rules as ASE optimizer classes."""

from molopt.optimizers.base import RuleOptimizer
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
    "PerAtomAdam",
    "RAdam",
    "RMSProp",
    "RuleOptimizer",
]
