"""Which systems kernels serve, and what they take from them."""

from molopt.coordinates.kernels.tables import indices

