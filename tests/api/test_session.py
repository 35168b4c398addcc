"""Signing in and out, the first administrator, and cookies that nobody can plant or read."""

from tests.api.town import ORIGIN, PASSWORD, Town, set_cookie

from civiscope.base import ErrorKind, new_id


async def test_the_first_administrator_is_made_once_with_the_code(fresh_town: Town) -> None:
    async with fresh_town.client() as client:
        assert (await client.get("/api/v1/setup")).json() == {"needed": True, "site_name": "Harbour town"}
        code = (await fresh_town.faces.accounts.issue_setup_code()).code.reveal()
        body = {"code": "wrong-code", "name": "Ada", "password": PASSWORD}
        wrong = await client.post("/api/v1/setup", json=body)
        assert wrong.status_code == 403
        assert "set-cookie" not in wrong.headers
        made = await client.post("/api/v1/setup", json={**body, "code": code})
        assert made.status_code == 201, made.text
        assert made.json()["principal"]["roles"] == ["administrator"]
        assert (await client.get("/api/v1/setup")).json()["needed"] is False
        again = await client.post("/api/v1/setup", json={**body, "code": code})
        assert again.status_code == 409
        assert (await client.get("/api/v1/session")).status_code == 200


async def test_a_session_tells_what_a_page_needs(town: Town) -> None:
    async with await town.client_as("operator") as client:
        told = (await client.get("/api/v1/session")).json()
        assert told["principal"]["name"] == "operator"
        assert "video.live" in told["permissions"]
        assert "camera.add" not in told["permissions"]
        assert told["site"]["name"] == "Harbour town"
        assert told["site"]["time_zone"] == "Europe/Sofia"
        assert {purpose["id"] for purpose in told["purposes"]} >= {"public_safety"}
        assert told["server_time_us"] == town.clock.now_us()
        assert told["csrf_token"] == client.headers["X-CSRF-Token"]


async def test_the_cookie_is_for_this_site_only(town: Town) -> None:
    async with town.client() as client:
        answer = await client.post("/api/v1/session", json={"name": "viewer", "password": PASSWORD})
        cookie = answer.headers["set-cookie"].lower()
        assert cookie.startswith("__host-civiscope=")
        for part in ("; secure", "; httponly", "; samesite=strict", "; path=/"):
            assert part in cookie
        assert "domain" not in cookie
        assert answer.headers["cache-control"] == "no-store"


async def test_wrong_names_and_passwords_are_told_the_same(town: Town) -> None:
    async with town.client() as client:
        told = {
            (answer.status_code, answer.text)
            for body in (
                {"name": "viewer", "password": "not my password"},
                {"name": "nobody", "password": PASSWORD},
                {"name": "", "password": ""},
            )
            for answer in [await client.post("/api/v1/session", json=body)]
        }
        assert len(told) == 1
        status, text = told.pop()
        assert status == 401
        assert ErrorKind.UNAUTHENTICATED.value in text


async def test_too_many_attempts_are_told_to_wait(town: Town) -> None:
    async with town.client() as client:
        for _ in range(30):
            answer = await client.post("/api/v1/session", json={"name": "viewer", "password": "wrong"})
            if answer.status_code == 429:
                break
        assert answer.status_code == 429
        assert answer.json()["error"]["retry_after_s"] >= 1
        assert int(answer.headers["retry-after"]) >= 1


async def test_signing_out_ends_the_session_and_takes_the_cookie(town: Town) -> None:
    async with await town.client_as("viewer") as client:
        token = client.cookies["__Host-civiscope"]
        answer = await client.delete("/api/v1/session")
        assert answer.status_code == 204
        assert "max-age=0" in answer.headers["set-cookie"].lower()
        set_cookie(client, token)
        assert (await client.get("/api/v1/session")).status_code == 401


async def test_a_planted_cookie_is_never_adopted(town: Town) -> None:
    async with town.client() as client:
        set_cookie(client, "planted-by-somebody-else")
        answer = await client.post("/api/v1/session", json={"name": "viewer", "password": PASSWORD})
        assert answer.status_code == 200
        assert "planted" not in answer.headers["set-cookie"]


async def test_signing_in_ends_the_session_the_browser_held(town: Town) -> None:
    async with await town.client_as("operator") as client:
        planted = client.cookies["__Host-civiscope"]
        answer = await client.post("/api/v1/session", json={"name": "viewer", "password": PASSWORD})
        assert answer.json()["principal"]["name"] == "viewer"
        async with town.client() as other:
            set_cookie(other, planted)
            assert (await other.get("/api/v1/session")).status_code == 401


async def test_a_failed_sign_in_leaves_the_session_alone(town: Town) -> None:
    async with await town.client_as("operator") as client:
        answer = await client.post("/api/v1/session", json={"name": "viewer", "password": "wrong"})
        assert answer.status_code == 401
        assert (await client.get("/api/v1/session")).json()["principal"]["name"] == "operator"


async def test_absurd_cookies_are_no_session(town: Town) -> None:
    async with town.client() as client:
        for value in ("", "x" * 5000, "\x7f", "a b", '"'):
            answer = await client.get(
                "/api/v1/session", headers={"Cookie": f"__Host-civiscope={value}", "Origin": ORIGIN}
            )
            assert answer.status_code == 401


async def test_signing_out_ends_what_is_looked_at(town: Town) -> None:
    async with await town.client_as("operator") as client:
        wish = {
            "channel_id": str(new_id()),
            "purpose": "public_safety",
            "kind": "live",
            "presentation": "raw",
        }
        assert (await client.post("/api/v1/looks", json=wish)).status_code == 201
        assert (await client.delete("/api/v1/session")).status_code == 204
        assert town.looks.opened[0].is_closed
