"""WHEP at the door: offers in, answers out, for the look's holder alone."""

import httpx
import pytest
from tests.api.test_looks import LIVE
from tests.api.town import Town

from civiscope.api.whep_calls import _own_address
from civiscope.base import AppError, new_id

OFFER = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
SDP = {"Content-Type": "application/sdp; charset=utf-8"}
HERE = "https://127.0.0.1"


def reach_by_address(client: httpx.AsyncClient) -> None:
    """From now on as a browser that typed an address: it is the server's end of the connection."""
    (cookie,) = client.cookies.jar
    client.base_url = HERE
    client.headers.update({"Origin": HERE, "Cookie": f"{cookie.name}={cookie.value}"})


async def test_an_offer_is_answered_and_its_viewer_is_hung_up_on(town: Town) -> None:
    async with await town.client_as("operator") as client, await town.client_as("viewer") as other:
        look_id = (await client.post("/api/v1/looks", json=LIVE)).json()["id"]
        (look,) = town.looks.opened
        reach_by_address(client)
        reach_by_address(other)
        path = f"/api/v1/looks/{look_id}/whep"
        assert (await other.post(path, content=OFFER, headers=SDP)).status_code == 404
        answer = await client.post(path, content=OFFER, headers=SDP)
        assert (answer.status_code, answer.text) == (201, "v=0 answer")
        assert answer.headers["content-type"].startswith("application/sdp")
        assert look.offers == [(OFFER, "127.0.0.1")]
        place = answer.headers["location"]
        assert place == f"{path}/{look.id}"
        assert (await client.patch(place, content=b"a=candidate", headers=SDP)).status_code == 405
        assert (await client.get(f"{place}/sent")).json() == {"rtp_timestamp": 7, "arrival_us": 9}
        assert (await other.get(f"{place}/sent")).status_code == 404
        assert (await other.delete(place)).status_code == 404
        assert (await client.delete(f"{path}/{new_id()}")).status_code == 404
        assert (await client.delete(place)).status_code == 200
        assert (await client.delete(place)).status_code == 404


async def test_only_sdp_of_bounded_length_is_an_offer(town: Town) -> None:
    async with await town.client_as("operator") as client:
        look_id = (await client.post("/api/v1/looks", json=LIVE)).json()["id"]
        path = f"/api/v1/looks/{look_id}/whep"
        assert (await client.post(path, content=OFFER, headers=SDP)).status_code == 503
        reach_by_address(client)
        for kind in ("application/json", "text/plain", ""):
            assert (await client.post(path, content=OFFER, headers={"Content-Type": kind})).status_code == 415
        assert (await client.post(path, content=b"v" * 70_000, headers=SDP)).status_code == 413
        assert (await client.post(path, content=b"\xff", headers=SDP)).status_code == 422
        without = {"X-CSRF-Token": ""}
        assert (await client.post(path, content=OFFER, headers=SDP | without)).status_code == 403
        assert town.looks.opened[0].offers == []


@pytest.mark.parametrize(
    ("host", "told"), [("::ffff:192.0.2.1", "192.0.2.1"), ("192.0.2.1", "192.0.2.1"), ("fd00::2", "fd00::2")]
)
def test_webrtc_stands_where_the_door_was_reached(host: str, told: str) -> None:
    assert _own_address(host) == told


def test_webrtc_stands_nowhere_else() -> None:
    with pytest.raises(AppError):
        _own_address("harbour.example")
