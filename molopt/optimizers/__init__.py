"""ASE optimizer classes of molopt: one for each rule, and its quasi-Newton method. They load on use."""

import importlib
from typing import Any

from molopt.optimizers.registry import RULES

_HOME = {
    "LBFGS": "molopt.optimizers.lbfgs",
    "RuleOptimizer": "molopt.optimizers.rule_optimizer",
    **{entry.attribute: "molopt.optimizers.named" for entry in RULES.values()},
}

__all__ = [*_HOME]  # names, all of them strings


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'molopt.optimizers' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
