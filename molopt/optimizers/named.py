"""One ASE optimizer class a rule, with defaults that suit molecules, made from the registry."""

import inspect
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import IO, Any, ClassVar

from molopt.control import Control
from molopt.optimizers.registry import RULES, UpdateRule
from molopt.optimizers.rule_optimizer import RuleOptimizer
from molopt.rules import Rule


class NamedOptimizer(RuleOptimizer):
    """A `RuleOptimizer` that builds its rule from keywords.

    After ASE's own arguments come, by keyword, the hyper-parameters of the rule and `control`. Learning rates are for
    Cartesian coordinates; where they come from is written in docs/notes/tuning.md.

    Raises
    ------
    TypeError
        A keyword that neither the rule nor ASE knows.
    InputError
        A hyper-parameter out of its range.
    """

    entry: ClassVar[UpdateRule]
    kind: ClassVar[type[Rule]]

    def __init__(
        self,
        atoms: Any,
        restart: Any = None,
        logfile: IO[str] | str | Path | None = "-",
        trajectory: Any = None,
        append_trajectory: bool = False,
        maxstep: float | None = None,
        *,
        control: Control | str | None = "default",
        coordinates: str = "cartesian",
        **kwargs: Any,
    ) -> None:
        own = {f.name for f in fields(self.kind)} & set(kwargs)
        rule = self.kind(**self.tuned_defaults(coordinates) | {name: kwargs.pop(name) for name in own})
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
    def tuned_defaults(cls, coordinates: str) -> dict[str, Any]:
        """The hyper-parameters of the rule in these coordinates."""
        tuned = cls.entry.tuned(coordinates)
        return {f.name: tuned.get(f.name, f.default) for f in fields(cls.kind)}


def class_of(entry: UpdateRule) -> type[NamedOptimizer]:
    """The class of an entry, with a docstring and a signature of its own, which help() and editors read."""
    rule: type[Rule] = entry.load()
    name, summary = rule.__name__, (inspect.getdoc(rule) or "").partition("\n")[0]
    doc = (
        f"{name} as an ASE optimizer: {summary}\n\n    The equation is in `molopt.rules.{name}`. Tuned defaults:\n"
        f"    {said(entry.cartesian)};\n    in internal and elastic coordinates {said(entry.internal)}.\n"
        "    The rest are those of the rule.\n    "
    )
    made: Any = type(name, (NamedOptimizer,), {"entry": entry, "kind": rule, "__doc__": doc, "__module__": __name__})
    base = [p for p in inspect.signature(RuleOptimizer).parameters.values() if p.name not in ("rule", "kwargs")]
    keyword = inspect.Parameter.KEYWORD_ONLY
    own = [inspect.Parameter(name, keyword, default=value) for name, value in made.tuned_defaults("cartesian").items()]
    made.__signature__ = inspect.Signature(base + own)
    return made


def said(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


CLASSES = {name: class_of(entry) for name, entry in RULES.items()}
globals().update({kind.__name__: kind for kind in CLASSES.values()})  # where pickle looks for them
