"""What the analyst keeps on its disk: the last plan and the last moment, private, whole or old."""

from pathlib import Path

import pytest

from civiscope.analytics import AnalysisPlan, AnalyticOrder, ChannelPlan
from civiscope.app.analysis_plan import AnalysisFiles, analysis_digest
from civiscope.base import AppError, ChannelId, ErrorKind, StreamId, new_id

PLAN = AnalysisPlan(
    (
        ChannelPlan(
            ChannelId(new_id()),
            StreamId(new_id()),
            True,
            (AnalyticOrder(new_id(), "zone", '{"name": "Door"}', '{"name": "night", "spans": []}'),),
        ),
        ChannelPlan(ChannelId(new_id()), StreamId(new_id()), False),
    ),
    "yolox_nano",
    "Europe/Sofia",
)


def test_the_plan_comes_back_as_it_was(tmp_path: Path) -> None:
    files = AnalysisFiles(tmp_path)
    assert files.load_plan() == AnalysisPlan()
    files.keep_plan(PLAN)
    assert files.load_plan() == PLAN
    assert analysis_digest(files.load_plan()) == analysis_digest(PLAN) != analysis_digest(AnalysisPlan())
    assert (tmp_path / "plan.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"version": 9}', '{"version": 1, "channels": [{}]}', "null"]
)
def test_a_plan_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    assert AnalysisFiles(tmp_path).load_plan() == AnalysisPlan()


def test_a_disk_that_refuses_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="cannot keep its plan") as refused:
        AnalysisFiles(tmp_path / "nowhere").keep_plan(PLAN)
    assert refused.value.kind is ErrorKind.UNAVAILABLE


def test_the_last_moment_is_kept(tmp_path: Path) -> None:
    files = AnalysisFiles(tmp_path)
    assert files.last_seen_us() is None
    files.mark_seen(1_796_000_000_000_000)
    assert AnalysisFiles(tmp_path).last_seen_us() == 1_796_000_000_000_000
    (tmp_path / "seen").write_text("yesterday")
    assert files.last_seen_us() is None
    AnalysisFiles(tmp_path / "nowhere").mark_seen(1)  # the looking goes on
