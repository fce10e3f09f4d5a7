"""An optimizer with all its arguments: read once from text, then passed on as it is."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import lru_cache, partial
from inspect import signature
from pathlib import Path
from typing import IO, Any, Self, SupportsIndex, TypeAlias

from ase import Atoms
from ase.calculators.abc import GetPropertiesMixin
from ase.optimize.optimize import Optimizer

from molopt.control import Control, Trust
from molopt.errors import InputError
from molopt.importing import attribute
from molopt.molecules import Molecule
from molopt.optimizers.arguments import check_of, defaults_of_ase, differing, guide_of, of_ase, of_direction
from molopt.optimizers.check_request import CheckRequest
from molopt.optimizers.lbfgs import LBFGS
from molopt.optimizers.lookup import called, name_of_class, placed
from molopt.optimizers.named import CLASSES, NamedOptimizer
from molopt.optimizers.peers import Peer, require
from molopt.optimizers.registry import ASES, COORDINATES, DEFAULT, PEERS
from molopt.optimizers.rule_optimizer import RuleOptimizer
from molopt.optimizers.surrogate import Surrogate, guide_name
from molopt.rules import Rule
from molopt.specification import parse, specified

Guide: TypeAlias = str | GetPropertiesMixin  # a surrogate: "auto", the name of a potential, or a calculator


@dataclass(frozen=True)
class OptimizerSpec:
    """An optimizer with all its arguments, to be given atoms.

    `of` makes one from text, a rule, a class or a function, and checks all of it; `str` gives its one canonical text,
    with every argument, which is what records keep. Where the optimizer has a name, `of(str(spec)) == spec`.

    Attributes
    ----------
    name : str
        Of the registry, without coordinates; of a rule or a function that has no name there, its own.
    coordinates : str or None
        "internal", "elastic", "cartesian", or "auto": those that suit the atoms. None where molopt does not set them.
    arguments : mapping
        The hyper-parameters of its rule, of quasi-Newton, or of its class, all of them.
    control : Control, Trust or None
        None where the optimizer is not one of molopt.
    surrogate : str, ASE calculator or None
        What guides it: "auto", the name of a potential or a calculator.
    check : CheckRequest
        The check of the curvature at its end.
    source : Rule, callable or None
        The rule or the function, where the registry does not have it.
    said : frozenset of str
        The keywords that its text gave.
    """

    name: str
    coordinates: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)
    control: Control | Trust | None = None
    surrogate: Guide | None = field(default=None, hash=False)
    check: CheckRequest = field(default_factory=CheckRequest)
    source: Rule | Callable[..., Optimizer] | None = field(default=None, hash=False)
    said: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    @classmethod
    def of(cls, optimizer: "OptimizerLike", coordinates: str | None = None) -> Self:
        """The specification that a text, a rule, an optimizer class or a function gives.

        Parameters
        ----------
        optimizer : str, Rule, callable or OptimizerSpec
            - A name of `registry.optimizer_names`, in any case of letters, with or without hyphens; "gd" is gradient
              descent. Arguments follow as "?key=value&key2=value2": for molopt's the hyper-parameters of the rule and
              of `Control`, and `control=none` for the textbook rule; for ASE's those of its class.
              "/internal", "/elastic" or "/cartesian" after the name of a rule say what it sees, Cartesian where nothing
              is said; "lbfgs/internal" and so on are `molopt.LBFGS`, bare "lbfgs" is ASE's. "default" is the best there
              is: "lbfgs/internal" for molecules, "lbfgs/elastic" for surfaces and crystals, "lbfgs/cartesian" for all
              else. In internal coordinates "?surrogate=..." is auto, none, or the name of a potential that guides the
              run: auto for "default", none for all else; "?check=auto" and "?check=report" look at the curvature of the
              end, as in `molopt.relax`. "sella", "geometric" and "pyberny" are those packages (the extra `peers`), with
              their own defaults.
            - "package.module:name" of a class of rules or optimizers, or of a function as below, with its arguments as
              above: "mine:Lion2/internal?lr=0.1".
            - A `Rule`, run under the default control. Its defaults are its paper's, those of names and classes are
              tuned.
            - A callable that takes (atoms, logfile=..., trajectory=...) and returns an ASE optimizer.
        coordinates : str, optional
            "internal", "elastic" or "cartesian", for a name that does not say it, or a rule.

        Raises
        ------
        InputError
            The name or an argument is not known, or an argument is out of its range.
        MissingExtra
            The package of a peer is not installed.

        Examples
        --------
        >>> str(OptimizerSpec.of("bfgs?maxstep=0.1"))
        'bfgs?maxstep=0.1&alpha=70.0'
        >>> OptimizerSpec.of("adam", coordinates="internal").abbreviated
        'adam/internal'
        >>> OptimizerSpec.of("adm")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        molopt.errors.InputError: 'adm' is not an optimizer; did you mean adam or radam or nadam? Known are default, ...
        """
        if coordinates is not None and coordinates not in COORDINATES:
            raise InputError(f"coordinates must be internal, elastic or cartesian, got {coordinates!r}")
        if isinstance(optimizer, str):
            text, keywords = parse(optimizer)
            if ":" in text:
                return cls.foreign(text, coordinates, keywords)
            return cls.named(*placed(text, coordinates), keywords)
        if isinstance(optimizer, cls):
            if coordinates not in (None, optimizer.coordinates):
                raise InputError(f"{optimizer.label!r} contradicts coordinates={coordinates!r}")
            return optimizer
        if isinstance(optimizer, Rule):
            return cls.of_rule(optimizer, coordinates or "cartesian")
        if type(optimizer) is type and issubclass(optimizer, Rule):
            kind = optimizer.__name__
            raise InputError(f"optimizer must be a rule with its arguments, got the class {kind}: give {kind}(...)")
        if (name := name_of_class(optimizer)) is not None:
            return cls.named(*placed(name, coordinates), {})
        if isinstance(optimizer, partial):
            return cls(called(optimizer.func), arguments=optimizer.keywords, source=optimizer)
        if callable(optimizer):
            return cls(called(optimizer), source=optimizer)
        raise InputError(f"optimizer must be a name, a rule or a class of optimizers, got {optimizer!r}")

    @classmethod
    def named(cls, name: str, coordinates: str | None, keywords: Mapping[str, Any]) -> Self:
        """That of a name as `placed` spells it, with keywords."""
        said = frozenset(keywords)
        if coordinates is None:
            if name in ASES:
                return cls(name, arguments=of_ase(name, keywords), said=said)
            if keywords:
                raise InputError(f"{name} takes no arguments here, got {', '.join(keywords)}")
            require(name)
            return cls(name)
        kind = CLASSES.get(name, LBFGS)
        check = check_of(keywords.get("check"), coordinates)
        surrogate = guide_of(keywords.get("surrogate", "auto" if name == DEFAULT else None), coordinates)
        rest = {key: value for key, value in keywords.items() if key not in ("check", "surrogate")}
        tuned, control = kind.tuned_defaults(coordinates), kind.default_control(coordinates)
        arguments, controlled = of_direction(name, tuned, control, rest)
        kind.kind(**arguments)  # which refuses values out of their range
        return cls(name, coordinates, arguments, controlled, surrogate, check, said=said)

    @classmethod
    def foreign(cls, text: str, coordinates: str | None, keywords: Mapping[str, Any]) -> Self:
        """That of "package.module:name", coordinates after a slash, with keywords."""
        name, slash, where = text.partition("/")
        said = where.lower() if slash else coordinates
        if said not in (None, *COORDINATES) or (slash and coordinates not in (None, said)):
            raise InputError(f"{text!r}: one of internal, elastic and cartesian may follow the slash")
        made = attribute(name, "an optimizer")
        if isinstance(made, type) and issubclass(made, Rule):
            return cls.of_foreign_rule(name, made, said or "cartesian", keywords)
        if not callable(made):
            raise InputError(f"{name} is neither a rule nor a class of optimizers, but {made!r:.60}")
        if said is not None:
            raise InputError(f"{name} is not a rule: drop the coordinates {said}")
        try:
            signature(made).bind(None, logfile=None, trajectory=None, **keywords)
        except TypeError as error:
            raise InputError(f"{name} cannot be made: {error}") from error
        return cls(name, arguments=keywords, source=partial(made, **keywords), said=frozenset(keywords))

    @classmethod
    def of_foreign_rule(cls, name: str, kind: type[Rule], coordinates: str, keywords: Mapping[str, Any]) -> Self:
        own = {part.name for part in fields(kind)}
        try:
            rule = kind(**{key: value for key, value in keywords.items() if key in own})
        except TypeError as error:
            raise InputError(f"{name} cannot be made: {error}") from error
        values = {part.name: getattr(rule, part.name) for part in fields(rule)}
        driving = {key: value for key, value in keywords.items() if key not in (*own, "surrogate", "check")}
        _, control = of_direction(name, values, RuleOptimizer.default_control(coordinates), driving)
        guide, check = guide_of(keywords.get("surrogate"), coordinates), check_of(keywords.get("check"), coordinates)
        return cls(name, coordinates, values, control, guide, check, source=rule, said=frozenset(keywords))

    @classmethod
    def of_rule(cls, rule: Rule, coordinates: str) -> Self:
        """That of a rule under the control that suits these coordinates."""
        arguments = {part.name: getattr(rule, part.name) for part in fields(rule)}
        control = RuleOptimizer.default_control(coordinates)
        name = next((name for name, kind in CLASSES.items() if kind.kind is type(rule)), None)
        if name is None:
            return cls(type(rule).__name__, coordinates, arguments, control, source=rule)
        return cls(name, coordinates, arguments, control)

    def guided_by(self, surrogate: Guide | None) -> Self:
        """The same with the surrogate that a caller gives beside it, as in `molopt.relax`.

        What its own text says holds against "auto", the default of callers; anything else must agree with it.

        Raises
        ------
        InputError
            Its text says another one, it takes none, or there is no such potential.
        """
        said = "surrogate" in self.said
        if isinstance(surrogate, str) and surrogate == "auto" and (said or not self.guidable):
            return self
        guide = guide_of(surrogate, self.coordinates) if isinstance(surrogate, str) else surrogate
        if guide is not None and not self.guidable:
            raise InputError(f"{self.label} takes no surrogate, got {guide!r}: run default, or a rule with /internal")
        if said and guide != self.surrogate:
            raise InputError(f"{self.abbreviated} contradicts surrogate={surrogate!r}: leave one of them out")
        return replace(self, surrogate=guide)

    def checked_by(self, check: str | CheckRequest | None) -> CheckRequest:
        """The check of a run whose caller gives this one beside the specification, as in `molopt.relax`.

        What its own text says holds against "auto", the default of callers; anything else must agree with it.

        Raises
        ------
        InputError
            Its text says another one, or there is no such check.

        >>> spec = OptimizerSpec.of("default?check=report")
        >>> str(spec.checked_by("auto")), str(OptimizerSpec.of("default").checked_by("auto?calls=12"))
        ('report', 'auto?calls=12')
        """
        request = CheckRequest.of(check)
        if "check" not in self.said:
            return request
        if request not in (CheckRequest("auto"), self.check):
            raise InputError(f"{self.abbreviated} contradicts check={request}: leave one of them out")
        return self.check

    def having(self, **keywords: Any) -> Self:
        """The same optimizer of the registry with other arguments.

        >>> OptimizerSpec.of("adam?b1=0.8").having(lr=0.1).abbreviated
        'adam?lr=0.1&b1=0.8'
        """
        return type(self).of(specified(self.label, {**self.keywords, **keywords}))

    @property
    def label(self) -> str:
        """The name with its coordinates, without arguments."""
        said = self.coordinates is not None and self.name != DEFAULT
        bare = not said or (self.coordinates == "cartesian" and self.name != "lbfgs")
        return self.name if bare else f"{self.name}/{self.coordinates}"

    @property
    def guidable(self) -> bool:
        """Whether it takes a surrogate: those of molopt do, in internal coordinates."""
        return self.coordinates in ("internal", "auto")

    @property
    def keywords(self) -> dict[str, Any]:
        """All arguments as its text says them."""
        said = dict(self.arguments)
        if self.control is not None and self.control == Control.textbook(self.control.maxstep):
            said["control"] = "none"
            said |= {"maxstep": self.control.maxstep} if math.isfinite(self.control.maxstep) else {}
        elif self.control is not None:
            said |= asdict(self.control)
        if self.surrogate is not None or self.name == DEFAULT:
            said["surrogate"] = "none" if self.surrogate is None else guide_name(self.surrogate)
        return said if self.check.kind is None else {**said, "check": str(self.check)}

    def __str__(self) -> str:
        return specified(self.label, self.keywords)

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        """One of other people's code travels by its text, so that it is imported there as it was here."""
        return (OptimizerSpec.of, (str(self),)) if ":" in self.name else super().__reduce_ex__(protocol)

    @property
    def abbreviated(self) -> str:
        """Its text without the arguments that are its defaults."""
        return abbreviated(str(self))

    def make(
        self,
        atoms: Atoms,
        logfile: IO[str] | str | Path | None = None,
        trajectory: Any = None,
        *,
        molecule: Molecule | None = None,
        surrogate: Surrogate | GetPropertiesMixin | None = None,
    ) -> Optimizer:
        """The ASE optimizer of these atoms.

        Parameters
        ----------
        atoms : ase.Atoms or what else ASE can optimize
            With a calculator.
        logfile, trajectory
            As in ASE.
        molecule : Molecule, optional
            What the atoms are; used by optimizers of molopt in internal coordinates alone.
        surrogate : Surrogate or ASE calculator, optional
            What `surrogate` stands for with these atoms; used by the same.
        """
        files = {"logfile": logfile, "trajectory": trajectory}
        if self.coordinates is None:
            if callable(self.source):
                return self.source(atoms, **files)
            if self.name in PEERS:
                return Peer(atoms, self.name, **files)
            return ASES[self.name].load()(atoms, **files, **differing(self.arguments, defaults_of_ase(self.name)))
        ours: dict[str, Any] = {"coordinates": self.coordinates, "check": self.check}
        if self.guidable:
            ours |= {"molecule": molecule, "surrogate": surrogate}
        if isinstance(self.source, Rule):
            if self.control != RuleOptimizer.default_control(self.coordinates):  # the atoms may want another default
                ours["control"] = self.control
            return RuleOptimizer(atoms, **files, **ours, rule=self.source)
        kind: type[NamedOptimizer | LBFGS] = CLASSES.get(self.name, LBFGS)
        if self.control != kind.default_control(self.coordinates):  # the atoms may want another default
            ours["control"] = self.control
        return kind(atoms, **files, **ours, **differing(self.arguments, kind.tuned_defaults(self.coordinates)))


OptimizerLike: TypeAlias = str | Rule | Callable[..., Optimizer] | OptimizerSpec  # what `OptimizerSpec.of` takes


def abbreviated(text: str) -> str:
    """The text of an optimizer without the arguments that are its defaults; as it is where its name is not known.

    >>> abbreviated("adam?lr=0.03&b1=0.8"), abbreviated("bfgs?maxstep=0.2&alpha=70.0"), abbreviated("mine?a=1")
    ('adam?b1=0.8', 'bfgs', 'mine?a=1')
    """
    name, keywords = parse(text)
    return specified(name, differing(keywords, default_keywords(name)))


@lru_cache
def default_keywords(label: str) -> Mapping[str, Any]:
    """The keywords of an optimizer whose text gives none; none where its name, as texts spell it, is not known."""
    known = {DEFAULT, *CLASSES, *ASES}
    return OptimizerSpec.of(label).keywords if label.partition("/")[0] in known else {}
