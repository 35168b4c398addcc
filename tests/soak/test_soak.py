"""Sixteen cameras while processes are killed at random: what is lost, how long they are away, what it costs.

`SOAK_S` sets the seconds (120); the kills follow a fixed seed. Prints a table.
"""

import os
import random
import ssl
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.flows.conftest import make_clip
from tests.flows.test_recorded_equals_sent import assert_is_a_run_of, recorded, sent_bytes
from tests.product import Cameras, Desk, Product, resident_bytes, wait_for
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin

from civiscope.media import TrackKind

SECONDS = float(os.environ.get("SOAK_S", "120"))
CAMERAS = 16
SEED = 1871
LOST_LIMIT_US = 1_300_000
"""A part is cut every 0.9 s; the rest is the time to write and sync it."""
AWAY_LIMIT_S = float(os.environ.get("SOAK_AWAY_S", "10"))
"""3 s on a machine of its own; the table prints the real figures."""
GROWTH_LIMIT_BYTES = 80 << 20
ROLES = ("recorder", "server", "analyst", "worker", "driver")

pytestmark = [pytest.mark.soak, pytest.mark.timeout(SECONDS + 240)]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four small streets, each on four mounts."""
    folder = tmp_path_factory.mktemp("clips")
    drawn = [make_clip(folder / f"street{seed}.mp4", seed) for seed in range(4)]
    for number in range(CAMERAS - len(drawn)):
        copy = folder / f"copy{number}.mp4"
        copy.write_bytes(drawn[number % 4].read_bytes())
        drawn.append(copy)
    return drawn


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product, healthy."""
    running = Product(tmp_path_factory.mktemp("town") / "home")
    try:
        yield running.start()
    finally:
        running.destroy()


@dataclass
class Watchers:
    """One person who watches live and one who plays back, each in a thread; they come back by themselves."""

    product: Product
    desk: Desk
    channel_id: str
    began_us: int
    stopping: threading.Event = field(default_factory=threading.Event)
    counts: Counter[str] = field(default_factory=Counter)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Both begin."""
        self.threads = [
            threading.Thread(target=self._repeat, args=(work,)) for work in (self.live, self.play)
        ]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Both end."""
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)

    def _repeat(self, work: Any) -> None:
        while not self.stopping.is_set():
            try:
                work()
            except (httpx.HTTPError, WebSocketException, OSError, AssertionError, EOFError) as error:
                self.counts[f"{work.__name__} interrupted"] += 1
                self.counts[type(error).__name__] += 1
                self.stopping.wait(0.3)

    def live(self) -> None:
        """Live pictures until the connection ends."""
        look = self.desk.look(self.channel_id, "live")
        cookie = "; ".join(f"{name}={value}" for name, value in self.desk.client.cookies.items())
        address = f"wss://localhost:{self.product.port}/api/v1/looks/{look['id']}/live"
        context: ssl.SSLContext = self.product.trust()
        with connect(
            address,
            ssl=context,
            origin=Origin(self.product.url),
            additional_headers={"Cookie": cookie},
            open_timeout=10,
        ) as socket:
            while not self.stopping.is_set():
                message = socket.recv(timeout=15)
                if message and message[0] == 2:
                    self.counts["live pictures"] += 1

    def play(self) -> None:
        """Two seconds after two seconds, from the beginning on."""
        now_us = self.desk.get("/session")["server_time_us"]
        look = self.desk.look(self.channel_id, "playback", (self.began_us, now_us))
        at_us = self.began_us
        while not self.stopping.is_set() and at_us < now_us - 2_000_000:
            answer = self.desk.client.get(
                f"/api/v1/looks/{look['id']}/media", params={"at_us": at_us, "duration_us": 2_000_000}
            )
            assert answer.status_code in {200, 204}, answer.text
            self.counts["playback bytes"] += len(answer.content)
            at_us += 2_000_000
            self.stopping.wait(0.2)
        self.desk.client.delete(f"/api/v1/looks/{look['id']}")


