"""Whose time holds: the camera's, else its purpose's, else the site's."""

import pytest
from pydantic import ValidationError

from civiscope.app.keep_times import times_of
from civiscope.app.site_pages import RecordingPage
from civiscope.base import ChannelId, DeviceId, StreamId, new_id
from civiscope.devices import Camera, Stream, Transport
from civiscope.recording import StreamTime

HOUR_US = 3_600_000_000


def camera(purpose: str | None = None, keep_hours: float | None = None) -> Camera:
    """One with a main stream and a small one."""
    streams = tuple(
        Stream(StreamId(new_id()), profile, "rtsp://10.0.0.1/", Transport.AUTO, audio=False)
        for profile in ("main", "sub")
    )
    return Camera(
        ChannelId(new_id()), DeviceId(new_id()), "Gate", streams, 0, purpose=purpose, keep_hours=keep_hours
    )


def test_the_camera_comes_before_the_purpose_and_the_purpose_before_the_site() -> None:
    page = RecordingPage(keep_hours=72, purpose_hours=("traffic=24", "public_safety = 48.5"))
    plain, traffic, safety, own, same, other = (
        camera(), camera("traffic"), camera("public_safety"), camera("traffic", 240), camera("traffic", 72),
        camera("unheard_of"),
    )  # fmt: skip
    times = times_of(page, [plain, traffic, safety, own, same, other])
    assert times.default_us == 72 * HOUR_US
    wanted = {traffic: 24.0, safety: 48.5, own: 240.0}
    assert set(times.streams) == {
        StreamTime(stream.id, int(hours * HOUR_US)) for one, hours in wanted.items() for stream in one.streams
    }
    assert page.purpose_hours == ("traffic = 24", "public_safety = 48.5")


@pytest.mark.parametrize(
    "lines",
    [
        *((f"traffic{rest}",) for rest in ("", " = 0", " = 87841", " = -1", " = nan", " = 1e3")),
        ("Traffic = 5",),
        ("= 5",),
        ("traffic = 5", "traffic=6"),
    ],
)
def test_lines_that_say_no_time_are_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError):
        RecordingPage(purpose_hours=lines)
