"""Every wrong answer on demand, seen from outside; and that the device is well again afterwards."""

import asyncio
import ssl
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.simulator.onvif.asker import Asker, Reply, envelope, post
from tests.simulator.onvif.conftest import ADMIN, JPEG, MakeDevice

from civiscope.base import ProtocolError
from civiscope.simulator import BodyFault, OnvifFaults, OnvifServer, server_tls
from civiscope.simulator.onvif.soap import parse_xml

TIME = "<tds:GetSystemDateAndTime/>"
URI = "<trt:GetStreamUri><trt:ProfileToken>main</trt:ProfileToken></trt:GetStreamUri>"


async def asked(server: OnvifServer, faults: OnvifFaults, body: str = TIME, service: str = "") -> Reply:
    server.device("Pier").faults = faults
    asker = Asker(server.url("Pier"), ADMIN)
    reply = await asker.ask(body, service)
    server.device("Pier").faults = OnvifFaults()
    assert (await asker.ask(TIME)).status == 200, "well again"
    return reply


async def test_addresses_lie(pier: OnvifServer) -> None:
    reply = await asked(pier, OnvifFaults(xaddr_host="0.0.0.0"), "<tds:GetServices/>")
    assert {urlsplit(one).hostname for one in reply.texts("tds:XAddr")} == {"0.0.0.0"}
    reply = await asked(
        pier, OnvifFaults(stream_host="192.0.2.9", stream_has_user_info=True), URI, "media_service"
    )
    found = urlsplit(reply.texts("tt:Uri")[0])
    assert (found.hostname, found.username, found.password) == ("192.0.2.9", ADMIN.username, ADMIN.password)
    snapshot = URI.replace("GetStreamUri", "GetSnapshotUri")
    reply = await asked(pier, OnvifFaults(snapshot_host="192.0.2.8"), snapshot, "media_service")
    assert urlsplit(reply.texts("tt:Uri")[0]).hostname == "192.0.2.8"


async def test_http_goes_wrong(pier: OnvifServer) -> None:
    assert (await asked(pier, OnvifFaults(status=500))).status == 500
    reply = await asked(pier, OnvifFaults(redirects_to="http://192.0.2.1/elsewhere"))
    assert (reply.status, reply.fields["location"]) == (307, "http://192.0.2.1/elsewhere")
    reply = await asked(pier, OnvifFaults(content_type="text/plain"))
    assert (reply.fields["content-type"], reply.told.tag.rpartition("}")[2]) == (
        "text/plain",
        "GetSystemDateAndTimeResponse",
    )
    with pytest.raises(asyncio.IncompleteReadError):
        await asked(pier, OnvifFaults(closes=True))


@pytest.mark.parametrize(
    "fault",
    [BodyFault.HTML, BodyFault.EMPTY, BodyFault.TRUNCATED, BodyFault.BILLION_LAUGHS, BodyFault.GARBAGE],
)
async def test_bodies_that_are_no_soap(pier: OnvifServer, fault: BodyFault) -> None:
    reply = await asked(pier, OnvifFaults(body=fault))
    assert reply.status == 200
    began = time.monotonic()
    with pytest.raises(ProtocolError):
        parse_xml(reply.body)
    assert time.monotonic() - began < 1
    assert len(reply.body) < 4096


async def test_a_body_of_ten_mebibytes(pier: OnvifServer) -> None:
    reply = await asked(pier, OnvifFaults(body=BodyFault.HUGE))
    assert len(reply.body) >= 10 << 20
    assert reply.told.tag.endswith("GetSystemDateAndTimeResponse")


async def test_a_body_that_is_cut_and_one_that_drips(pier: OnvifServer) -> None:
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await asked(pier, OnvifFaults(body=BodyFault.CUT))
    assert len(caught.value.partial) > 100
    pier.device("Pier").faults = OnvifFaults(body=BodyFault.DRIP)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.8):
            await Asker(pier.url("Pier")).ask(TIME)


async def test_it_hangs_and_other_connections_do_not(pier: OnvifServer) -> None:
    pier.device("Pier").faults = OnvifFaults(hangs=True, only=frozenset({"GetHostname"}))
    hanging = asyncio.create_task(Asker(pier.url("Pier")).ask("<tds:GetHostname/>"))
    assert (await Asker(pier.url("Pier")).ask(TIME)).status == 200
    await asyncio.sleep(0)
    assert not hanging.done()
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)


