"""Run in a network namespace of its own (`unshare --net`), where everything leads to one wire that we read.

Every address is routed to loopback, so a connection to anywhere becomes a packet that is seen here, name
look-ups included. Prints, as JSON, every destination that the product sent something to.
"""

import ctypes
import fcntl
import ipaddress
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
from pathlib import Path

from tests.product import Desk, Product, wait_for

_SIOCSIFFLAGS = 0x8914
_SIOCADDRT = 0x890B
_IFF_UP_LOOPBACK_MULTICAST = 0x1 | 0x8 | 0x40 | 0x1000
_RTF_UP = 1
_ETH_P_ALL = 3
_NAME_SERVER = "192.0.2.53"
_WHEP_OFFER = "\r\n".join(
    (
        "v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0",
        "m=video 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=recvonly", "a=mid:0", "a=rtcp-mux",
        "a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1;profile-level-id=42e01f",
        "a=candidate:1 1 udp 2130706431 203.0.113.9 40000 typ host",
        "a=candidate:2 1 udp 2130706430 0f1e2d3c-aaaa-bbbb-cccc-000000000000.local 40001 typ host",
        "a=end-of-candidates", "a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuvwx",
        "a=fingerprint:sha-256 " + ":".join(["AA"] * 32), "a=setup:actpass", "",
    )
)  # fmt: skip
"""Of a WebRTC viewer who names a stranger's address and a name that only multicast could tell."""


def lead_everything_here() -> None:
    """Loopback up, and the default route of IPv4 and IPv6 through it (route(8), rtnetlink's older ioctls)."""
    with socket.socket() as four, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as six:
        fcntl.ioctl(four, _SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", _IFF_UP_LOOPBACK_MULTICAST, b""))
        anywhere = struct.pack("HH4s8s", socket.AF_INET, 0, bytes(4), b"")
        device = ctypes.create_string_buffer(b"lo")
        route = struct.pack(
            "L16s16s16sHhLPhxxxxxxPLLH6x",
            *(0, anywhere, anywhere, anywhere, _RTF_UP, 0, 0, 0, 0, ctypes.addressof(device), 0, 0, 0),
        )
        fcntl.ioctl(four, _SIOCADDRT, route)
        index = socket.if_nametoindex("lo")
        route = struct.pack("16s16s16sIHHI4xLIi", *([bytes(16)] * 3), 0, 0, 0, 1, 0, _RTF_UP, index)
        fcntl.ioctl(six, _SIOCADDRT, route)


class Wire(threading.Thread):
    """Reads every packet; keeps where each was going."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(_ETH_P_ALL))
        self._tap.bind(("lo", 0))
        self.seen: set[tuple[str, int]] = set()

    def run(self) -> None:
        while True:
            packet = self._tap.recv(256)[14:]
            kind = packet[0] >> 4
            if kind == 4 and len(packet) >= 24:
                start = (packet[0] & 15) * 4
                self._keep(packet[16:20], packet[9], packet[start : start + 4])
            elif kind == 6 and len(packet) >= 44:
                self._keep(packet[24:40], packet[6], packet[40:44])

    def _keep(self, destination: bytes, protocol: int, ports: bytes) -> None:
        port = int.from_bytes(ports[2:4]) if protocol in {6, 17} else 0
        self.seen.add((str(ipaddress.ip_address(destination)), port))

    def outside(self) -> list[tuple[str, int]]:
        """Destinations that are not this machine's loopback."""
        return sorted(one for one in self.seen if not ipaddress.ip_address(one[0]).is_loopback)


def _test_target(desk: Desk, url: str) -> bool:
    """Configure a webhook and send a test message; whether it was taken."""
    body = {"name": url, "notifier": "webhook", "settings": {"url": url}}
    made = desk.client.post("/api/v1/targets", json=body)
    assert made.status_code == 201, made.text
    return bool(desk.client.post(f"/api/v1/targets/{made.json()['id']}/test").json()["ok"])


def main() -> None:
    """`python -m tests.flows.egress_watch HOME`."""
    lead_everything_here()
    wire = Wire()
    wire.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as canary:
        canary.sendto(b"seen?", (_NAME_SERVER, 53))
    wait_for("the wire to show a packet", lambda: (_NAME_SERVER, 53) in wire.seen)
    wire.seen.clear()
    home = Path(sys.argv[1])
    product = Product(home, environment={"CIVISCOPE_DEVICES_LOOPBACK": "no"})
    told: dict[str, object] = {}
    try:
        product.start("--simulate")
        desk = product.administrator()
        wait_for(
            "all simulated cameras",
            lambda: (
                len(desk.channels()) >= 4
                and all(one["state"] == "recording" for one in desk.channels().values())
            ),
            limit_s=60,
        )
        shown = [one for one in desk.channels().values() if one["streams"][0]["codec"] == "h264"]
        look = desk.look(shown[0]["id"], "live")
        whep = desk.client.post(
            f"/api/v1/looks/{look['id']}/whep",
            content=_WHEP_OFFER,
            headers={"Content-Type": "application/sdp"},
        )
        told["whep"] = whep.status_code
        time.sleep(0.5)
        desk.client.delete(f"/api/v1/looks/{look['id']}")
        for path in ("/settings", "/status", "/audit", "/authority"):
            desk.get(path)
        time.sleep(5.0)
        told["quiet"] = wire.outside()
        for address in ("rtsp://203.0.113.7/s", "http://203.0.113.8/video", "rtsp://127.0.0.1:22/s"):
            desk.client.post("/api/v1/cameras/probe", json={"address": address})
        told["refused"] = wire.outside()
        os.kill(product.pids()["recorder"], signal.SIGKILL)
        wait_for(
            "recording again",
            lambda: all(one["state"] == "recording" for one in desk.channels().values()),
            limit_s=30,
        )
        told["after"] = wire.outside()
        answer = desk.client.post("/api/v1/cameras/probe", json={"address": "rtsp://10.11.12.13:8554/s"})
        told["allowed"] = [answer.status_code, wire.outside()]
        told["inside"] = [_test_target(desk, "https://10.11.12.14:9443/"), wire.outside()]
        told["target"] = [_test_target(desk, "https://93.184.216.34:9443/"), wire.outside()]
    finally:
        product.destroy()
    told["end"] = wire.outside()
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
