"""The running product opens connections to devices and configured targets alone: watched on the wire."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY

_DISCOVERY = "239.255.255.250"
_IGMP = "224.0.0.22"


def _apart_from_the_town(seen: list[list[object]]) -> list[list[object]]:
    """Without what the simulated cameras say on loopback: hello (WS-Discovery), and IGMP."""
    return [one for one in seen if one not in ([_DISCOVERY, 3702], [_IGMP, 0])]


@pytest.mark.slow
def test_nothing_goes_out_but_to_devices_and_configured_targets(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    if unshare is None or os.geteuid() != 0:
        pytest.skip("a network namespace of its own needs root and unshare(1)")
    done = subprocess.run(
        [unshare, "--net", sys.executable, "-m", "tests.flows.egress_watch", str(tmp_path / "home")],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    if "Operation not permitted" in done.stderr and "unshare" in done.stderr:
        pytest.skip("this machine gives no network namespace")
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["whep"] == 201, "a WebRTC viewer is answered"
    assert _apart_from_the_town(told["quiet"]) == [], "the product sent something by itself"
    assert _apart_from_the_town(told["refused"]) == [], "an address outside the device networks was asked"
    assert _apart_from_the_town(told["after"]) == []
    status, seen = told["allowed"]
    assert status in {422, 503, 504}
    typed = [["10.11.12.13", 8554]]
    assert _apart_from_the_town(seen) == typed, "only the device that was typed is asked"
    taken, seen = told["inside"]
    assert not taken
    assert _apart_from_the_town(seen) == typed, "a target leads inside without leave"
    taken, seen = told["target"]
    assert not taken
    configured = [*typed, ["93.184.216.34", 9443]]
    assert _apart_from_the_town(seen) == configured, "only the target that was configured is told"
    assert _apart_from_the_town(told["end"]) == configured