async def test_parts_are_missing(pier: OnvifServer) -> None:
    reply = await asked(pier, OnvifFaults(omits=frozenset({"UTCDateTime"})))
    assert reply.texts("tt:UTCDateTime") == []
    assert reply.texts("tt:LocalDateTime")


@pytest.mark.parametrize("days", [1, -365])
async def test_the_clock_is_off(pier: OnvifServer, days: int) -> None:
    pier.device("Pier").faults = OnvifFaults(clock_offset_us=days * 86_400_000_000)
    reply = await Asker(pier.url("Pier")).ask(TIME)
    wanted = time.gmtime(time.time() + days * 86_400)
    assert reply.texts("tt:Day")[0] in {str(wanted.tm_mday), str(wanted.tm_mday + 1)}
    assert reply.texts("tt:Year")[0] == str(wanted.tm_year)


async def test_one_operation_is_refused(pier: OnvifServer) -> None:
    faults = OnvifFaults(soap_faults={"GetStreamUri": "ter:ActionNotSupported"})
    assert (await asked(pier, faults, URI, "media_service")).subcodes == ["ter:ActionNotSupported"]


async def test_media2_is_announced_and_broken(pier: OnvifServer) -> None:
    pier.device("Pier").faults = OnvifFaults(media2_is_broken=True)
    asker = Asker(pier.url("Pier"), ADMIN)
    assert any("media2" in one for one in (await asker.ask("<tds:GetServices/>")).texts("tds:XAddr"))
    assert (await asker.ask("<tr2:GetProfiles/>", "media2_service")).status == 500
    assert (await asker.ask("<trt:GetProfiles/>", "media_service")).status == 200


async def test_a_self_signed_certificate(make_device: MakeDevice, self_signed: tuple[Path, Path]) -> None:
    tls = server_tls(*self_signed)
    async with OnvifServer([make_device("Pier")], tls=tls) as server:
        assert server.url("Pier").startswith("https://")
        with pytest.raises(ssl.SSLCertVerificationError):
            await Asker(server.url("Pier"), tls=ssl.create_default_context()).ask(TIME)
        trusting = ssl.create_default_context(cafile=str(self_signed[0]))
        trusting.check_hostname = False
        reply = await Asker(server.url("Pier"), tls=trusting).ask("<tds:GetServices/>")
        assert all(one.startswith("https://127.0.0.1") for one in reply.texts("tds:XAddr"))


async def test_http_is_kept_to(pier: OnvifServer) -> None:
    parts = urlsplit(pier.url("Pier"))

    async def raw(data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(data)
        writer.write_eof()
        try:
            async with asyncio.timeout(5):
                return await reader.read()
        finally:
            writer.close()

    body = envelope(TIME)
    twice = await raw(post(pier.url("Pier"), body) * 2)
    assert twice.count(b"HTTP/1.1 200 OK") == 2, "one connection, two answers"
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    chunked = (
        f"POST {parts.path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n".encode()
    )
    assert (await raw(chunked + chunks)).startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
    refused = {
        b"GET / HTTP/1.1\r\n\r\n": b"404",
        f"GET {parts.path} HTTP/1.1\r\n\r\n".encode(): b"405",
        b"NONSENSE\r\n\r\n": b"400",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 20_000 + b"\r\n\r\n": b"400",
        f"POST {parts.path} HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n".encode(): b"413",
        f"POST {parts.path} HTTP/1.1\r\nContent-Length: -1\r\n\r\n".encode(): b"400",
        f"POST {parts.path} HTTP/1.1\r\nContent-Length: 4\r\n\r\n<a/>".encode(): b"400",
        b"": b"",
    }
    for data, status in refused.items():
        assert (await raw(data))[9:12] == status, data[:60]


async def test_a_snapshot_needs_the_password(pier: OnvifServer) -> None:
    parts = urlsplit(pier.url("Pier").replace("device_service", "snapshot/main"))
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(f"GET {parts.path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 401")
    assert JPEG not in answer
