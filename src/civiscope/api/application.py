"""The application: all calls behind the guard, the UI beside them, the door around everything."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from civiscope.api.alarm_calls import AlarmCalls
from civiscope.api.analysis_calls import AnalysisCalls
from civiscope.api.audit_calls import AuditCalls
from civiscope.api.availability_calls import AvailabilityCalls
from civiscope.api.calls import PREFIX, Call, add_calls
from civiscope.api.camera_calls import CameraCalls
from civiscope.api.deletion_calls import DeletionCalls
from civiscope.api.device_calls import DeviceCalls
from civiscope.api.door import Door
from civiscope.api.errors import http_answer, install_error_answers
from civiscope.api.event_calls import EventCalls
from civiscope.api.evidence_calls import EvidenceCalls
from civiscope.api.export_calls import ExportCalls
from civiscope.api.faces import Faces
from civiscope.api.group_calls import GroupCalls
from civiscope.api.guard import Guard
from civiscope.api.look_calls import LookCalls
from civiscope.api.me_calls import MeCalls
from civiscope.api.motion_calls import MotionCalls
from civiscope.api.people_calls import PeopleCalls
from civiscope.api.recording_calls import RecordingCalls
from civiscope.api.refusals import RefusalBook
from civiscope.api.rule_calls import RuleCalls
from civiscope.api.session_calls import SessionCalls
from civiscope.api.site_calls import SiteCalls
from civiscope.api.static import StaticSite
from civiscope.api.steer_calls import SteerCalls
from civiscope.api.system_calls import SystemCalls
from civiscope.api.target_calls import TargetCalls
from civiscope.api.timeline_calls import TimelineCalls
from civiscope.api.trial import Trials
from civiscope.api.vault_calls import VaultCalls
from civiscope.api.whep_calls import WhepCalls


class Application:
    """The ASGI application of one server process, made of the rooms' faces.

    `calls` is the table that the OpenAPI document and the permission tests are made from.
    """

    def __init__(self, faces: Faces) -> None:
        self.framework = FastAPI(
            title="Civiscope", version="1", docs_url=None, redoc_url=None, openapi_url=None
        )
        guard = Guard(faces.accounts)
        self._refusals = RefusalBook(faces.audit, guard, faces.clock)
        self._looks = LookCalls(faces, guard)
        self._alarms = AlarmCalls(faces, guard)
        trials = Trials(faces)
        self.calls: tuple[Call, ...] = (
            *SessionCalls(faces, guard).calls(),
            *MeCalls(faces).calls(),
            *PeopleCalls(faces).calls(),
            *CameraCalls(faces, trials).calls(),
            *DeviceCalls(faces, trials).calls(),
            *GroupCalls(faces).calls(),
            *SteerCalls(faces).calls(),
            *AnalysisCalls(faces).calls(),
            *RecordingCalls(faces).calls(),
            *TimelineCalls(faces).calls(),
            *AvailabilityCalls(faces).calls(),
            *MotionCalls(faces).calls(),
            *self._looks.calls(),
            *WhepCalls(faces).calls(),
            *EventCalls(faces).calls(),
            *RuleCalls(faces).calls(),
            *self._alarms.calls(),
            *SiteCalls(faces).calls(),
            *TargetCalls(faces).calls(),
            *EvidenceCalls(faces).calls(),
            *ExportCalls(faces).calls(),
            *DeletionCalls(faces.deletions).calls(),
            *VaultCalls(faces.vault).calls(),
            *AuditCalls(faces).calls(),
            *SystemCalls(faces, self.framework, lambda: self.calls).calls(),
        )
        add_calls(self.framework, guard, self.calls, self._refusals.note)
        self.framework.add_api_websocket_route(PREFIX + "/looks/{look_id}/live", self._looks.live)
        self.framework.add_api_websocket_route(PREFIX + "/alarms/live", self._alarms.live)
        _add_pages(self.framework, StaticSite(faces.settings.static_folder))
        install_error_answers(self.framework)
        self._door: ASGIApp = Door(self.framework, faces.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        await self._door(scope, receive, send)

    async def run(self) -> None:
        """Write folded refusals into the audit, each when its minute is over; until cancelled."""
        await self._refusals.run()

    def stop(self) -> None:
        """Tell live sockets that the server is stopping; they close with 1013."""
        self._looks.stop()
        self._alarms.stop()


def create_app(faces: Faces) -> Application:
    """The door to these faces; opens and starts nothing."""
    return Application(faces)


def _add_pages(framework: FastAPI, site: StaticSite) -> None:
    async def page(request: Request) -> Response:
        if request.url.path.startswith("/api/"):
            return http_answer(404)
        return await site.answer(request)

    framework.router.add_route("/{path:path}", page, methods=["GET", "HEAD"], include_in_schema=False)
