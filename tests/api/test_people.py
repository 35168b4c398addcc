"""People over HTTP: invited, given roles, signed in with phone or passkey, seen as, signed out; tokens."""

import base64

import httpx
import pytest
from tests.api.town import HOST, ORIGIN, PASSWORD, Town, set_cookie
from tests.security.authenticator import Authenticator

from civiscope.api.people_shapes import GrantBody
from civiscope.base import new_id
from civiscope.devices import CameraDraft
from civiscope.security.totp import totp_code

API = "/api/v1"
NEW = "nine blue herons stand"
STEP_US = 30_000_000


async def user_named(client: httpx.AsyncClient, name: str) -> dict[str, object]:
    found = [one for one in (await client.get(f"{API}/users")).json() if one["name"] == name]
    assert len(found) == 1
    return dict(found[0])


async def sign_in(client: httpx.AsyncClient, name: str, password: str, **more: str) -> httpx.Response:
    return await client.post(f"{API}/session", json={"name": name, "password": password, **more})


def adopt(client: httpx.AsyncClient, answer: httpx.Response) -> None:
    """As the browser does with the cookie, and the page with the CSRF token."""
    set_cookie(client, answer.headers["set-cookie"].partition("=")[2].partition(";")[0])
    client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]


async def test_somebody_is_invited_comes_and_is_shut_out(town: Town) -> None:
    async with await town.client_as("administrator") as boss, town.client() as bea:
        made = await boss.post(f"{API}/users", json={"name": "Bea", "roles": ["viewer"]})
        assert made.status_code == 201, made.text
        user, invitation = made.json()["user"], made.json()["invitation"]
        assert (user["is_invited"], user["sessions"]) == (True, 0)
        assert (await boss.post(f"{API}/users", json={"name": "bea", "roles": []})).status_code == 409
        wrong = await bea.post(f"{API}/invitations", json={"code": "AAAA", "password": NEW})
        assert wrong.status_code == 403
        came = await bea.post(f"{API}/invitations", json={"code": invitation["code"], "password": NEW})
        assert came.status_code == 201, came.text
        cookie = came.headers["set-cookie"].lower()
        for part in ("__host-civiscope=", "; secure", "; httponly", "; samesite=strict", "; path=/"):
            assert part in cookie
        adopt(bea, came)
        now = await user_named(boss, "Bea")
        assert (now["is_invited"], now["sessions"], now["roles"]) == (False, 1, ["viewer"])
        changed = await boss.patch(f"{API}/users/{user['id']}", json={"roles": ["operator"]})
        assert changed.json()["roles"] == ["operator"]
        assert "video.playback" in (await bea.get(f"{API}/session")).json()["permissions"]
        shut = await boss.patch(f"{API}/users/{user['id']}", json={"disabled": True})
        assert shut.json()["disabled_us"] == town.clock.now_us()
        assert (await bea.get(f"{API}/session")).status_code == 401
        assert (await boss.patch(f"{API}/users/{user['id']}", json={})).status_code == 422
        me = await user_named(boss, "administrator")
        lasts: list[dict[str, object]] = [{"disabled": True}, {"roles": ["viewer"]}, {"roles": []}]
        for last in lasts:
            assert (await boss.patch(f"{API}/users/{me['id']}", json=last)).status_code == 409
        assert (await boss.post(f"{API}/users/{me['id']}/invitation")).status_code == 409


async def test_a_phone_is_enrolled_and_asked_for(town: Town) -> None:
    async with await town.client_as("viewer") as client, town.client() as other:
        assert (await client.post(f"{API}/me/totp", json={"password": "wrong"})).status_code == 403
        begun = (await client.post(f"{API}/me/totp", json={"password": PASSWORD})).json()
        secret = base64.b32decode(begun["secret"].replace(" ", ""))
        assert begun["uri"].startswith("otpauth://totp/Harbour%20town:viewer?")
        step = town.clock.now_us() // STEP_US
        wrong = await client.post(f"{API}/me/totp/confirm", json={"code": totp_code(secret, step + 9)})
        assert wrong.status_code == 403
        done = await client.post(f"{API}/me/totp/confirm", json={"code": totp_code(secret, step)})
        codes = done.json()["recovery_codes"]
        assert len(codes) == 10
        told = (await client.get(f"{API}/session")).json()["second_factor"]
        assert told == {"totp": True, "passkeys": 0, "recovery_left": 10}

        needed = await sign_in(other, "viewer", PASSWORD)
        assert needed.status_code == 401
        assert needed.json()["error"]["second_factor"] == ["totp", "recovery"]
        assert "set-cookie" not in needed.headers
        plain = await sign_in(other, "viewer", "wrong")
        assert "second_factor" not in plain.json()["error"]
        assert (await sign_in(other, "viewer", PASSWORD, code="000000")).status_code == 401
        good = await sign_in(other, "viewer", PASSWORD, code=totp_code(secret, step + 1))
        assert good.status_code == 200, good.text
        again = await sign_in(other, "viewer", PASSWORD, code=totp_code(secret, step + 1))
        assert again.status_code == 401
        assert (await sign_in(other, "viewer", PASSWORD, code=codes[0].lower())).status_code == 200
        town.clock.advance(60_000_000)
        assert (await client.post(f"{API}/me/totp/remove", json={"password": PASSWORD})).status_code == 204
        assert (await sign_in(other, "viewer", PASSWORD)).status_code == 200


