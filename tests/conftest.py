"""What holds for all tests; of hypothesis, the same inputs in each run, however busy the machine is."""

from hypothesis import HealthCheck, settings

collect_ignore = ["typed"]  # which type checkers read, and nobody runs

settings.register_profile(
    "molopt",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("molopt")
