"""Figures are of the last ten seconds, also when nothing came since."""

from civiscope.analytics.figures import Figures


def test_rates_are_of_the_window() -> None:
    figures = Figures(0)
    for number in range(100):
        now_us = number * 200_000
        figures.looked(
            now_us, 5_000 if number % 10 else 90_000, moved=number % 2 == 0, detected=number % 4 == 0
        )
        figures.spent(now_us, 2_000)
    rates = figures.rates(19_900_000)
    assert rates.frames_per_s == 5.0
    assert rates.moving_share == 0.5
    assert rates.detections_per_s == 1.2
    assert rates.cost_ms_per_s == 10.0
    assert rates.latency_ms == 90.0


def test_a_second_after_the_start_it_is_not_a_tenth_of_it() -> None:
    figures = Figures(7_000_000)
    for number in range(5):
        figures.looked(7_000_000 + number * 200_000, 1_000, moved=False, detected=False)
    assert figures.rates(8_000_000).frames_per_s == 5.0


def test_what_is_long_past_does_not_count() -> None:
    figures = Figures(0)
    figures.looked(0, 9_000_000, moved=True, detected=True)
    rates = figures.rates(30_000_000)
    assert (rates.frames_per_s, rates.moving_share, rates.latency_ms) == (0.0, 0.0, 0.0)
