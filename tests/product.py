"""The real product in a folder of its own: started by its command line, met over its real sockets.

Used by flow, browser and soak tests and by the measures; every wait has a deadline and names its wish.
"""

import contextlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")
ADMINISTRATOR = ("chief", "a long enough passphrase")


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, ask: Callable[[], T | None], limit_s: float = 20.0, every_s: float = 0.05) -> T:
    """Ask until the answer is something; AssertionError names what never came."""
    deadline = time.monotonic() + limit_s
    last: Exception | None = None
    while time.monotonic() < deadline:
        try:
            answer = ask()
        except (httpx.HTTPError, OSError) as error:
            last, answer = error, None
        if answer:
            return answer
        time.sleep(every_s)
    raise AssertionError(f"waited {limit_s:.0f} s for {what}, in vain" + (f": {last!r}" if last else ""))


def cpu_s(pid: int) -> float:
    """User and system seconds of one process so far (proc(5), /proc/pid/stat fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Resident memory of one process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@dataclass
class Product:
    """`civiscope up` on a data folder; `start` returns once it is healthy."""

    home: Path
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    setup_code: str = ""
    started_in_s: float = 0.0
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"https://localhost:{self.port}"

    def command(self, *words: str) -> list[str]:
        """The command line as a user types it."""
        return [sys.executable, "-m", "civiscope", *words]

    def environ(self) -> dict[str, str]:
        """The environment of every process of this product."""
        return {
            **os.environ,
            "CIVISCOPE_HOME": str(self.home),
            "CIVISCOPE_LISTEN": f"127.0.0.1:{self.port}",
            "CIVISCOPE_DEVICES_LOOPBACK": "any",  # simulated cameras stand on this machine
            **self.environment,
        }

    def run(self, *words: str, limit_s: float = 60, stdin: str | None = None) -> str:
        """Run a command to its end; what it printed. AssertionError shows its words when it fails."""
        done = subprocess.run(
            self.command(*words),
            env=self.environ(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
        assert done.returncode == 0, f"{words} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, *words: str, limit_s: float = 60) -> "Product":
        """Start everything and wait until health says so."""
        is_new = not (self.home / "keys").exists()
        if is_new:
            self.run("init", "--name", "Test town")
        began = time.monotonic()
        self.home.mkdir(exist_ok=True, parents=True)
        with (self.home / "up.out").open("ab") as output:
            self.process = subprocess.Popen(
                self.command("up", *words),
                env=self.environ(),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        wait_for("health", self._healthy, limit_s)
        self.started_in_s = time.monotonic() - began
        if is_new:
            self.setup_code = wait_for("the set-up code", self._printed_code)
        return self

    def _printed_code(self) -> str | None:
        found = re.search(r"administrator code:\s+(\S+)", (self.home / "up.out").read_text())
        return found.group(1) if found else None

    def _healthy(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"`up` ended early: {self.printed()}"
        with self.client() as client:
            return client.get("/api/v1/health").status_code == 200

    def printed(self) -> str:
        """What `up` has printed so far, and the ends of the logs."""
        out = (self.home / "up.out").read_text(errors="replace")[-4000:]
        logs = [
            f"\n== {log.name}\n" + log.read_text(errors="replace")[-3000:]
            for log in sorted((self.home / "logs").glob("*.log"))
        ]
        return out + "".join(logs)

    def stop(self, limit_s: float = 12) -> float:
        """Stop as Ctrl-C would; how long it took. AssertionError if it does not stop in time."""
        if self.process is None or self.process.poll() is not None:
            return 0.0
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise AssertionError(f"`up` did not stop within {limit_s} s: {self.printed()}") from None
        return time.monotonic() - began

    def destroy(self) -> None:
        """Stop, by force if need be, and take every role process along."""
        pids = list(self.pids().values())
        for client in self.clients:
            client.close()
        try:
            self.stop()
        finally:
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue

    def pids(self) -> dict[str, int]:
        """Role → process id, as the supervisor last wrote it."""
        try:
            found = json.loads((self.home / "run" / "processes.json").read_text())
        except (OSError, json.JSONDecodeError):
            return {}
        return {one["role"]: one["pid"] for one in found["processes"] if one.get("pid")}

    def kill(self, role: str) -> int:
        """kill -9 one role process; its old pid."""
        pid = self.pids()[role]
        os.kill(pid, signal.SIGKILL)
        return pid

    @contextlib.contextmanager
    def supervisor_asleep(self) -> Iterator[None]:
        """Nothing is started again while the block runs."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def trust(self) -> ssl.SSLContext:
        """TLS that trusts this site's authority and nobody else."""
        return ssl.create_default_context(cafile=str(self.home / "keys" / "authority.pem"))

    def client(self) -> httpx.Client:
        """A client without a session."""
        return httpx.Client(base_url=self.url, verify=self.trust(), timeout=20, headers={"Origin": self.url})

    def administrator(self) -> "Desk":
        """A signed-in administrator; made by the one-time code the first time."""
        client = self.client()
        self.clients.append(client)
        name, password = ADMINISTRATOR
        if self.setup_code:
            answer = client.post(
                "/api/v1/setup", json={"code": self.setup_code, "name": name, "password": password}
            )
            assert answer.status_code == 201, answer.text
            self.setup_code = ""
        else:
            answer = client.post("/api/v1/session", json={"name": name, "password": password})
            assert answer.status_code in {200, 201}, answer.text
        return Desk(client)


class Desk:
    """A signed-in person at a desk, over HTTP."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.session: dict[str, Any] = self.get("/session")
        client.headers["X-CSRF-Token"] = self.session["csrf_token"]

    def get(self, path: str, **query: Any) -> Any:
        """GET under /api/v1 as JSON."""
        answer = self.client.get(f"/api/v1{path}", params=query)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def post(self, path: str, body: Any) -> Any:
        """POST under /api/v1 as JSON."""
        answer = self.client.post(f"/api/v1{path}", json=body)
        assert answer.status_code in {200, 201}, f"POST {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def channels(self) -> dict[str, dict[str, Any]]:
        """Name → channel."""
        return {channel["name"]: channel for channel in self.get("/channels")}

    def purpose(self, function: str) -> str:
        """A purpose for which this person may do `function`."""
        return str(next(p["id"] for p in self.session["purposes"] if function in p["functions"]))

    def look(self, channel_id: str, kind: str, span: tuple[int, int] | None = None) -> dict[str, Any]:
        """Open a raw look for a permitted purpose."""
        body: dict[str, Any] = {
            "channel_id": channel_id, "purpose": self.purpose(kind), "kind": kind, "presentation": "raw",
        }  # fmt: skip
        if span:
            body |= {"from_us": span[0], "to_us": span[1]}
        found: dict[str, Any] = self.post("/looks", body)
        return found


@dataclass
class Cameras:
    """`civiscope sim file …` as a process of its own: cameras whose cable can be pulled."""

    clips: list[Path]
    port: int = field(default_factory=free_port)
    user: str | None = None
    process: subprocess.Popen[str] | None = None
    urls: list[str] = field(default_factory=list)

    def start(self) -> "Cameras":
        """Serve; returns once every address was printed."""
        words = ["sim", "file", *map(str, self.clips), "--port", str(self.port)]
        if self.user:
            words += ["--user", self.user]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "civiscope", *words],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.urls = [self.process.stdout.readline().split()[-1] for _ in self.clips]
        return self

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP freezes them with their connections open; SIGKILL cuts the power."""
        assert self.process is not None
        self.process.send_signal(number)
        if number is signal.SIGKILL:
            self.process.wait(5)

    def stop(self) -> None:
        """End the process."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait(5)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None
