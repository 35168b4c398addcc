"""What every test may use: the folder of real footage, and how hard the property tests try."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"

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
