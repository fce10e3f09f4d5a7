"""Kernels: internal coordinates of many conformers at once, compiled by numba.

To rounding they do what `member`, `linearization`, `model_hessian` and `secants` in `molopt.coordinates` do for one
system with NumPy and SciPy, which are the reference. Loops run over the systems of one molecule, and the arithmetic of
a system does not depend on its company: it gets the same bits alone and among others.

`compilable` says whether kernels serve a system, `alike` whether two can be served together, and `group.Group` is the
coordinates of such systems. Without numba nothing is compilable.
"""
