"""Optimizers of torch and optax as rules: whatever needs only gradients, one system at a time."""

import hashlib
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from molopt.errors import InputError, MissingExtra
from molopt.rules.base import Observation, Rule, check
from molopt.rules.state import Array, PerEntry, PerSystem, axes

TRIAL = 5  # entries of the zero gradient that shows, before any run, whether an optimizer can be a rule


@dataclass(frozen=True, init=False)
class TorchRule(Rule):
    """An optimizer of torch as a rule.

    The optimizer is shown coordinates that are zero at every update, in float64 on the CPU; where it moves them is the
    displacement. So weight decay does nothing, and what scales with the size of the parameters (Adafactor) has no
    meaning. It is rebuilt at each update from the state, which holds its buffers as arrays: the rule is pure, and
    its state goes into a restart file like any other.

    Parameters
    ----------
    optimizer : class
        A subclass of `torch.optim.Optimizer` that needs only gradients.
    lr : float
        Its learning rate.
    **options
        Its other arguments.

    Raises
    ------
    InputError
        The optimizer needs a closure (LBFGS), matrices (Muon) or sparse gradients, keeps memory outside its state, or
        does not know an option; or more than one system is seen.
    MissingExtra
        torch is not installed.

    Examples
    --------
    With torch installed::

        rule = TorchRule(torch.optim.NAdam, lr=0.1, momentum_decay=0.01)
    """

    optimizer: Any
    lr: float
    options: dict[str, Any] = field(hash=False)

    def __init__(self, optimizer: Any, lr: float, **options: Any) -> None:
        torch = load("torch", needed_for="TorchRule")
        if not (inspect.isclass(optimizer) and issubclass(optimizer, torch.optim.Optimizer)):
            raise InputError(f"TorchRule takes a class such as torch.optim.NAdam, got {optimizer!r}")
        if needs_closure(optimizer):
            raise InputError(f"{optimizer.__name__} cannot be a rule: it evaluates energies by a closure")
        check("lr", lr, "positive")
        for name, value in (("optimizer", optimizer), ("lr", lr), ("options", options)):
            object.__setattr__(self, name, value)
        with refusing(optimizer.__name__):
            self._start(TRIAL)

    def init(self, seen: Observation) -> Any:
        require_one_system(seen, self)
        return self._start(seen.gradient.shape[0])

    def update(self, seen: Observation, state: Any) -> tuple[Array, Any]:
        require_one_system(seen, self)
        displacement, buffers = self._step(np.asarray(seen.gradient), unpack(state) if state.calls[0] else {})
        return seen.xp.asarray(displacement), type(state)(state.calls + 1, **pack(buffers))

    def _start(self, size: int) -> Any:
        """The state before the first update: zeros for all that a first step leaves behind."""
        buffers = self._step(np.zeros(size), {})[1]
        kind = state_class(self.optimizer.__name__, (("calls", PerSystem), *layout(buffers, size)))
        return kind(np.zeros(1), **{name: np.zeros_like(value) for name, value in pack(buffers).items()})

    def _step(self, gradient: np.ndarray, buffers: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The displacement (N,) and the buffers after it; without buffers, the optimizer's first step."""
        torch = load("torch", needed_for="TorchRule")
        with torch_in_double(torch):
            x = torch.zeros(len(gradient), requires_grad=True)
            x.grad = torch.tensor(gradient)
            optimizer = self.optimizer([x], lr=self.lr, **self.options)
            settings = settings_of(optimizer)
            if buffers:
                optimizer.state[x] = {name: torch.tensor(value) for name, value in buffers.items()}
            optimizer.step()
        if settings_of(optimizer) != settings:
            raise InputError(f"{self.optimizer.__name__} cannot be a rule: it keeps memory outside its state")
        return x.detach().numpy(), {name: value.numpy() for name, value in optimizer.state[x].items()}


@dataclass(frozen=True, repr=False)
class OptaxRule(Rule):
    """A gradient transformation of optax as a rule.

    It is shown parameters that are zero at every update, in float64. So weight decay does nothing, and what measures
    how far the parameters have come (`optax.contrib.prodigy`, `schedule_free`) has no meaning; for Prodigy there is
    `molopt.rules.Prodigy`. The state holds the leaves of its tree as arrays: the rule is pure, and its state goes into
    a restart file like any other. jax computes in double precision inside the rule only; elsewhere its setting stays as
    it is.

    Parameters
    ----------
    optimizer : optax.GradientTransformation
        What `optax.lion(1e-2)` and similar functions return; it needs only gradients.

    Raises
    ------
    InputError
        The transformation needs energies (`optax.lbfgs`, `optax.polyak_sgd`) or keeps matrices or random keys; or more
        than one system is seen.
    MissingExtra
        optax is not installed.

    Examples
    --------
    With optax installed::

        rule = OptaxRule(optax.lion(1e-2))
    """

    optimizer: Any

    def __repr__(self) -> str:
        """Distinguishes transformations by what they do: their hyper-parameters are hidden in functions."""
        state, steps = self._start(TRIAL), []
        for scale in (1.0, -2.0, 3.0):
            displacement, leaves = self._update(scale * np.linspace(-1, 1, TRIAL), unpack(state))
            state = type(state)(**pack(leaves))
            steps.append(np.array2string(displacement, precision=6))
        return f"OptaxRule({hashlib.sha256(''.join(steps).encode()).hexdigest()[:12]})"

    def __post_init__(self) -> None:
        optax = load("optax", needed_for="OptaxRule")
        if not isinstance(self.optimizer, optax.GradientTransformation):
            raise InputError(
                f"OptaxRule takes what optax.lion(1e-2) and similar functions return, got {self.optimizer!r}"
            )
        with refusing("This optax transformation"):
            self._update(np.zeros(TRIAL), unpack(self._start(TRIAL)))

    def init(self, seen: Observation) -> Any:
        require_one_system(seen, self)
        return self._start(seen.gradient.shape[0])

    def update(self, seen: Observation, state: Any) -> tuple[Array, Any]:
        require_one_system(seen, self)
        displacement, leaves = self._update(np.asarray(seen.gradient), unpack(state))
        return seen.xp.asarray(displacement), type(state)(**pack(leaves))

    def _start(self, size: int) -> Any:
        jax = load("jax", needed_for="OptaxRule")
        with jax_in_double(jax):
            leaves = named(jax.tree.leaves(self.optimizer.init(jax.numpy.zeros(size))))
        return state_class("OptaxState", layout(leaves, size))(**pack(leaves))

    def _update(self, gradient: np.ndarray, leaves: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        with jax_in_double(load("jax", needed_for="OptaxRule")):
            displacement, new = self._compiled(gradient, list(leaves.values()))
            return np.array(displacement), named(new)

    @cached_property
    def _compiled(self) -> Any:
        jax = load("jax", needed_for="OptaxRule")

        def update(gradient: Array, leaves: list[Array]) -> tuple[Array, list[Array]]:
            parameters = jax.numpy.zeros_like(gradient)
            tree = jax.tree.structure(jax.eval_shape(self.optimizer.init, parameters))
            updates, state = self.optimizer.update(gradient, jax.tree.unflatten(tree, leaves), parameters)
            return updates, jax.tree.leaves(state)

        return jax.jit(update)


def load(library: str, needed_for: str) -> Any:
    """The library, imported on use."""
    try:
        return import_module(library)
    except ImportError as error:
        raise MissingExtra("torch" if library == "torch" else "optax", needed_for) from error


@contextmanager
def torch_in_double(torch: Any) -> Iterator[None]:
    """New tensors are float64, also the scalars that optimizers make for themselves (NAdam's product of momenta)."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def jax_in_double(jax: Any) -> Any:
    """A context in which jax computes in float64."""
    return jax.enable_x64(True) if hasattr(jax, "enable_x64") else import_module("jax.experimental").enable_x64()


@contextmanager
def refusing(name: str) -> Iterator[None]:
    """Whatever a foreign optimizer raises in its trial is why it cannot be a rule."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{name} cannot be a rule: {str(error).splitlines()[0]}") from error


def needs_closure(optimizer: Any) -> bool:
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    return closure is not None and closure.default is inspect.Parameter.empty


def require_one_system(seen: Observation, rule: Rule) -> None:
    count = seen.systems.count
    if count != 1:
        raise InputError(f"{type(rule).__name__} takes one system at a time, got {count}: run them one by one")


def settings_of(optimizer: Any) -> dict[str, Any]:
    """A torch optimizer's hyper-parameters as they are now."""
    return {name: value for name, value in optimizer.param_groups[0].items() if name != "params"}


def named(leaves: list[Any]) -> dict[str, np.ndarray]:
    """The leaves of a tree under names, as arrays of their own."""
    return {f"leaf_{i}": np.array(leaf) for i, leaf in enumerate(leaves)}


def layout(arrays: dict[str, np.ndarray], size: int) -> tuple[tuple[str, Any], ...]:
    """For each array whether it is one value a system, shape (), or one an entry, shape (size,)."""
    allowed = {(): PerSystem, (size,): PerEntry}
    for name, value in arrays.items():
        if value.shape not in allowed:
            raise ValueError(f"it keeps {name} of shape {value.shape}, neither one value nor one per entry")
    return tuple((name, allowed[value.shape]) for name, value in arrays.items())


@cache
def state_class(name: str, fields: Any) -> Any:
    """The class of a foreign optimizer's states: one for one layout, so that states can be mixed and read back."""
    return NamedTuple(name, fields)


def pack(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Scalars () become values per system (1,)."""
    return {name: np.atleast_1d(value) for name, value in arrays.items()}


def unpack(state: tuple) -> dict[str, np.ndarray]:
    """The foreign fields of a state, values per system (1,) as scalars () again."""
    foreign = {name: axis for name, axis in axes(type(state)).items() if name != "calls"}
    return {name: getattr(state, name).reshape(() if axis == "system" else -1) for name, axis in foreign.items()}
