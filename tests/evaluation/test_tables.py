"""Truth in tables, and how labels are scored."""

from pathlib import Path

import pytest

from civiscope.base import AppError
from civiscope.evaluation import read_labels, read_plates, score_labels


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(text)
    return path


def test_labels_by_file(tmp_path: Path) -> None:
    assert read_labels(table(tmp_path, "path,label,more\na.mp4,fight,x\nb.mp4,nofight,y\n")) == {
        "a.mp4": "fight", "b.mp4": "nofight",
    }  # fmt: skip
    assert read_labels(table(tmp_path, "file,class\na.wav,siren\n")) == {"a.wav": "siren"}


def test_plates_with_their_boxes(tmp_path: Path) -> None:
    (one,) = read_plates(table(tmp_path, "path,region,x,y,w,h,plate\nus/1.jpg,us,935,362,99,49,YG9X2G\n"))
    assert (one.box, one.text, one.region) == ((935, 362, 99, 49), "YG9X2G", "us")


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "no column"), ("path,label\n", "no column"), ("a,b\n1,2\n", "path or file"),
     ("path,label\na\n", "line 2"), ("path,label\na,b,c\n", "line 2")],
)  # fmt: skip
def test_a_broken_table_of_labels(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(AppError, match=words):
        read_labels(table(tmp_path, text))


def test_a_plate_without_a_box_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="line 3"):
        read_plates(table(tmp_path, "path,region,x,y,w,h,plate\na,us,1,2,3,4,X\nb,us,one,2,3,4,Y\n"))


def test_labels_are_scored_each_for_itself() -> None:
    truth = {"a": "fight", "b": "fight", "c": "calm", "d": "calm"}
    scores = {one.label: one for one in score_labels(truth, {"a": "fight", "c": "fight", "e": "fight"})}
    assert (scores["fight"].recall, scores["fight"].precision) == (0.5, 0.5)
    assert (scores["calm"].recall, scores["calm"].precision) == (0.0, None)
    assert score_labels(truth, truth)[0].recall == 1.0


@pytest.mark.footage
def test_the_given_tables_read(shared_data: Path) -> None:
    assert {"fight", "nofight"} <= set(read_labels(shared_data / "fight" / "labels.csv").values())
    assert len(read_labels(shared_data / "audio" / "labels.csv")) >= 10
    assert len(read_plates(shared_data / "lpr" / "plates.csv")) > 100
