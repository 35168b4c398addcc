"""Rows of simulated ONVIF devices in processes of their own, found by discovery on loopback."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.product import Desk

NAME, PASSWORD = "installer", "seven gulls over the pier"


@dataclass
class OnvifRow:
    """`civiscope sim file --onvif` with so many devices; `stop` is the power cut."""

    clip: Path
    count: int
    password: str = PASSWORD
    addresses: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def start(self) -> "OnvifRow":
        """Serve; returns once every address was printed."""
        words = ["sim", "file", str(self.clip), "--onvif", "--discoverable", "--discover-on", "127.0.0.1"]
        words += ["--count", str(self.count), "--port", "0", "--user", f"{NAME}:{self.password}"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "civiscope", *words], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        while len(self.addresses) < self.count:
            line = self.process.stdout.readline()
            assert line, f"the simulator ended with {self.process.wait(5)}"
            if " onvif " in line:
                self.addresses.append(line.split()[-1])
        return self

    def stop(self) -> None:
        """End the process; twice is once."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait(5)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None


def stay_on_loopback(desk: Desk) -> None:
    """Let no probe leave this machine: no interface of ours stands in the allowed network."""
    answer = desk.client.put(
        "/api/v1/settings/devices",
        json={"value": {"networks": ["10.255.255.252/30"], "checks_every_hour": True}},
    )
    assert answer.status_code == 200, answer.text
