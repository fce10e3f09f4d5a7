"""Whether a geometry is a minimum: curvature along the softest directions, and the verdict on the end of a run."""
