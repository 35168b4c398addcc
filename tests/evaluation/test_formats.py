"""Truth and results in the field's formats, good and broken."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import AppError
from civiscope.evaluation import Placed, read_coco_results, read_coco_truth, read_mot, write_mot

COCO = {
    "images": [{"id": 7}],
    "categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}],
    "annotations": [
        {"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 0},
        {"image_id": 7, "category_id": 3, "bbox": [5, 6, 7, 8], "iscrowd": 1},
    ],
}


def test_mot_truth_and_results(tmp_path: Path) -> None:
    path = tmp_path / "gt.txt"
    path.write_text("1,2,10,20,30,40,1,-1,-1,-1\n\n1,3,1,2,3,4,0,-1,-1,-1\n2,2,1,2,3,4\n")
    truth = read_mot(path, is_truth=True)
    assert [(one.frame, one.track, one.is_ignored) for one in truth] == [
        (1, 2, False),
        (1, 3, True),
        (2, 2, False),
    ]
    path.write_text("1,2,10,20,30,40,0.25\n1,2,10,20,30,40,-1\n")
    assert [one.score for one in read_mot(path, is_truth=False)] == [0.25, 1.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [("1,2,3", "line 1"), ("1,2,3,4,5,6\n1,x,3,4,5,6", "line 2"), ("1,2,nan,4,5,6", "line 1")],
)
def test_broken_mot_names_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "gt.txt"
    path.write_text(text)
    with pytest.raises(AppError, match=words):
        read_mot(path, is_truth=True)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="cannot be read"):
        read_mot(tmp_path / "none.txt", is_truth=True)
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AppError, match="UTF-8"):
        read_mot(tmp_path / "bytes.txt", is_truth=True)


@given(
    st.lists(
        st.tuples(st.integers(1, 99), st.integers(1, 99), st.tuples(*[st.integers(0, 5000)] * 4)),
        unique_by=lambda one: one[:2],
        max_size=9,
    )
)
def test_mot_text_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int, tuple[int, int, int, int]]]
) -> None:
    placed = sorted((Placed(*row, score=0.5) for row in rows), key=lambda one: (one.frame, one.track))
    path = tmp_path_factory.mktemp("mot") / "result.txt"
    path.write_text(write_mot(placed))
    assert read_mot(path, is_truth=False) == placed


def test_coco_truth_and_results(tmp_path: Path) -> None:
    truth, results = tmp_path / "truth.json", tmp_path / "results.json"
    truth.write_text(json.dumps(COCO))
    assert read_coco_truth(truth) == [
        Placed(7, 0, (1, 2, 3, 4), label="person"),
        Placed(7, 0, (5, 6, 7, 8), label="car", is_ignored=True),
    ]
    assert [one.label for one in read_coco_truth(truth, {"car": "vehicle"})] == ["vehicle"]
    results.write_text(json.dumps([{"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}]))
    assert read_coco_results(results, truth) == [Placed(7, 0, (1, 2, 3, 4), 0.5, "person")]


@pytest.mark.parametrize(
    "text", ["[", "[]", "{}", '{"categories": [], "annotations": [3]}', "[" * 100_000,
             '{"categories": [{"id": 1, "name": "a"}], "annotations": [{"image_id": 1, "category_id": 1}]}']
)  # fmt: skip
def test_broken_coco_is_an_error_in_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "truth.json"
    path.write_text(text)
    with pytest.raises(AppError):
        read_coco_truth(path)
