"""Made by tests/stubs.py: do not edit."""

from pathlib import Path
from typing import IO, Any, Unpack

from molopt.control import Control
from molopt.optimizers.lbfgs import LBFGS as LBFGS
from molopt.optimizers.rule_optimizer import RuleOptimizer as RuleOptimizer
from molopt.optimizers.named import NamedOptimizer
from molopt.optimizers.rule_optimizer import RuleSettings

class AMSGrad(NamedOptimizer):
    def __init__(
        self,
        atoms: Any,
        restart: Any = ...,
        logfile: IO[str] | str | Path | None = ...,
        trajectory: Any = ...,
        append_trajectory: bool = ...,
        maxstep: float | None = ...,
        *,
        control: Control | str | None = ...,
        coordinates: str = ...,
        lr: float = ...,
        b1: float = ...,
        b2: float = ...,
        eps: float = ...,
        correction: bool = ...,
        **kwargs: Unpack[RuleSettings],
    ) -> None: ...

class AdaBelief(NamedOptimizer):
    def __init__(
        self,
        atoms: Any,
        restart: Any = ...,
        logfile: IO[str] | str | Path | None = ...,
        trajectory: Any = ...,
        append_trajectory: bool = ...,
        maxstep: float | None = ...,
        *,
        control: Control | str | None = ...,
        coordinates: str = ...,
        lr: float = ...,
        b1: float = ...,
        b2: float = ...,
        eps: float = ...,
        **kwargs: Unpack[RuleSettings],
    ) -> None: ...

class Adadelta(NamedOptimizer):
    def __init__(
        self,
        atoms: Any,
        restart: Any = ...,
        logfile: IO[str] | str | Path | None = ...,
        trajectory: Any = ...,
        append_trajectory: bool = ...,
        maxstep: float | None = ...,
        *,
        control: Control | str | None = ...,
        coordinates: str = ...,
        lr: float = ...,
        rho: float = ...,
        eps: float = ...,
        **kwargs: Unpack[RuleSettings],
    ) -> None: ...

class Adagrad(NamedOptimizer):
    def __init__(
        self,
        atoms: Any,
        restart: Any = ...,
        logfile: IO[str] | str | Path | None = ...,
        trajectory: Any = ...,
        append_trajectory: bool = ...,
        maxstep: float | None = ...,
        *,
        control: Control | str | None = ...,
        coordinates: str = ...,
        lr: float = ...,
        eps: float = ...,
        **kwargs: Unpack[RuleSettings],
    ) -> None: ...

class Adam(NamedOptimizer):
    def __init__(
        self,
        atoms: Any,
        restart: Any = ...,
        logfile: IO[str] | str | Path | None = ...,
        trajectory: Any = ...,
        append_trajectory: bool = ...,
        maxstep: float | None = ...,
        *,
        control: Control | str | None = ...,
        coordinates: str = ...,
        lr: float = ...,
        b1: float = ...,
        b2: float = ...,
        eps: float = ...,
        correction: bool = ...,
        **kwargs: Unpack[RuleSettings],
    ) -> None: ...

class Apollo(NamedOptimizer):
    def __init__(
        self,
        atoms: Any,
        restart: Any = ...,
        logfile: IO[str] | str | Path | None = ...,
        trajectory: Any = ...,
        append_trajectory: bool = ...,
        maxstep: float | None = ...,
        *,
        control: Control | str | None = ...,
        coordinates: str = ...,
        lr: float = ...,
        b1: float = ...,
        eps: float = ...,
        sigma: float = ...,
        **kwargs: Unpack[RuleSettings],
    ) -> None: ...

class GradientDescent(NamedOptimizer):
    def __init__(
        self,
        atoms: Any,
        restart: Any = ...,
        logfile: IO[str] | str | Path | None = ...,
        trajectory: Any = ...,
        append_trajectory: bool = ...,
        maxstep: float | None = ...,
        *,
        control: Control | str | None = ...,
        coordinates: str = ...,
        lr: float = ...,
        **kwargs: Unpack[RuleSettings],
    ) -> None: ...

class HeavyBall(NamedOptimizer):
    def __init__(
        self,
        atoms: Any,
        restart: Any = ...,
        logfile: IO[str] | str | Path | None = ...,
        trajectory: Any = ...,
        append_trajectory: bool = ...,
        maxstep: float | None = ...,
        *,
        control: Control | str | None = ...,
        coordinates: str = ...,
        lr: float = ...,
        b1: float = ...,
        **kwargs: Unpack[RuleSettings],
    ) -> None: ...

