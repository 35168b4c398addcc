"""The month's figures at the door: scopes, zones, removed cameras, the table to take away."""

from typing import Any

from tests.api.test_timeline import add
from tests.api.town import Town, gap, lane

from civiscope.recording import Timeline, month_span

HOUR_US = 3_600_000_000


async def test_each_camera_has_its_share_and_reasons(town: Town) -> None:
    month = month_span("2026-10", town.faces.site.zone)
    start_us = month.start_us
    lost_us = start_us + 3 * HOUR_US
    channel = await add(town, Timeline((lane(start_us, lost_us, 0),), (gap(lost_us, lost_us + HOUR_US),)))
    async with await town.client_as("operator") as client:
        answer = (await client.get("/api/v1/availability", params={"month": "2026-10"})).json()
        assert (answer["from_us"], answer["to_us"]) == (month.start_us, month.end_us)
        assert answer["to_us"] - answer["from_us"] == (31 * 24 + 1) * HOUR_US
        (told,) = answer["channels"]
        assert told == {
            "id": str(channel), "name": "Pier", "share": 0.75, "due_us": 4 * HOUR_US,
            "recorded_us": 3 * HOUR_US, "missing": [{"reason": "unreachable", "duration_us": HOUR_US}],
            "not_due": [],
        }  # fmt: skip
        table = await client.get("/api/v1/availability/export", params={"month": "2026-10"})
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        assert table.headers["content-disposition"] == 'attachment; filename="availability-2026-10.csv"'
        lines = table.text.removeprefix("\ufeff").splitlines()
        assert lines[1] == (
            f'"2026-10","{channel}","Pier","0.750000","14400.000","10800.000","3600.000",'
            '"unreachable 3600.000",""'
        )


async def test_a_removed_camera_stays_in_months_in_which_it_was_due(town: Town) -> None:
    start_us = month_span("2026-10", town.faces.site.zone).start_us
    kept = await add(town, Timeline((lane(start_us, start_us + HOUR_US, 0),), ()))
    empty = await add(town, Timeline((), ()))
    for channel in (kept, empty):
        await town.faces.devices.remove_camera(channel)
    async with await town.client_as("operator") as client:
        answer = (await client.get("/api/v1/availability", params={"month": "2026-10"})).json()
        assert [one["id"] for one in answer["channels"]] == [str(kept)]


async def test_wrong_months_are_refused(town: Town) -> None:
    async with await town.client_as("operator") as client:
        for path in ("/api/v1/availability", "/api/v1/availability/export"):
            wrong: list[dict[str, Any]] = [
                {}, {"month": "2026-13"}, {"month": "2026-1"}, {"month": "x"}, {"month": "2999-01"},
                {"month": "1969-12"}, {"month": "2026-10\n"},
            ]  # fmt: skip
            for params in wrong:
                assert (await client.get(path, params=params)).status_code == 422, params
