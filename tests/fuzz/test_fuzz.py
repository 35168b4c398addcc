"""Every parser of foreign bytes under fixed broken inputs; `FUZZ_S` sets the seconds for each target.

The bytes of input n are the same everywhere; only how far a machine comes in its time differs. A failure
names its target and number: `input_of(name, TARGETS[name].seeds(), number)` makes the bytes again.
"""

import os

import pytest
from tests.fuzz import proof_targets, stored_targets, wire_targets
from tests.fuzz.target import hunt

TARGETS = {**wire_targets.TARGETS, **stored_targets.TARGETS, **proof_targets.TARGETS}
BUDGET_S = float(os.environ.get("FUZZ_S", "8"))
COUNT = int(os.environ.get("FUZZ_COUNT", "1000000"))

pytestmark = pytest.mark.fuzz


@pytest.mark.parametrize("name", TARGETS)
def test_broken_bytes_end_in_a_value_or_a_refusal(name: str) -> None:
    tried = hunt(name, TARGETS[name], BUDGET_S, COUNT)
    print(f"{name}: {tried} inputs")