@dataclass
class Tally:
    """What the kills did."""

    killed_us: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    away_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    resident: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def kill_one(product: Product, role: str, tally: Tally) -> None:
    """kill -9, and how long until it works again: the door answers, or there is a process that lives."""
    old = product.kill(role)
    tally.killed_us[role].append(time.time_ns() // 1000)
    began = time.monotonic()
    wait_for(f"a new {role}", lambda: product.pids().get(role) not in {old, None}, 30, 0.02)
    if role == "server":
        with product.client() as client:
            wait_for("the door", lambda: client.get("/api/v1/health").status_code == 200, 30, 0.05)
    tally.away_s[role].append(time.monotonic() - began)


def spans_of(desk: Desk, channel_id: str, from_us: int, to_us: int) -> dict[str, Any]:
    answer = desk.get("/timeline", channel=channel_id, from_us=from_us, to_us=to_us)
    found: dict[str, Any] = answer["channels"][0]
    return found


def test_kills_cost_a_second_of_footage_and_nothing_else(product: Product, clips: list[Path]) -> None:
    desk = product.administrator()
    cameras = Cameras(clips).start()
    try:
        soak(product, desk, cameras, clips)
    finally:
        cameras.stop()


def soak(product: Product, desk: Desk, cameras: Cameras, clips: list[Path]) -> None:
    added = [
        desk.post("/cameras", {"name": f"Street {number}", "address": url})
        for number, url in enumerate(cameras.urls)
    ]
    ids = [one["id"] for one in added]
    wait_for(
        "all cameras to be recorded",
        lambda: all(one["state"] == "recording" for one in desk.channels().values()), 60, 0.3,
    )  # fmt: skip
    time.sleep(3)
    began_us = time.time_ns() // 1000
    watchers = Watchers(product, desk, ids[0], began_us)
    watchers.start()
    tally, rng = Tally(), random.Random(SEED)
    until = time.monotonic() + SECONDS
    try:
        while time.monotonic() < until:
            time.sleep(rng.uniform(3, 8))
            for role, pid in product.pids().items():
                if role in ROLES:
                    tally.resident[role].append(resident_bytes(pid))
            kill_one(product, rng.choices(ROLES, (3, 3, 1, 1, 1))[0], tally)
        time.sleep(6)
    finally:
        watchers.stop()
    ended_us = time.time_ns() // 1000 - 3_000_000
    check_timelines(desk, ids, (began_us, ended_us), tally)
    check_bytes(product, desk, clips, ids, tally)
    report(tally, watchers)
    assert watchers.counts["live pictures"] > SECONDS
    assert watchers.counts["playback bytes"] > 0
    assert "whole" in product.run("audit", "verify")


def check_timelines(desk: Desk, ids: list[str], window: tuple[int, int], tally: Tally) -> None:
    """Recorded spans and gaps tile the time; a gap is a recorder's kill, and short."""
    lost: list[int] = []
    for channel_id in ids:
        found = spans_of(desk, channel_id, *window)
        pieces = sorted(
            [(one["start_us"], one["end_us"], "") for one in found["recorded"]]
            + [(one["start_us"], one["end_us"] or window[1], one["reason"]) for one in found["gaps"]]
        )
        reach = window[0]
        for start_us, end_us, reason in pieces:
            assert reason in {"", "our_restart"}, f"{channel_id}: {reason} from {start_us} to {end_us}"
            assert start_us - reach < 200_000, f"{channel_id}: nothing told of {reach} to {start_us}"
            reach = max(reach, end_us)
        assert window[1] - reach < 2_500_000, f"{channel_id} ends at {reach}, not {window[1]}"
        gaps = [piece for piece in pieces if piece[2]]
        assert len(gaps) <= len(tally.killed_us["recorder"])
        for killed_us in tally.killed_us["recorder"]:
            gap = next((one for one in gaps if one[0] - 100_000 <= killed_us <= one[1]), None)
            if gap is not None:
                lost.append(killed_us - gap[0])
                tally.away_s["recording"].append((gap[1] - killed_us) / 1e6)
    tally.away_s["lost before a kill"] = [one / 1e6 for one in lost]
    assert max(lost, default=0) < LOST_LIMIT_US, f"{max(lost) / 1e6:.2f} s were lost before a kill"
    for what in ("recording", "server"):
        assert max(tally.away_s[what], default=0.0) < AWAY_LIMIT_S, f"{what}: {tally.away_s[what]}"


def check_bytes(product: Product, desk: Desk, clips: list[Path], ids: list[str], tally: Tally) -> None:
    """Every run on the disk is an unbroken piece of what its camera sent; memory stays."""
    streams = {one["id"]: one["streams"][0]["id"] for one in desk.get("/channels")}
    found = recorded(product)
    for clip, channel_id in zip(clips, ids, strict=True):
        loop = sent_bytes(clip, TrackKind.VIDEO)
        runs: dict[Any, list[Any]] = defaultdict(list)
        for one in found[streams[channel_id]]:
            runs[one.run_id].append(one.unit)
        assert len(runs) <= len(tally.killed_us["recorder"]) + 1
        for units in runs.values():
            assert_is_a_run_of(units, loop)
    for role, sizes in tally.resident.items():
        first, last = sizes[: len(sizes) // 2 + 1], sizes[len(sizes) // 2 :]
        assert max(last) - max(first) < GROWTH_LIMIT_BYTES, f"{role} grew: {sizes}"


def report(tally: Tally, watchers: Watchers) -> None:
    """The table a person reads."""
    print(f"\n{SECONDS:.0f} s, {CAMERAS} cameras, seed {SEED}")
    for role in ROLES:
        away, sizes = sorted(tally.away_s[role]), tally.resident[role]
        times = f"back after {away[len(away) // 2]:.2f} s, at most {away[-1]:.2f} s" if away else ""
        print(f"{role:10} {len(away):3} kills  {max(sizes, default=0) >> 20:4} MiB at most  {times}")
    for what in ("recording", "lost before a kill"):
        values = sorted(tally.away_s[what])
        if values:
            print(f"{what}: median {values[len(values) // 2]:.2f} s, at most {values[-1]:.2f} s")
    print(dict(watchers.counts))