async def test_a_passkey_is_added_and_signs_in(town: Town) -> None:
    key = Authenticator(ORIGIN)
    async with await town.client_as("operator") as client, town.client() as other:
        assert (await client.get(f"{API}/session")).json()["passkeys_possible"] is True
        begun = (await client.post(f"{API}/me/passkeys/options", json={"password": PASSWORD})).json()
        assert begun["options"]["rp"] == {"id": HOST, "name": "Harbour town"}
        body = {"ticket": begun["ticket"], "name": "Phone", "credential": key.create(begun["options"])}
        added = await client.post(f"{API}/me/passkeys", json=body)
        assert added.status_code == 201, added.text
        assert (await client.post(f"{API}/me/passkeys", json=body)).status_code == 403

        asked = (await other.post(f"{API}/session/passkey/options", json={})).json()
        answer = {"ticket": asked["ticket"], "credential": key.get(asked["options"])}
        came = await other.post(f"{API}/session/passkey", json=answer)
        assert came.status_code == 200, came.text
        assert came.json()["principal"]["name"] == "operator"
        assert came.json()["second_factor"]["passkeys"] == 1
        assert (await other.post(f"{API}/session/passkey", json=answer)).status_code == 403
        (listed,) = (await client.get(f"{API}/me/passkeys")).json()
        assert (listed["name"], listed["used_us"]) == ("Phone", town.clock.now_us())
        assert (await client.delete(f"{API}/me/passkeys/{listed['id']}")).status_code == 204
        assert (await client.get(f"{API}/me/passkeys")).json() == []


async def test_under_an_address_there_are_no_passkeys(town: Town) -> None:
    by_address = {"Host": "127.0.0.1", "Origin": "https://127.0.0.1"}
    async with await town.client_as("operator") as client:
        client.cookies.set(
            "__Host-civiscope", client.cookies["__Host-civiscope"], domain="127.0.0.1", path="/"
        )
        cookie = {"Cookie": f"__Host-civiscope={next(iter(client.cookies.jar)).value}"}
        told = await client.get(f"{API}/session", headers=by_address | cookie)
        assert told.json()["passkeys_possible"] is False
        refused = await client.post(f"{API}/session/passkey/options", json={}, headers=by_address)
        assert refused.status_code == 503
        assert "host name" in refused.json()["error"]["message"]


async def test_roles_on_a_camera_are_given_seen_as_and_taken_back(town: Town) -> None:
    pier = await town.faces.devices.add_camera(CameraDraft("Pier", "rtsp://192.0.2.1/a"))
    await town.faces.devices.add_camera(CameraDraft("Gate", "rtsp://192.0.2.2/a"))
    channel = str(pier.channel_id)
    async with await town.client_as("administrator") as boss, await town.client_as("dpo") as officer:
        made = (await boss.post(f"{API}/users", json={"name": "Bea", "roles": []})).json()["user"]
        path = f"{API}/users/{made['id']}"
        profile = {
            "name": "Always",
            "spans": [{"weekday": d, "from_minute": 0, "to_minute": 1440} for d in range(7)],
        }
        body = {"role": "viewer", "channel_id": channel, "profile": profile}
        assert GrantBody.model_validate_json(boss.build_request("POST", "/", json=body).content)
        given = await boss.post(f"{path}/grants", json=body)
        assert given.status_code == 201, given.text
        assert (given.json()["profile"], given.json()["granted_by"]) == (profile, "administrator")
        for unknown in ({"channel_id": str(new_id())}, {"group_id": str(new_id())}):
            answer = await boss.post(f"{path}/grants", json={"role": "viewer", **unknown})
            assert answer.status_code == 404
        past = {"role": "viewer", "until_us": 5}
        assert (await boss.post(f"{path}/grants", json=past)).status_code == 422

        sight = (await officer.get(f"{path}/sight")).json()
        assert sight["principal"]["name"] == "Bea"
        allowed = ["channel.list", "video.live", "event.read"]
        assert sight["permissions"] == allowed
        (seen,) = sight["channels"]
        assert (seen["id"], seen["permissions"]) == (channel, allowed)
        assert seen["functions_by_purpose"] == {"public_safety": ["live"]}
        assert sight["pages"] == ["live", "devices"]
        assert [one["id"] for one in (await officer.get(f"{path}/grants")).json()] == [given.json()["id"]]
        assert (await officer.delete(f"{path}/grants/{given.json()['id']}")).status_code == 403
        assert (await boss.delete(f"{path}/grants/{given.json()['id']}")).status_code == 204
        assert (await officer.get(f"{path}/sight")).json()["channels"] == []
        permissions = (await officer.get(f"{API}/permissions")).json()
        assert {one["permission"] for one in permissions if one["per_channel"]} >= {"video.live"}


