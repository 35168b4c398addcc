"""Targets, deliveries, bookmarks and holds over the real calls."""

from dataclasses import replace
from uuid import UUID

from tests.api.town import Town
from tests.notify.receivers import WebReceiver, serving

from civiscope.base import new_id
from civiscope.devices import CameraDraft
from civiscope.notify import TargetId
from civiscope.notify.contract import message

SECRET = "canary-of-a-target"


def hook(port: int, **others: object) -> dict[str, object]:
    return {
        "name": "Duty room",
        "notifier": "webhook",
        "settings": {
            "url": f"http://127.0.0.1:{port}/", "allow_http": True, "allow_private": True, "token": SECRET,
            **others,
        },
    }  # fmt: skip


async def test_a_target_is_made_tested_changed_and_removed(town: Town) -> None:
    receiver = WebReceiver(token=SECRET)
    async with serving(receiver.serve) as port, await town.client_as("administrator") as client:
        names = {one["name"]: one for one in (await client.get("/api/v1/notifiers")).json()}
        assert set(names) == {"webhook", "mail", "mqtt"}
        token = names["webhook"]["settings_schema"]["properties"]["token"]
        assert {"writeOnly": True, "format": "password"}.items() <= token["anyOf"][0].items()
        made = await client.post("/api/v1/targets", json=hook(port))
        assert made.status_code == 201
        one = made.json()
        assert one["settings"]["token"] is None
        assert one["settings"]["url"].startswith("http://127.0.0.1")
        tested = (await client.post(f"/api/v1/targets/{one['id']}/test")).json()
        assert tested == {"ok": True, "words": "The target took the test message."}
        assert b"Harbour town" in await receiver.received()
        kept = await client.put(f"/api/v1/targets/{one['id']}", json=hook(port, token=None))
        assert kept.status_code == 200
        assert (await client.post(f"/api/v1/targets/{one['id']}/test")).json()["ok"]
        moved = await client.put(
            f"/api/v1/targets/{one['id']}", json=hook(port, token=None, url="https://evil.example/")
        )
        assert moved.status_code == 422
        assert set(moved.json()["error"]["fields"]) == {"token"}
        wrong = await client.post("/api/v1/targets", json=hook(port, url="https://a b/", token=SECRET))
        assert wrong.status_code == 422
        again = await client.post("/api/v1/targets", json=hook(port))
        assert again.status_code == 409
        shown = (await client.get("/api/v1/targets")).text + moved.text + wrong.text + again.text + kept.text
        assert SECRET not in shown
        assert (await client.delete(f"/api/v1/targets/{one['id']}")).status_code == 204
        assert (await client.get("/api/v1/targets")).json() == []
        assert (await client.post(f"/api/v1/targets/{one['id']}/test")).status_code == 404


async def test_deliveries_are_listed_in_pages(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        target = (await client.post("/api/v1/targets", json=hook(1))).json()["id"]
        for number in range(3):
            told = replace(message(f"m{number}"), id=new_id())
            await town.faces.notify.send(told, [TargetId(new_id()), *_ids(target)])
        first = (await client.get(f"/api/v1/deliveries?target={target}&limit=2")).json()
        assert [one["subject"] for one in first["deliveries"]] == ["m2", "m1"]
        assert {one["state"] for one in first["deliveries"]} == {"waiting"}
        rest = (await client.get(f"/api/v1/deliveries?before={first['next']}")).json()
        assert ([one["subject"] for one in rest["deliveries"]], rest["next"]) == (["m0"], None)
        assert (await client.get("/api/v1/deliveries?state=sent")).json()["deliveries"] == []
        for query in ("state=lost", "limit=0", "limit=1001", "target=x", "other=1"):
            assert (await client.get(f"/api/v1/deliveries?{query}")).status_code == 422
        await client.delete(f"/api/v1/targets/{target}")
        failed = (await client.get("/api/v1/deliveries?state=failed")).json()["deliveries"]
        assert [one["why"] for one in failed] == ["The target was removed."] * 3


def _ids(text: str) -> list[TargetId]:
    return [TargetId(UUID(text))]


async def test_bookmarks_and_holds_are_made_and_ended(town: Town) -> None:
    pier = (await town.faces.devices.add_camera(CameraDraft("Pier", "rtsp://192.0.2.1/a"))).channel_id
    now_us = town.clock.now_us()
    async with await town.client_as("operator") as client:
        body = {"channel_id": str(pier), "at_us": now_us, "text": "The van"}
        bookmark = (await client.post("/api/v1/bookmarks", json=body)).json()
        assert (bookmark["made_by"], bookmark["event_id"]) == ("operator", None)
        listed = f"/api/v1/bookmarks?channel={pier}&from_us=0&to_us={now_us + 1}"
        assert (await client.get(listed)).json() == [bookmark]
        assert (await client.get(f"/api/v1/bookmarks?channel={pier}&from_us=5&to_us=5")).status_code == 422
        assert (await client.delete(f"/api/v1/bookmarks/{bookmark['id']}")).status_code == 204
        assert (await client.get(listed)).json() == []
        wish = {"channel_id": str(pier), "from_us": now_us - 9, "to_us": now_us, "reason": "Case 7"}
        hold = (await client.post("/api/v1/holds", json=wish)).json()
        assert (hold["until_us"], hold["ended_us"]) == (None, None)
        assert (await client.post("/api/v1/holds", json=wish | {"to_us": 1})).status_code == 422
        assert (await client.get("/api/v1/holds")).json() == [hold]
        town.clock.advance(5)
        ended = (await client.post(f"/api/v1/holds/{hold['id']}/end")).json()
        assert ended == hold | {"ended_us": now_us + 5}
        assert (await client.get(f"/api/v1/holds?channel={pier}")).json() == [ended]
    async with await town.client_as("viewer") as client:
        assert (await client.get("/api/v1/holds")).status_code == 403
    what = [one.what for one in await town.faces.audit.entries()]
    assert [one for one in what if one.startswith(("hold", "bookmark"))] == [
        "hold.end", "hold.add", "bookmark.remove", "bookmark.add",
    ]  # fmt: skip
