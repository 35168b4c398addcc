"""Who may ask: tokens by the device's own clock, used once; Digest; levels; users that change."""

from datetime import timedelta

import pytest
from tests.simulator.onvif.asker import Asker, envelope, post, send, token_header
from tests.simulator.onvif.conftest import ADMIN, OPERATOR, VIEWER
from tests.simulator.viewer import Viewer, settings_for

from civiscope.media.wire import Credentials, EndReason
from civiscope.simulator import OnvifFaults, OnvifServer

INFORMATION = "<tds:GetDeviceInformation/>"
PULL = "<tev:CreatePullPointSubscription/>"
MOVE = (
    "<tptz:ContinuousMove><tptz:ProfileToken>main</tptz:ProfileToken>"
    '<tptz:Velocity><tt:PanTilt x="1" y="0"/></tptz:Velocity></tptz:ContinuousMove>'
)


@pytest.mark.parametrize(
    "operation",
    ["GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetHostname", "GetServiceCapabilities"],
)
async def test_some_questions_need_no_login(pier: OnvifServer, operation: str) -> None:
    assert (await Asker(pier.url("Pier")).ask(f"<tds:{operation}/>")).status == 200


async def test_without_a_login_there_is_a_challenge(pier: OnvifServer) -> None:
    reply = await Asker(pier.url("Pier")).ask(INFORMATION)
    assert reply.status == 401
    assert reply.fields["www-authenticate"].startswith("Digest ")
    assert reply.subcodes == ["ter:NotAuthorized"]


@pytest.mark.parametrize("ahead_s", [-600, -310, 310, 86_400])
async def test_a_token_of_another_time_is_refused(pier: OnvifServer, ahead_s: int) -> None:
    asker = Asker(pier.url("Pier"))
    ahead = timedelta(seconds=ahead_s)
    reply = await asker.ask(INFORMATION, header=token_header(ADMIN, ahead))
    assert (reply.status, reply.subcodes) == (400, ["ter:NotAuthorized"])
    pier.device("Pier").clock_offset_us = ahead_s * 1_000_000
    assert (
        await asker.ask(INFORMATION, header=token_header(ADMIN, timedelta(seconds=ahead_s)))
    ).status == 200


async def test_a_token_counts_once(pier: OnvifServer) -> None:
    asker, header = Asker(pier.url("Pier")), token_header(ADMIN)
    assert (await asker.ask(INFORMATION, header=header)).status == 200
    assert (await asker.ask(INFORMATION, header=header)).status == 400


async def test_a_password_in_clear_is_refused(pier: OnvifServer) -> None:
    clear = token_header(ADMIN).replace("#PasswordDigest", "#PasswordText")
    assert (await Asker(pier.url("Pier")).ask(INFORMATION, header=clear)).status == 400


async def test_digest_proves_and_is_not_proved_twice(pier: OnvifServer) -> None:
    url = pier.url("Pier")
    refused, right, line = await Asker(url).by_digest(INFORMATION, ADMIN)
    assert (refused.status, right.status) == (401, 200)
    assert (await send(url, post(url, envelope(INFORMATION), line))).status == 401
    _, wrong, _ = await Asker(url).by_digest(INFORMATION, Credentials("admin", "guess"))
    assert wrong.status == 401


@pytest.mark.parametrize(
    ("user", "allowed"),
    [
        (ADMIN, {"read", "pull", "move", "users"}),
        (OPERATOR, {"read", "pull", "move"}),
        (VIEWER, {"read", "pull"}),
    ],
)
async def test_levels_are_enforced(pier: OnvifServer, user: Credentials, allowed: set[str]) -> None:
    asker = Asker(pier.url("Pier"), user)
    asked = {
        "read": (INFORMATION, "device_service"),
        "pull": (PULL, "events_service"),
        "move": (MOVE, "ptz_service"),
        "users": ("<tds:GetUsers/>", "device_service"),
    }
    got = {name: (await asker.ask(body, service)).status for name, (body, service) in asked.items()}
    assert {name for name, status in got.items() if status == 200} == allowed
    assert set(got.values()) <= {200, 400}


async def test_login_can_be_refused_for_everybody(pier: OnvifServer) -> None:
    pier.device("Pier").faults = OnvifFaults(refuses_login=True)
    assert (await Asker(pier.url("Pier"), ADMIN).ask(INFORMATION)).status == 400


def user_xml(name: str, password: str, level: str) -> str:
    secret = f"<tt:Password>{password}</tt:Password>" if password else ""
    level_xml = f"<tt:UserLevel>{level}</tt:UserLevel>"
    return f"<tds:User><tt:Username>{name}</tt:Username>{secret}{level_xml}</tds:User>"


async def test_users_are_made_changed_and_deleted_for_streams_too(pier: OnvifServer) -> None:
    asker = Asker(pier.url("Pier"), ADMIN)
    made = user_xml("civiscope", "n3w-secret", "Operator")
    assert (await asker.ask(f"<tds:CreateUsers>{made}</tds:CreateUsers>")).status == 200
    clash = await asker.ask(f"<tds:CreateUsers>{made}</tds:CreateUsers>")
    assert clash.subcodes == ["ter:OperationProhibited", "ter:UsernameClash"]
    new = Credentials("civiscope", "n3w-secret")
    assert (await Asker(pier.url("Pier"), new).ask(INFORMATION)).status == 200
    url = pier.streams.url("pier-sub")
    async with Viewer(settings_for(url, credentials=new)) as viewer:
        await viewer.until(lambda: bool(viewer.tracks) and bool(viewer.tracks[0].units))
    changed = user_xml("civiscope", "another-1", "User")
    assert (await asker.ask(f"<tds:SetUser>{changed}</tds:SetUser>")).status == 200
    assert (await Asker(pier.url("Pier"), new).ask(INFORMATION)).status == 400
    async with Viewer(settings_for(url, credentials=new)) as viewer:
        await viewer.until(lambda: viewer.end is not None)
        assert viewer.end is not None
        assert viewer.end.reason is EndReason.AUTHENTICATION
    users = await asker.ask("<tds:GetUsers/>")
    assert users.texts("tt:Username") == ["admin", "operator", "viewer", "civiscope"]
    assert b"another-1" not in users.body
    gone = "<tds:DeleteUsers><tds:Username>civiscope</tds:Username></tds:DeleteUsers>"
    assert (await asker.ask(gone)).status == 200
    last = await asker.ask("<tds:DeleteUsers><tds:Username>admin</tds:Username></tds:DeleteUsers>")
    assert last.subcodes == ["ter:OperationProhibited", "ter:FixedUser"]
