"""Many molecules, a task each: what was asked for, what became of each, and the folder that keeps it."""
