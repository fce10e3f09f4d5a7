"""Gradient descent: downhill, in proportion to the slope."""

from dataclasses import dataclass

from molopt.rules.base import Observation, Rule
from molopt.rules.state import Array, Stateless


@dataclass(frozen=True)
class GradientDescent(Rule):
    r"""Steepest descent with a fixed rate.

    .. math:: w \leftarrow w - lr \, g

    It is stable on a harmonic well of stiffness k for lr < 2 / k, so the stiffest direction sets lr, and the softest
    then takes about as many steps as the ratio of the two: it crawls on a plateau.

    Parameters
    ----------
    lr : float
        Learning rate, A^2/eV in Cartesians.

    Notes
    -----
    Agrees with `torch.optim.SGD`; `optax.sgd` is the same.

    References
    ----------
    A. Cauchy, Méthode générale pour la résolution des systèmes d'équations simultanées,
    C. R. Acad. Sci. 25, 536 (1847).

    Examples
    --------
    >>> from molopt.rules import Observation
    >>> seen = Observation.single([1.0, -50.0])
    >>> rule = GradientDescent(lr=0.1)
    >>> rule.update(seen, rule.init(seen))
    (array([-0.1,  5. ]), Stateless())
    """

    lr: float

    def update(self, seen: Observation, state: Stateless) -> tuple[Array, Stateless]:
        return -self.lr * seen.gradient, state
