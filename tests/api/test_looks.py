"""Opening looks and fetching their pictures."""

import pytest
from tests.api.town import Town

from civiscope.base import AppError, ErrorKind, Span, new_id
from civiscope.privacy import Function, Presentation

LIVE = {"channel_id": str(new_id()), "purpose": "public_safety", "kind": "live", "presentation": "raw"}
PLAYBACK = {**LIVE, "kind": "playback", "from_us": 1000, "to_us": 2_000_000}


async def test_a_look_is_opened_for_whom_and_why(town: Town) -> None:
    async with await town.client_as("operator") as client:
        answer = await client.post("/api/v1/looks", json=PLAYBACK)
        assert answer.status_code == 201
        (wish,), (look,) = town.looks.wishes, town.looks.opened
        assert wish.principal.name == "operator"
        assert (wish.purpose, wish.function, wish.presentation) == (
            "public_safety",
            Function.PLAYBACK,
            Presentation.RAW,
        )
        assert (wish.span, wish.from_where) == (Span(1000, 2_000_000), "192.0.2.7")
        assert answer.json() == {
            "id": str(look.id),
            "kind": "playback",
            "channel_id": LIVE["channel_id"],
            "mse_type": look.mse_type,
            "epoch_us": look.epoch_us,
            "expires_us": look.expires_us,
        }


async def test_a_refused_look_says_why(town: Town) -> None:
    async with await town.client_as("operator") as client:
        answer = await client.post("/api/v1/looks", json={**LIVE, "purpose": "curiosity"})
        assert answer.status_code == 403
        assert "curiosity" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "wrong",
    [
        {**LIVE, "kind": "peek"},
        {**LIVE, "presentation": "naked"},
        {**LIVE, "purpose": ""},
        {**LIVE, "channel_id": "7"},
        {**LIVE, "from_us": 1},
        {**PLAYBACK, "to_us": 1000},
        {**PLAYBACK, "from_us": None},
        {**PLAYBACK, "from_us": "1000"},
        {**PLAYBACK, "to_us": 10**20},
        {key: value for key, value in LIVE.items() if key != "presentation"},
    ],
)
async def test_wrong_wishes_are_refused(town: Town, wrong: dict[str, object]) -> None:
    async with await town.client_as("operator") as client:
        assert (await client.post("/api/v1/looks", json=wrong)).status_code == 422
        assert town.looks.wishes == []


async def test_media_comes_with_its_times(town: Town) -> None:
    async with await town.client_as("operator") as client:
        look_id = (await client.post("/api/v1/looks", json=PLAYBACK)).json()["id"]
        path = f"/api/v1/looks/{look_id}/media"
        found = await client.get(path, params={"at_us": 1000, "duration_us": 500})
        assert (found.status_code, found.content) == (200, b"ftyp")
        assert found.headers["content-type"] == "video/mp4"
        assert (found.headers["x-start-us"], found.headers["x-end-us"]) == ("1000", "1500")
        assert found.headers["x-next-us"] == ""
        assert "avc1" in found.headers["x-mse-type"]
        assert found.headers["cache-control"] == "no-store"
        nothing = await client.get(path, params={"at_us": 1_500_000})
        assert (nothing.status_code, nothing.content) == (204, b"")
        assert nothing.headers["x-next-us"] == "2000000"
        questions: tuple[dict[str, int], ...] = (
            {},
            {"at_us": -1},
            {"at_us": 1, "duration_us": 0},
            {"at_us": 1, "duration_us": 10**12},
        )
        for wrong in questions:
            assert (await client.get(path, params=wrong)).status_code == 422


async def test_a_download_is_an_attachment(town: Town) -> None:
    async with await town.client_as("operator") as client:
        look_id = (await client.post("/api/v1/looks", json={**PLAYBACK, "kind": "export"})).json()["id"]
        answer = await client.get(f"/api/v1/looks/{look_id}/download")
        assert answer.headers["content-disposition"] == f'attachment; filename="civiscope-{look_id}.mp4"'
        assert len(answer.content) == 3 * 65536
        assert answer.headers["x-gaps"] == "5-9 closed, 20- unreachable"
        playback = (await client.post("/api/v1/looks", json=PLAYBACK)).json()["id"]
        assert (await client.get(f"/api/v1/looks/{playback}/download")).status_code == 403


async def test_a_download_that_fails_at_once_says_why(town: Town) -> None:
    async with await town.client_as("operator") as client:
        look_id = (await client.post("/api/v1/looks", json={**PLAYBACK, "kind": "export"})).json()["id"]
        town.looks.opened[0].fault = AppError(ErrorKind.MISSING, "Nothing is recorded in this span.")
        answer = await client.get(f"/api/v1/looks/{look_id}/download")
        assert answer.status_code == 404
        assert "Nothing is recorded" in answer.json()["error"]["message"]


async def test_a_look_is_its_openers_alone(town: Town) -> None:
    async with await town.client_as("operator") as client, await town.client_as("administrator") as other:
        look_id = (await client.post("/api/v1/looks", json=PLAYBACK)).json()["id"]
        for path in (f"/api/v1/looks/{look_id}/media?at_us=1", f"/api/v1/looks/{look_id}/download"):
            assert (await other.get(path)).status_code == 404
        assert (await other.delete(f"/api/v1/looks/{look_id}")).status_code == 404
        assert [look.is_closed for look in town.looks.opened] == [False]
        assert (await client.delete(f"/api/v1/looks/{look_id}")).status_code == 204
        assert [look.is_closed for look in town.looks.opened] == [True]
        assert (await client.get(f"/api/v1/looks/{look_id}/media?at_us=1")).status_code == 404


async def test_other_sites_cannot_embed_pictures(town: Town) -> None:
    async with await town.client_as("operator") as client:
        look_id = (await client.post("/api/v1/looks", json=PLAYBACK)).json()["id"]
        for site in ("cross-site", "same-site"):
            answer = await client.get(
                f"/api/v1/looks/{look_id}/media?at_us=1", headers={"Sec-Fetch-Site": site}
            )
            assert answer.status_code == 403
