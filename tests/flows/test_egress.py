"""The running product opens no connection but to devices: watched on the wire of a network of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY


@pytest.mark.slow
def test_nothing_goes_out_but_to_devices(tmp_path: Path) -> None:
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
    assert told["quiet"] == [], "the product sent something by itself"
    assert told["refused"] == [], "an address outside the device networks was asked"
    assert told["after"] == []
    status, seen = told["allowed"]
    assert status in {422, 503, 504}
    assert seen == [["10.11.12.13", 8554]], "only the device that was typed is asked"
    assert told["end"] == [["10.11.12.13", 8554]]
