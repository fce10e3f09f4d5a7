"""One ASE optimizer class a rule, with defaults that suit molecules."""

import inspect
from dataclasses import fields
from typing import Any, ClassVar

from molopt import rules
from molopt.control import Control
from molopt.optimizers.rule_optimizer import RuleOptimizer


class NamedOptimizer(RuleOptimizer):
    """A `RuleOptimizer` that builds its rule from keywords.

    After ASE's own arguments come, by keyword, the hyper-parameters of the rule and `control`. Learning rates are for
    Cartesian coordinates; where they come from is written in docs/tuning.md.

    Raises
    ------
    TypeError
        A keyword that neither the rule nor ASE knows.
    InputError
        A hyper-parameter out of its range.
    """

    kind: ClassVar[type[rules.Rule]]
    tuned: ClassVar[dict[str, float]]
    tuned_internal: ClassVar[dict[str, float]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        keyword = inspect.Parameter.KEYWORD_ONLY
        base = [p for p in inspect.signature(RuleOptimizer).parameters.values() if p.name not in ("rule", "kwargs")]
        cls.__doc__ = (
            f"{cls.__doc__}\n\n    Tuned defaults: {said(cls.tuned)};\n    in internal and elastic coordinates"
            f" {said(cls.tuned_internal)}.\n    The rest are those of the rule.\n    "
        )
        cls.__signature__ = inspect.Signature(  # read by help() and editors
            base
            + [inspect.Parameter(name, keyword, default=value) for name, value in cls.defaults("cartesian").items()]
        )

    def __init__(
        self,
        atoms: Any,
        restart: Any = None,
        logfile: Any = "-",
        trajectory: Any = None,
        append_trajectory: bool = False,
        maxstep: float | None = None,
        *,
        control: Control | str | None = "default",
        coordinates: str = "cartesian",
        **kwargs: Any,
    ) -> None:
        own = {f.name for f in fields(self.kind)} & set(kwargs)
        rule = self.kind(**self.defaults(coordinates) | {name: kwargs.pop(name) for name in own})
        super().__init__(
            atoms,
            restart,
            logfile,
            trajectory,
            append_trajectory,
            maxstep,
            rule=rule,
            control=control,
            coordinates=coordinates,
            **kwargs,
        )

    @classmethod
    def defaults(cls, coordinates: str) -> dict[str, Any]:
        """The hyper-parameters of the rule in these coordinates."""
        tuned = cls.tuned if coordinates == "cartesian" else cls.tuned_internal
        return {f.name: tuned.get(f.name, f.default) for f in fields(cls.kind)}


def said(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


class GradientDescent(NamedOptimizer):
    """Gradient descent as an ASE optimizer; equation in `molopt.rules.GradientDescent`."""

    kind = rules.GradientDescent
    tuned: ClassVar = {"lr": 0.01}
    tuned_internal: ClassVar = {"lr": 0.6}


class Momentum(NamedOptimizer):
    """Averaged momentum as an ASE optimizer; equation in `molopt.rules.Momentum`."""

    kind = rules.Momentum
    tuned: ClassVar = {"lr": 0.5, "b1": 0.95}
    tuned_internal: ClassVar = {"lr": 0.75, "b1": 0.2}


class HeavyBall(NamedOptimizer):
    """Polyak's heavy ball as an ASE optimizer; equation in `molopt.rules.HeavyBall`."""

    kind = rules.HeavyBall
    tuned: ClassVar = {"lr": 0.02, "b1": 0.95}
    tuned_internal: ClassVar = {"lr": 0.6, "b1": 0.2}


class Nesterov(NamedOptimizer):
    """Nesterov's momentum as an ASE optimizer; equation in `molopt.rules.Nesterov`."""

    kind = rules.Nesterov
    tuned: ClassVar = {"lr": 0.02, "b1": 0.97}
    tuned_internal: ClassVar = {"lr": 0.7, "b1": 0.2}


class Adagrad(NamedOptimizer):
    """Adagrad as an ASE optimizer; equation in `molopt.rules.Adagrad`."""

    kind = rules.Adagrad
    tuned: ClassVar = {"lr": 0.05}
    tuned_internal: ClassVar = {"lr": 0.8, "eps": 1.0}


class RMSProp(NamedOptimizer):
    """RMSProp as an ASE optimizer; equation in `molopt.rules.RMSProp`."""

    kind = rules.RMSProp
    tuned: ClassVar = {"lr": 0.01}
    tuned_internal: ClassVar = {"lr": 0.3, "eps": 0.3}


class Adadelta(NamedOptimizer):
    """Adadelta as an ASE optimizer; equation in `molopt.rules.Adadelta`."""

    kind = rules.Adadelta
    tuned: ClassVar = {"lr": 1.0}
    tuned_internal: ClassVar = {"lr": 0.6, "eps": 1.0}


class Adam(NamedOptimizer):
    """Adam as an ASE optimizer; equation in `molopt.rules.Adam`. There is no weight decay: see there."""

    kind = rules.Adam
    tuned: ClassVar = {"lr": 0.03, "b1": 0.93, "b2": 0.98}
    tuned_internal: ClassVar = {"lr": 0.3, "b1": 0.2, "b2": 0.9, "eps": 0.3}


class PerAtomAdam(NamedOptimizer):
    """Adam with one scale an atom, so that turning the molecule changes nothing; `molopt.rules.PerAtomAdam`."""

    kind = rules.PerAtomAdam
    tuned: ClassVar = {"lr": 0.05, "b1": 0.93, "b2": 0.98}
    tuned_internal: ClassVar = {"lr": 0.3, "b1": 0.2, "b2": 0.9, "eps": 0.3}


class AMSGrad(NamedOptimizer):
    """AMSGrad as an ASE optimizer; equation in `molopt.rules.AMSGrad`."""

    kind = rules.AMSGrad
    tuned: ClassVar = {"lr": 0.03, "b1": 0.93, "b2": 0.98}
    tuned_internal: ClassVar = {"lr": 0.3, "b1": 0.2, "b2": 0.9, "eps": 0.3}


class NAdam(NamedOptimizer):
    """NAdam as an ASE optimizer; equation in `molopt.rules.NAdam`."""

    kind = rules.NAdam
    tuned: ClassVar = {"lr": 0.03}
    tuned_internal: ClassVar = {"lr": 0.3, "b1": 0.2, "b2": 0.9, "eps": 0.3}


class RAdam(NamedOptimizer):
    """RAdam as an ASE optimizer; equation in `molopt.rules.RAdam`."""

    kind = rules.RAdam
    tuned: ClassVar = {"lr": 0.02, "b1": 0.93, "b2": 0.98}
    tuned_internal: ClassVar = {"lr": 0.6, "b1": 0.2, "b2": 0.9, "eps": 0.7}


class AdaBelief(NamedOptimizer):
    """AdaBelief as an ASE optimizer; equation in `molopt.rules.AdaBelief`."""

    kind = rules.AdaBelief
    tuned: ClassVar = {"lr": 0.01, "b1": 0.93, "b2": 0.98}
    tuned_internal: ClassVar = {"lr": 0.3, "b1": 0.2, "b2": 0.9, "eps": 0.01}


class Lion(NamedOptimizer):
    """Lion as an ASE optimizer; equation in `molopt.rules.Lion`."""

    kind = rules.Lion
    tuned: ClassVar = {"lr": 0.001}
    tuned_internal: ClassVar = {"lr": 0.1, "b1": 0.5, "b2": 0.5}


class Apollo(NamedOptimizer):
    """Apollo as an ASE optimizer; equation in `molopt.rules.Apollo`."""

    kind = rules.Apollo
    tuned: ClassVar = {"lr": 0.03}
    tuned_internal: ClassVar = {"lr": 0.7, "b1": 0.2}
