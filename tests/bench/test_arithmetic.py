"""Percentiles and the times of numbered frames."""

import pytest
from bench.coded import FrameTimes
from bench.measure import percentile

TIMES = FrameTimes(1_000_000, (0, 100_000, 200_000), 300_000)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([1.0], 0.95, 1.0),
        ([float(n) for n in range(1, 101)], 0.95, 95.0),
        ([float(n) for n in range(20, 0, -1)], 0.95, 19.0),
        ([1.0, 2.0, 3.0], 1.0, 3.0),
    ],
)
def test_a_percentile_is_one_of_the_values(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_a_frame_seen_was_sent_the_last_time_before() -> None:
    assert TIMES.sent_us(1, 1_150_000) == 1_100_000
    assert TIMES.sent_us(1, 1_399_000) == 1_100_000
    assert TIMES.sent_us(1, 1_401_000) == 1_400_000


def test_the_distance_goes_the_short_way_over_the_seam() -> None:
    assert TIMES.distance_us(0, 1_310_000) == -10_000
    assert TIMES.distance_us(0, 1_290_000) == 10_000
    assert TIMES.distance_us(2, 1_200_000) == 0
