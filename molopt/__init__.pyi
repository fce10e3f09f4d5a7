"""Made by tests/stubs.py: do not edit."""

from molopt import comparison as comparison
from molopt import coordinates as coordinates
from molopt import ensembles as ensembles
from molopt import errors as errors
from molopt import landscapes as landscapes
from molopt import molecules as molecules
from molopt import optimizers as optimizers
from molopt import potentials as potentials
from molopt import report as report
from molopt import rules as rules
from molopt import stationary as stationary
from molopt.batch.relaxing import relax_batch as relax_batch
from molopt.checking import Check as Check
from molopt.checking import check as check
from molopt.cli.looking_on import progress as progress
from molopt.constraining.choosing import constraints_of as constraints_of
from molopt.control import Control as Control
from molopt.convergence import EnergyLeft as EnergyLeft
from molopt.convergence import Fmax as Fmax
from molopt.convergence import Gaussian as Gaussian
from molopt.convergence import GeomeTRIC as GeomeTRIC
from molopt.ensembles.ensemble import Ensemble as Ensemble
from molopt.ensembles.finding import conformers as conformers
from molopt.errors import InputError as InputError
from molopt.errors import MissingExtra as MissingExtra
from molopt.errors import PotentialFailed as PotentialFailed
from molopt.landscapes.diagnosis.diagnosing import diagnose as diagnose
from molopt.landscapes.diagnosis.diagnosis import Diagnosis as Diagnosis
from molopt.molecules import Molecule as Molecule
from molopt.molecules import read as read
from molopt.molecules import shipped_names as shipped_names
from molopt.optimizers import AMSGrad as AMSGrad
from molopt.optimizers import AdaBelief as AdaBelief
from molopt.optimizers import Adadelta as Adadelta
from molopt.optimizers import Adagrad as Adagrad
from molopt.optimizers import Adam as Adam
from molopt.optimizers import Apollo as Apollo
from molopt.optimizers import GradientDescent as GradientDescent
from molopt.optimizers import HeavyBall as HeavyBall
from molopt.optimizers import LBFGS as LBFGS
from molopt.optimizers import Lion as Lion
from molopt.optimizers import Momentum as Momentum
from molopt.optimizers import NAdam as NAdam
from molopt.optimizers import Nesterov as Nesterov
from molopt.optimizers import PerAtomAdam as PerAtomAdam
from molopt.optimizers import Prodigy as Prodigy
from molopt.optimizers import RAdam as RAdam
from molopt.optimizers import RMSProp as RMSProp
from molopt.optimizers import RuleOptimizer as RuleOptimizer
from molopt.optimizers.energy_left import energy_left as energy_left
from molopt.potentials import potential as potential
from molopt.relaxation import Result as Result
from molopt.relaxation import relax as relax
from molopt.scanning.scan import Scan as Scan
from molopt.scanning.scanned import scan as scan
from molopt.stationary.curvature import Curvature as Curvature
from molopt.stationary.verdict import Verdict as Verdict

__version__: str

__all__ = [
    "AMSGrad",
    "AdaBelief",
    "Adadelta",
    "Adagrad",
    "Adam",
    "Apollo",
    "Check",
    "Control",
    "Curvature",
    "Diagnosis",
    "EnergyLeft",
    "Ensemble",
    "Fmax",
    "Gaussian",
    "GeomeTRIC",
    "GradientDescent",
    "HeavyBall",
    "InputError",
    "LBFGS",
    "Lion",
    "MissingExtra",
    "Molecule",
    "Momentum",
    "NAdam",
    "Nesterov",
    "PerAtomAdam",
    "PotentialFailed",
    "Prodigy",
    "RAdam",
    "RMSProp",
    "Result",
    "RuleOptimizer",
    "Scan",
    "Verdict",
    "__version__",
    "check",
    "conformers",
    "constraints_of",
    "diagnose",
    "energy_left",
    "potential",
    "progress",
    "read",
    "relax",
    "relax_batch",
    "scan",
    "shipped_names",
]
