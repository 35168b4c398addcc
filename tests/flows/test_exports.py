"""An export of the running product: asked, made over the killed server and the worker, fetched, verified."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.product import Cameras, Desk, Product, wait_for

from civiscope.evidence import open_package, verify_package
from civiscope.recording import Verdict


def ask(desk: Desk, channel: str, span: tuple[int, int], kind: str) -> str:
    body = {
        "channels": [channel], "from_us": span[0], "to_us": span[1], "kind": kind,
        "purpose": desk.purpose("export"), "reason": "Collision at the gate",
    }  # fmt: skip
    return str(desk.post("/exports", body)["id"])


def over(desk: Desk, export_id: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        one: dict[str, Any] = next(job for job in desk.get("/exports") if job["id"] == export_id)
        return one if one["state"] in {"done", "failed"} else None

    return wait_for("the export", found, 40, 0.2)


def test_an_export_of_the_running_product_proves_itself(
    product: Product, desk: Desk, start_cameras: Callable[..., Cameras], clips: list[Path], tmp_path: Path
) -> None:
    product.run("camera", "add", "Gate", start_cameras(clips[:1]).urls[0])
    wait_for("the camera to be recorded", lambda: desk.channels()["Gate"]["state"] == "recording")
    channel = str(desk.channels()["Gate"]["id"])
    began_us = int(desk.get("/session")["server_time_us"])

    def recorded() -> tuple[int, int] | None:
        now_us = int(desk.get("/session")["server_time_us"])
        answer = desk.get("/timeline", channel=channel, from_us=began_us, to_us=now_us)
        spans = answer["channels"][0]["recorded"]
        ended_us = spans[-1]["end_us"] if spans else 0
        return (began_us, ended_us) if ended_us > began_us + 4_000_000 else None

    span = wait_for("four seconds of recording", recorded, 30, 0.3)
    case = ask(desk, channel, span, "case")
    old = product.kill("server")
    wait_for("a new server", lambda: product.pids().get("server") not in {old, None}, 20)
    wait_for("the door", lambda: desk.client.get("/api/v1/health").status_code == 200, 20)
    still = ask(desk, channel, (span[0] + 2_000_000, span[1]), "still")
    for export_id in (case, still):
        found = over(desk, export_id)
        assert found["state"] == "done", found["words"]
        answer = desk.client.get(f"/api/v1/exports/{export_id}/file")
        assert answer.status_code == 200, answer.text
        with zipfile.ZipFile(io.BytesIO(answer.content)) as package:
            package.extractall(tmp_path / export_id)
        verdict = verify_package(open_package(tmp_path / export_id))
        assert verdict.verdict is Verdict.WHOLE, verdict
    assert (tmp_path / still / "still" / "01-gate.png").read_bytes().startswith(b"\x89PNG")