class Lion(NamedOptimizer):
    def __init__(
        self,
        atoms: Any,
        restart: Any = ...,
        logfile: IO[str] | str | Path | None = ...,
        trajectory: Any = ...,
        append_trajectory: bool = ...,
        maxstep: float | None = ...,
        *,
        control: Control | str | None = ...,
        coordinates: str = ...,
        lr: float = ...,
        b1: float = ...,
        b2: float = ...,
        **kwargs: Unpack[RuleSettings],
    ) -> None: ...

class Momentum(NamedOptimizer):
    def __init__(
        self,
        atoms: Any,
        restart: Any = ...,
        logfile: IO[str] | str | Path | None = ...,
        trajectory: Any = ...,
        append_trajectory: bool = ...,
        maxstep: float | None = ...,
        *,
        control: Control | str | None = ...,
        coordinates: str = ...,
        lr: float = ...,
        b1: float = ...,
        **kwargs: Unpack[RuleSettings],
    ) -> None: ...

class NAdam(NamedOptimizer):
    def __init__(
        self,
        atoms: Any,
        restart: Any = ...,
        logfile: IO[str] | str | Path | None = ...,
        trajectory: Any = ...,
        append_trajectory: bool = ...,
        maxstep: float | None = ...,
        *,
        control: Control | str | None = ...,
        coordinates: str = ...,
        lr: float = ...,
        b1: float = ...,
        b2: float = ...,
        eps: float = ...,
        momentum_decay: float = ...,
        **kwargs: Unpack[RuleSettings],
    ) -> None: ...

class Nesterov(NamedOptimizer):
    def __init__(
        self,
        atoms: Any,
        restart: Any = ...,
        logfile: IO[str] | str | Path | None = ...,
        trajectory: Any = ...,
        append_trajectory: bool = ...,
        maxstep: float | None = ...,
        *,
        control: Control | str | None = ...,
        coordinates: str = ...,
        lr: float = ...,
        b1: float = ...,
        **kwargs: Unpack[RuleSettings],
    ) -> None: ...

class PerAtomAdam(NamedOptimizer):
    def __init__(
        self,
        atoms: Any,
        restart: Any = ...,
        logfile: IO[str] | str | Path | None = ...,
        trajectory: Any = ...,
        append_trajectory: bool = ...,
        maxstep: float | None = ...,
        *,
        control: Control | str | None = ...,
        coordinates: str = ...,
        lr: float = ...,
        b1: float = ...,
        b2: float = ...,
        eps: float = ...,
        correction: bool = ...,
        **kwargs: Unpack[RuleSettings],
    ) -> None: ...

class Prodigy(NamedOptimizer):
    def __init__(
        self,
        atoms: Any,
        restart: Any = ...,
        logfile: IO[str] | str | Path | None = ...,
        trajectory: Any = ...,
        append_trajectory: bool = ...,
        maxstep: float | None = ...,
        *,
        control: Control | str | None = ...,
        coordinates: str = ...,
        lr: float = ...,
        b1: float = ...,
        b2: float = ...,
        eps: float = ...,
        d0: float = ...,
        correction: bool = ...,
        **kwargs: Unpack[RuleSettings],
    ) -> None: ...

class RAdam(NamedOptimizer):
    def __init__(
        self,
        atoms: Any,
        restart: Any = ...,
        logfile: IO[str] | str | Path | None = ...,
        trajectory: Any = ...,
        append_trajectory: bool = ...,
        maxstep: float | None = ...,
        *,
        control: Control | str | None = ...,
        coordinates: str = ...,
        lr: float = ...,
        b1: float = ...,
        b2: float = ...,
        eps: float = ...,
        **kwargs: Unpack[RuleSettings],
    ) -> None: ...

class RMSProp(NamedOptimizer):
    def __init__(
        self,
        atoms: Any,
        restart: Any = ...,
        logfile: IO[str] | str | Path | None = ...,
        trajectory: Any = ...,
        append_trajectory: bool = ...,
        maxstep: float | None = ...,
        *,
        control: Control | str | None = ...,
        coordinates: str = ...,
        lr: float = ...,
        b2: float = ...,
        eps: float = ...,
        **kwargs: Unpack[RuleSettings],
    ) -> None: ...

__all__ = [
    "AMSGrad",
    "AdaBelief",
    "Adadelta",
    "Adagrad",
    "Adam",
    "Apollo",
    "GradientDescent",
    "HeavyBall",
    "LBFGS",
    "Lion",
    "Momentum",
    "NAdam",
    "Nesterov",
    "PerAtomAdam",
    "Prodigy",
    "RAdam",
    "RMSProp",
    "RuleOptimizer",
]
