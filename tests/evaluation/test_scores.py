"""Scores equal what published implementations give, and hold at the corners."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.evaluation import (
    Placed,
    by_frame,
    iou_matrix,
    read_mot,
    recall_by_height,
    score_detections,
    score_tracking,
)

BOX = (10.0, 10.0, 20.0, 40.0)
FAR = (200.0, 10.0, 20.0, 40.0)


@pytest.mark.footage
def test_tracking_scores_equal_the_published_implementations(shared_data: Path) -> None:
    """TUD-Campus by TrackEval 1.3.0 (HOTA, Identity, CLEAR); py-motmetrics prints the same MOTA and IDF1."""
    folder = shared_data / "gt" / "mot" / "TUD-Campus"
    truth = by_frame(read_mot(folder / "gt.txt", is_truth=True))
    score = score_tracking(truth, by_frame(read_mot(folder / "result.txt", is_truth=False)))
    assert score.hota == pytest.approx(0.3913974378451139, abs=1e-12)
    assert score.detection_accuracy == pytest.approx(0.418047030142763, abs=1e-12)
    assert score.association_accuracy == pytest.approx(0.36912068120832836, abs=1e-12)
    assert score.idf1 == pytest.approx(0.5576592082616179, abs=1e-12)
    assert score.id_recall == pytest.approx(0.45125348189415043, abs=1e-12)
    assert score.id_precision == pytest.approx(0.7297297297297297, abs=1e-12)
    assert score.mota == pytest.approx(0.5264623955431755, abs=1e-12)
    assert score.motp == pytest.approx(0.7227989153605385, abs=1e-12)
    counts = (score.false_alarms, score.misses, score.switches, score.fragments)
    assert counts == (13, 150, 7, 7)
    assert (score.mostly_tracked, score.mostly_lost, score.truth_tracks) == (1, 1, 8)


def test_what_equals_truth_is_perfect() -> None:
    truth = by_frame([Placed(f, t, (t * 50.0 + f, 5, 20, 40)) for f in range(1, 9) for t in range(1, 4)])
    score = score_tracking(truth, truth)
    assert (score.hota, score.idf1, score.mota, score.switches) == (1.0, 1.0, 1.0, 0)
    found = score_detections(truth, truth)
    assert (found.recall, found.precision, found.average_precision) == (1.0, 1.0, 1.0)


def test_nothing_found_scores_nothing() -> None:
    truth = by_frame([Placed(1, 1, BOX)])
    score = score_tracking(truth, {})
    assert (score.hota, score.idf1, score.mota, score.misses) == (0.0, 0.0, 0.0, 1)
    found = score_detections(truth, {})
    assert (found.recall, found.precision, found.average_precision) == (0.0, None, 0.0)


def test_a_swap_of_identities_is_a_switch() -> None:
    truth = by_frame([Placed(f, t, BOX if t == 1 else FAR) for f in range(1, 5) for t in (1, 2)])
    swapped = by_frame(
        [Placed(f, t if f < 3 else 3 - t, BOX if t == 1 else FAR) for f in range(1, 5) for t in (1, 2)]
    )
    score = score_tracking(truth, swapped)
    assert score.switches == 2
    assert score.idf1 == 0.5
    assert score.mota == pytest.approx(1 - 2 / 8)


def test_ignored_truth_is_neither_right_nor_wrong() -> None:
    truth = by_frame([Placed(1, 1, BOX, is_ignored=True), Placed(1, 2, FAR)])
    found = by_frame([Placed(1, 1, BOX, 0.9), Placed(1, 2, FAR, 0.8)])
    score = score_detections(truth, found)
    assert (score.truth, score.found, score.right) == (1, 1, 1)
    assert score_tracking(truth, found).false_alarms == 0
    twice = by_frame([Placed(1, 1, FAR, 0.9), Placed(1, 2, FAR, 0.8)])
    assert score_detections(truth, twice).precision == 0.5


def test_average_precision_ranks_by_score() -> None:
    truth = by_frame([Placed(1, 0, BOX), Placed(2, 0, BOX)])
    good_first = by_frame([Placed(1, 0, BOX, 0.9), Placed(1, 0, FAR, 0.2), Placed(2, 0, BOX, 0.8)])
    bad_first = by_frame([Placed(1, 0, BOX, 0.3), Placed(1, 0, FAR, 0.9), Placed(2, 0, BOX, 0.8)])
    best, worse = score_detections(truth, good_first), score_detections(truth, bad_first)
    assert best.average_precision == 1.0
    assert worse.average_precision == pytest.approx(2 / 3, abs=0.01)
    at_half = score_detections(truth, good_first, min_score=0.5)
    assert (at_half.precision, at_half.recall) == (1.0, 1.0)


def test_recall_by_height_counts_each_range() -> None:
    truth = by_frame([Placed(1, 0, (0, 0, 10, 30)), Placed(1, 0, (100, 0, 10, 60))])
    found = by_frame([Placed(1, 0, (100, 0, 10, 60))])
    assert recall_by_height(truth, found, (0, 40, 80)) == [(0, 40, 1, 0), (40, 80, 1, 1)]


boxes = st.tuples(*[st.floats(0, 100)] * 2, *[st.floats(1, 50)] * 2)


@given(st.lists(boxes, max_size=6), st.lists(boxes, max_size=6))
def test_overlap_is_a_share_and_symmetric(
    first: list[tuple[float, float, float, float]], second: list[tuple[float, float, float, float]]
) -> None:
    one, two = np.array(first).reshape(-1, 4), np.array(second).reshape(-1, 4)
    overlap = iou_matrix(one, two)
    assert overlap.shape == (len(first), len(second))
    assert ((overlap >= 0) & (overlap <= 1 + 1e-9)).all()
    assert np.allclose(overlap, iou_matrix(two, one).T)


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 3), boxes), max_size=12, unique_by=lambda one: one[:2]
    ),
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 3), boxes), max_size=12, unique_by=lambda one: one[:2]
    ),
)
def test_any_boxes_give_scores_within_their_bounds(
    true: list[tuple[int, int, tuple[float, float, float, float]]],
    found: list[tuple[int, int, tuple[float, float, float, float]]],
) -> None:
    truth = by_frame([Placed(*one) for one in true])
    results = by_frame([Placed(*one) for one in found])
    score = score_tracking(truth, results)
    for share in (score.hota, score.idf1, score.id_precision, score.id_recall, score.motp):
        assert 0 <= share <= 1 + 1e-9
    assert score.mota <= 1
    assert score.misses <= score.truth_boxes == len(true)
