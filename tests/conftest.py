"""What every test may use: the folder of real footage, and how hard the property tests try."""

import os
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
FLOWS = REPOSITORY / "tests" / "flows"
_UNITS_BESIDE = 7
"""So many modules of units run beside each of the flows, until there is none left."""

settings.register_profile("fast", max_examples=40, deadline=None, derandomize=True)
settings.register_profile(
    "fuzz", max_examples=4000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
settings.load_profile(os.environ.get("CIVISCOPE_HYPOTHESIS", "fast"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real footage and captures; the test is skipped where it is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real footage on this machine: {SHARED_DATA} is missing")
    return SHARED_DATA


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the flows, which mostly wait, among the units, which mostly reckon; the last ones are short.

    The order of tests within a module stays. `make test` hands modules to its processes in this order.
    """
    modules = [list(tests) for _, tests in groupby(items, lambda item: item.path)]
    flows = [tests for tests in modules if tests[0].path.is_relative_to(FLOWS)]
    units = [tests for tests in modules if not tests[0].path.is_relative_to(FLOWS)]
    spread: list[list[pytest.Item]] = []
    while flows:
        spread += [flows.pop(0), *units[:_UNITS_BESIDE]]
        units = units[_UNITS_BESIDE:]
    items[:] = [item for tests in (*spread, *units) for item in tests]
