"""Implicit solvents of xTB: which there are, and how the name of a potential says one.

`"gfn2-xtb?solvent=water"` is ALPB with its parameters for water; `"&solvation=gbsa"` asks for another model.
"""

import math
from collections.abc import Sequence

import numpy as np

from molopt.errors import InputError
from molopt.spelling import nearest, offer

DEFAULT_MODEL = "alpb"
FITTED = ("alpb", "gbsa")  # fitted to each solvent
CONTINUUM = ("cpcm", "cosmo", "pcm")  # that need a dielectric constant alone
MODELS = (*FITTED, *CONTINUUM)

# Names that tblite 0.8 has dielectric constants for, one spelling each. It alone says for which of them a model has
# parameters; this list is what is offered in place of a name that it refuses.
# fmt: off
SOLVENTS = (
    "water", "methanol", "ethanol", "propanol", "isopropanol", "butanol", "isobutanol", "pentanol", "hexanol",
    "octanol", "woctanol", "methoxyethanol", "benzylalcohol", "phenol", "aceticacid", "acetone", "butanone",
    "cyclohexanone", "acetonitrile", "benzonitrile", "nitromethane", "nitroethane", "nitrobenzene", "dmf",
    "dimethylacetamide", "dmso", "tetrahydrothiophenedioxide", "ether", "diisopropylether", "dibutylether", "thf",
    "dioxane", "furane", "anisole", "phenylether", "ethylacetate", "butylacetate", "benzaldehyde", "acetophenone",
    "aniline", "triethylamine", "dimethylpyridine", "ch2cl2", "chcl3", "carbontet", "dichloroethane", "dibromoethane",
    "tetrachloroethene", "chlorobenzene", "odichlorobenzene", "bromobenzene", "perfluorobenzene", "bromoform", "cs2",
    "benzene", "toluene", "xylene", "mesitylene", "tetralin", "pentane", "hexane", "heptane", "octane", "isooctane",
    "nonane", "dodecane", "hexadecane", "cyclohexane", "decalin", "tributylphosphate",
)
# fmt: on


def solvation(method: str, solvent: object, model: object) -> tuple[object, ...] | None:
    """What tblite calls `solvation`, from what a user says; None in the gas phase.

    Parameters
    ----------
    method : str
        tblite's name of it, as "GFN2-xTB".
    solvent : str, float or None
        Its name in any case of letters; None and "none" are the gas phase. For CPCM, COSMO and PCM a number is a
        dielectric constant.
    model : str, sequence or None
        One of `MODELS`, by default "alpb"; or tblite's own list such as ["alpb", "water", "bar1mol"], beside which no
        solvent is said.

    Raises
    ------
    InputError
        tblite has no parameters of this model for this solvent, or no such model. Found without an SCF.
    """
    if isinstance(model, Sequence) and not isinstance(model, str):
        if solvent is not None:
            raise InputError(f"solvation={list(model)!r} says the solvent already: drop solvent={solvent}")
        asked = tuple(model)
        if why := refusal(method, asked):
            raise InputError(f"{method} cannot have solvation={list(model)!r}: {why}")
        return asked
    if solvent is None or (isinstance(solvent, str) and solvent.lower() == "none"):
        if model is not None:
            raise InputError(f"solvation={model} needs a solvent beside it: add solvent=water, or another")
        return None
    chosen = DEFAULT_MODEL if model is None else str(model).lower()
    if chosen not in MODELS:
        raise InputError(f"{method} has no solvation model {model!r}{offer(str(model), MODELS)}")
    return as_tblite(chosen, checked(method, solvent, chosen))


def checked(method: str, solvent: object, model: str) -> str | float:
    """The solvent as tblite takes it; InputError with the nearest names where it has no parameters for it."""
    if isinstance(solvent, int | float) and not isinstance(solvent, bool):
        if model in FITTED:
            raise InputError(
                f"{model.upper()} is fitted to each solvent and needs its name, got {solvent}: a dielectric constant "
                f"is for solvation={' or '.join(CONTINUUM)}"
            )
        if not 1 <= solvent < math.inf:
            raise InputError(f"the dielectric constant of a solvent must be a number from 1, got {solvent}")
        return float(solvent)
    name = str(solvent).lower()
    if not refusal(method, as_tblite(model, name)):
        return name
    known = [other for other in SOLVENTS if not refusal(method, as_tblite(model, other))]
    elsewhere = [other for other in MODELS if other != model and not refusal(method, as_tblite(other, name))]
    if elsewhere:
        near = nearest(name, known)
        meant = f"; did you mean {' or '.join(near)}?" if near else ";"
        raise InputError(
            f"{model.upper()} of {method} has no parameters for {name}{meant} solvation={' or '.join(elsewhere)} "
            f"has them, {model.upper()} those for {', '.join(known)}"
        )
    raise InputError(f"{solvent!r} is not a solvent of {model.upper()} of {method}{offer(name, known)}")


def as_tblite(model: str, solvent: str | float) -> tuple[object, ...]:
    return ("ddX", solvent, model) if model in CONTINUUM else (model, solvent)


def refusal(method: str, asked: tuple[object, ...]) -> str:
    """Why tblite does not take a solvation, empty where it does; asked for a helium atom, without an SCF."""
    from tblite.interface import Calculator

    if not asked:
        return "it must be a model and its arguments, as ['alpb', 'water']"
    helium = Calculator(method, np.array([2]), np.zeros((1, 3)))
    model, *arguments = asked
    try:
        helium.add(f"{model}-solvation", *arguments)
    except Exception as error:  # its interface does not check arguments, and meets them in its own ways
        return " ".join(str(error).split())
    return ""
