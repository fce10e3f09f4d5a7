"""Which systems kernels serve, and what they take from them."""

import numpy as np

from molopt.coordinates.member import Member
from molopt.coordinates.metric_table import MetricTable, Scaling
from molopt.coordinates.model_hessian import scaled
from molopt.coordinates.kernels.identity import identity_table


def table_of(member: Member) -> MetricTable:
    """What the model Hessian of a member is made of."""
    return identity_table(member.primitives)


def scaling_of(member: Member) -> Scaling:
    return scaled(table_of(member), member.stiffness)