async def test_seeing_as_an_officer_shows_no_picture(town: Town) -> None:
    await town.faces.devices.add_camera(CameraDraft("Pier", "rtsp://192.0.2.1/a"))
    async with await town.client_as("dpo") as officer:
        own = await user_named(officer, "dpo")
        boss = await user_named(officer, "administrator")
        mine = (await officer.get(f"{API}/users/{own['id']}/sight")).json()
        assert mine["channels"][0]["functions_by_purpose"] == {}
        assert "audit" in mine["pages"]
        theirs = (await officer.get(f"{API}/users/{boss['id']}/sight")).json()
        found = theirs["channels"][0]["functions_by_purpose"]
        assert set(found) == {"public_safety", "installation"}
        assert found["installation"] == ["live", "playback"]


async def test_sessions_are_seen_and_ended_by_their_owner_and_by_administrators(town: Town) -> None:
    async with (
        await town.client_as("viewer") as desk,
        await town.client_as("viewer") as phone,
        await town.client_as("administrator") as boss,
    ):
        listed = (await desk.get(f"{API}/me/sessions")).json()
        assert len(listed) == 2
        assert [one["is_this"] for one in listed].count(True) == 1
        other = next(one for one in listed if not one["is_this"])
        assert (await desk.delete(f"{API}/me/sessions/{other['id']}")).status_code == 204
        assert (await phone.get(f"{API}/session")).status_code == 401
        viewer = await user_named(boss, "viewer")
        path = f"{API}/users/{viewer['id']}/sessions"
        (left,) = (await boss.get(path)).json()
        assert (await boss.delete(f"{path}/{left['id']}")).status_code == 204
        assert (await desk.get(f"{API}/session")).status_code == 401
        assert (await boss.delete(f"{path}/{left['id']}")).status_code == 404


async def test_a_new_password_ends_the_other_sessions(town: Town) -> None:
    async with await town.client_as("viewer") as desk, await town.client_as("viewer") as phone:
        wrong = await desk.post(f"{API}/me/password", json={"old": "wrong", "new": NEW})
        assert wrong.status_code == 403
        done = await desk.post(f"{API}/me/password", json={"old": PASSWORD, "new": NEW})
        assert done.status_code == 204, done.text
        assert (await phone.get(f"{API}/session")).status_code == 401
        assert (await desk.get(f"{API}/session")).status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_a_program_comes_with_a_token(town: Town, scheme: str) -> None:
    pier = await town.faces.devices.add_camera(CameraDraft("Pier", "rtsp://192.0.2.1/a"))
    await town.faces.devices.add_camera(CameraDraft("Gate", "rtsp://192.0.2.2/a"))
    async with await town.client_as("administrator") as boss, town.client() as program:
        body = {
            "name": "Wall",
            "permissions": ["channel.list", "video.live", "camera.edit"],
            "channel_ids": [str(pier.channel_id)],
            "expires_us": town.clock.now_us() + 10**12,
        }
        made = (await boss.post(f"{API}/tokens", json=body)).json()
        assert made["token"].startswith("cvt_")
        program.headers["Authorization"] = f"{scheme} {made['token']}"
        del program.headers["Origin"]
        listed = (await program.get(f"{API}/channels")).json()
        assert [one["name"] for one in listed] == ["Pier"]
        renamed = await program.patch(f"{API}/cameras/{pier.channel_id}", json={"name": "Mole"})
        assert renamed.status_code == 200, renamed.text
        assert "set-cookie" not in renamed.headers
        entry = (await town.faces.audit.entries(1))[0]
        assert (entry.who, entry.what) == ("token Wall of administrator", "camera.edit")
        for path in ("/session", "/me/sessions", "/me/passkeys", "/tokens"):
            refused = await program.get(API + path)
            assert refused.status_code == 403, path
            assert "not for tokens" in refused.json()["error"]["message"]
        (kept,) = (await boss.get(f"{API}/tokens")).json()
        assert "token" not in kept
        assert kept["used_us"] == town.clock.now_us()
        assert (await boss.delete(f"{API}/tokens/{made['id']}")).status_code == 204
        assert (await program.get(f"{API}/channels")).status_code == 401


async def test_a_token_beside_a_cookie_counts_alone(town: Town) -> None:
    """A cookie that rides along gives a program nothing, and a bad token is not mended by one."""
    async with await town.client_as("administrator") as boss:
        answer = await boss.get(f"{API}/users", headers={"Authorization": "Bearer cvt_nonsense"})
        assert answer.status_code == 401
        answer = await boss.get(f"{API}/users", headers={"Authorization": "Basic YTpi"})
        assert answer.status_code == 200
