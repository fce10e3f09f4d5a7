"""Molecules relaxed by the thousand, or one: what was asked for, the runs, and the folder that keeps their ends."""
