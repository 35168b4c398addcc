"""Rules at the door: written whole, refused by field, tried dry, removed; the actions with their forms."""

from typing import Any

from tests.api.test_permissions import RULE
from tests.api.town import Town
from tests.events.world import observation

from civiscope.base import new_id
from civiscope.devices import CameraDraft
from civiscope.events import told_by_analytic

V1 = "/api/v1"


def rule(**changes: object) -> dict[str, object]:
    return {**RULE, **changes}


async def test_a_rule_is_written_changed_and_removed(town: Town) -> None:
    await town.faces.rules.load()
    pier = await town.faces.devices.add_camera(CameraDraft("Pier", "rtsp://192.0.2.1/a"))
    async with await town.client_as("administrator") as client:
        (first,) = (await client.get(f"{V1}/rules")).json()
        assert first["name"] == "Something enters a zone or crosses a line"
        assert first["at"] == {"channels": [], "groups": [], "everywhere": True}
        places = {"channels": [str(pier.channel_id)], "groups": [], "everywhere": False}
        made = await client.post(f"{V1}/rules", json=rule(at=places))
        assert made.status_code == 201
        told = made.json()
        assert {key: told[key] for key in RULE} == rule(at=places)
        assert (told["version"], told["changed_by"], told["trouble"]) == (1, "administrator", "")
        path = f"{V1}/rules/{told['id']}"
        changed = (await client.put(path, json=rule(name="Day", during=None, is_on=False))).json()
        assert (changed["version"], changed["name"], changed["during"]) == (2, "Day", None)
        assert (await client.get(path)).json() == changed
        assert (await client.delete(path)).status_code == 204
        for answer in (await client.get(path), await client.delete(path), await client.put(path, json=RULE)):
            assert answer.status_code == 404
    whats = [entry.what for entry in await town.faces.audit.entries(3)]
    assert whats == ["rule.remove", "rule.edit", "rule.add"]


MISFITS: list[tuple[dict[str, Any], str]] = [
        ({"name": "  "}, "name"),
        ({"at": {"channels": [str(new_id())]}}, "at"),
        ({"at": {"groups": [str(new_id())]}}, "at"),
        ({"at": {}}, "at"),
        ({"actions": []}, "actions"),
        ({"actions": [{"name": "self_destruct", "settings": {}}]}, "actions.0"),
        ({"actions": [{"name": "raise_alarm", "settings": {"priority": "x"}}]}, "actions.0.priority"),
        ({"actions": [{"name": "raise_alarm", "settings": {"x": "y" * 9_000}}]}, "actions.0.settings"),
    ]  # fmt: skip


async def test_what_does_not_fit_is_named(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        for changes, field in MISFITS:
            answer = await client.post(f"{V1}/rules", json=rule(**changes))
            assert answer.status_code == 422, changes
            assert list(answer.json()["error"]["fields"]) == [field]
        assert (await client.get(f"{V1}/rules")).json() == []


WRONG_SHAPES: list[dict[str, Any]] = [
        {"colour": "red"},
        {"during": {"name": "n", "spans": [{"weekday": 7, "from_minute": 0, "to_minute": 9}]}},
        {"during": {"name": "n", "spans": []}},
        {"conditions": {"min_score": "0.5"}},
        {"conditions": {"min_lasting_s": 1e9}},
        {"rest_s": -1},
        {"when": {"sources": ["dream"]}},
        {"when": {"kinds": ["k"] * 65}},
        {"actions": [{"name": "raise_alarm", "settings": {}}] * 17},
    ]  # fmt: skip


async def test_what_has_the_wrong_shape_is_refused(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        for changes in WRONG_SHAPES:
            assert (await client.post(f"{V1}/rules", json=rule(**changes))).status_code == 422, changes


async def test_a_body_beyond_the_limit_is_not_read(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        huge = rule(actions=[{"name": "raise_alarm", "settings": {"procedure": "x" * 70_000}}])
        assert (await client.post(f"{V1}/rules", json=huge)).status_code == 413


async def test_a_dry_run_tells_what_would_have_been(town: Town) -> None:
    for at_us in (1_000_000, 2_000_000, 90_000_000):
        fact = observation(at_us, channel_id=None)
        await town.faces.events.record(told_by_analytic(fact))
    body = {"rule": rule(during=None), "from_us": 0, "to_us": 99_000_000}
    async with await town.client_as("operator") as client:
        told = (await client.post(f"{V1}/rules/dry-run", json=body)).json()
        assert (told["fired"], told["truncated"]) == (2, False)
        assert [one["at_us"] for one in told["at"]] == [90_000_000, 1_000_000]
        assert (await client.post(f"{V1}/rules/dry-run", json={**body, "to_us": 0})).status_code == 422
        assert (await client.get(f"{V1}/alarms")).json()["alarms"] == []


async def test_actions_come_with_their_forms(town: Town) -> None:
    async with await town.client_as("operator") as client:
        actions = {one["name"]: one for one in (await client.get(f"{V1}/rules/actions")).json()}
        assert {"raise_alarm", "notify", "bookmark", "hold", "record"} <= set(actions)
        assert all(one["state"] == "loaded" for one in actions.values())
        assert "priority" in actions["raise_alarm"]["settings_schema"]["properties"]
