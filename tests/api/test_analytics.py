"""Analytics of a camera over HTTP: the book behind them is the real one."""

from tests.api.town import Town

from civiscope.analytics import AnalystStatus, AnalyticState, ChannelFigures, ModelInfo
from civiscope.base import ChannelId, new_id
from civiscope.devices import CameraDraft

API = "/api/v1"
ZONE = {"name": "Door", "zone": [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]}
BODY = {
    "plugin": "zone",
    "name": "Door",
    "settings": ZONE,
    "schedule": {"name": "night", "spans": [{"weekday": 0, "from_minute": 1320, "to_minute": 360}]},
}


async def add_camera(town: Town) -> ChannelId:
    return (await town.faces.devices.add_camera(CameraDraft("Pier", "rtsp://192.0.2.1/a"))).channel_id


async def test_an_analytic_is_added_changed_and_removed(town: Town) -> None:
    path = f"{API}/channels/{await add_camera(town)}/analytics"
    async with await town.client_as("administrator") as client:
        answer = await client.post(path, json=BODY)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert made["settings"] == {**ZONE, **{k: v for k, v in made["settings"].items() if k not in ZONE}}
        assert (made["schedule"], made["is_on"], made["trouble"]) == (BODY["schedule"], True, "")
        assert (await client.get(path)).json() == [made]
        assert town.analysis.woken == 1
        changed = (
            await client.put(f"{path}/{made['id']}", json={**BODY, "schedule": None, "is_on": False})
        ).json()
        assert (changed["id"], changed["schedule"], changed["is_on"]) == (made["id"], None, False)
        assert (await client.delete(f"{path}/{made['id']}")).status_code == 204
        assert (await client.get(path)).json() == []
        assert (await client.delete(f"{path}/{made['id']}")).status_code == 404
    assert [one.what for one in await town.faces.audit.entries(3)] == [
        "analytic.remove",
        "analytic.edit",
        "analytic.add",
    ]


async def test_fields_that_do_not_fit_are_named(town: Town) -> None:
    path = f"{API}/channels/{await add_camera(town)}/analytics"
    async with await town.client_as("administrator") as client:
        crossed = {"name": "X", "zone": [[0, 0], [1, 1], [1, 0], [0, 1]]}
        answer = await client.post(path, json={"plugin": "zone", "name": "", "settings": crossed})
        assert answer.status_code == 422
        assert set(answer.json()["error"]["fields"]) == {"name", "zone"}
        answer = await client.post(path, json={"plugin": "faces", "name": "x", "settings": {}})
        assert set(answer.json()["error"]["fields"]) == {"plugin"}
        assert (await client.post(f"{API}/channels/{new_id()}/analytics", json=BODY)).status_code == 404


async def test_the_plug_ins_bring_their_forms(town: Town) -> None:
    async with await town.client_as("operator") as client:
        found = {one["name"]: one for one in (await client.get(f"{API}/analytics/plugins")).json()}
    assert {"zone", "line"} <= set(found)
    assert found["zone"]["state"] == "loaded"
    assert "zone.entered" in found["zone"]["kinds"]
    assert set(found["zone"]["settings_schema"]["properties"]) >= {"zone", "name", "classes", "says"}


async def test_how_the_analyst_stands_and_which_detector_looks(town: Town) -> None:
    channel_id = await add_camera(town)
    async with await town.client_as("administrator") as client:
        away = (await client.get(f"{API}/analysis")).json()
        assert away == {"detector": "", "is_fresh": False, "models": [], "channels": []}
        told = (await client.get(f"{API}/detector")).json()
        assert (told["detector"], told["words"].startswith("The analyst does not answer")) == ("", True)
        path = f"{API}/channels/{channel_id}/analytics"
        made = (await client.post(path, json=BODY)).json()
        (kept,) = await town.faces.analytics.of(channel_id)
        town.analysis.newest, town.analysis.is_fresh = status(channel_id, kept.id), True
        answer = (await client.get(f"{API}/analysis")).json()
        assert (answer["detector"], answer["is_fresh"]) == ("tiny", True)
        assert answer["channels"][0]["analytics"] == [{"analytic_id": made["id"], "trouble": "It hung."}]
        assert answer["channels"][0]["latency_ms"] == 41.2
        assert (await client.get(path)).json()[0]["trouble"] == "It hung."
    async with await town.client_as("viewer") as client:
        told = (await client.get(f"{API}/detector")).json()
        assert told["words"] == "The detector tiny looks. Nobody compared its file with the official one."
        assert (await client.get(f"{API}/analysis")).status_code == 403


def status(channel_id: ChannelId, analytic_id: object) -> AnalystStatus:
    """As the analyst tells it."""
    model = ModelInfo("tiny", "objects", "active", False, "MIT", "320 x 192")
    figures = ChannelFigures(
        channel_id, "analysed", 5, "", 4.98, 0.5, 1.25, 12.3, 640, 360, 2, 0,
        (AnalyticState(analytic_id, "It hung."),), 41.234,  # type: ignore[arg-type]  # a UUID
    )  # fmt: skip
    return AnalystStatus("", "tiny", (model,), (figures,))
