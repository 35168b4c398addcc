"""The site itself: pages of settings, the end of the first run, the simulated town, the authority."""

import plistlib
from typing import Annotated
from uuid import NAMESPACE_URL, uuid5

from fastapi import Path, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from civiscope.api.calls import Call
from civiscope.api.faces import Faces
from civiscope.api.guard import Open, visitor_of, where_from
from civiscope.api.site_ports import AuthorityState, PageState, TownState
from civiscope.security import AuditEntry, Permission


class PageBody(BaseModel):
    """The whole new value of a page of settings."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    value: dict[str, object]


class SiteCalls:
    """Handlers of `/settings`, `/first-run`, `/simulator` and `/authority`."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces

    def calls(self) -> list[Call]:
        """The rows of the table."""
        return [
            Call("GET", "/settings", Permission.SYSTEM_READ, self.settings),
            Call("PUT", "/settings/{name}", Permission.SYSTEM_MANAGE, self.change_settings),
            Call("POST", "/first-run/done", Permission.SYSTEM_MANAGE, self.finish_first_run, 204, raw=True),
            Call("GET", "/simulator", Permission.SYSTEM_READ, self.simulator),
            Call("POST", "/simulator", Permission.CAMERA_ADD, self.start_simulator),
            Call("GET", "/authority", Open.ANYONE, self.authority),
            Call("GET", "/authority.pem", Open.ANYONE, self.authority_pem, raw=True),
            Call("GET", "/authority.der", Open.ANYONE, self.authority_der, raw=True),
            Call("GET", "/authority.mobileconfig", Open.ANYONE, self.authority_profile, raw=True),
        ]

    async def settings(self) -> list[dict[str, object]]:
        """Every page of settings with its form."""
        return [_page(page) for page in self._faces.pages.pages()]

    async def change_settings(
        self, request: Request, name: Annotated[str, Path(max_length=64)], body: PageBody
    ) -> dict[str, object]:
        """Replace one page of settings."""
        principal = visitor_of(request).principal
        return _page(await self._faces.pages.change(name, body.value, principal, where_from(request)))

    async def finish_first_run(self, request: Request) -> Response:
        """End the wizard for good."""
        await self._faces.pages.finish_first_run(visitor_of(request).principal, where_from(request))
        return Response(status_code=204)

    async def simulator(self) -> dict[str, object]:
        """Whether the simulated town runs, and its cameras."""
        return _town(await self._faces.town.state())

    async def start_simulator(self, request: Request) -> dict[str, object]:
        """Start the simulated town; its cameras are added like any others."""
        who = visitor_of(request).principal
        await self._faces.audit.append(
            AuditEntry(who, "simulator.start", "simulator", from_where=where_from(request))
        )
        return _town(await self._faces.town.start())

    async def authority(self) -> dict[str, object]:
        """The authority's fingerprint, to compare before trusting it."""
        state = self._faces.authority.state()
        return {
            "fingerprint_sha256": state.fingerprint_sha256,
            "not_after_us": state.not_after_us,
            "names": list(state.names),
            "host_name": self._faces.site.host_name or None,
        }

    async def authority_pem(self) -> Response:
        """The site's certificate authority as PEM, for a desk."""
        return _attachment(
            self._faces.authority.state().certificate_pem, "civiscope-authority.pem", "application/x-pem-file"
        )

    async def authority_der(self) -> Response:
        """The authority as DER, which Android and Windows open."""
        return _attachment(
            self._faces.authority.state().certificate_der,
            "civiscope-authority.crt",
            "application/x-x509-ca-cert",
        )

    async def authority_profile(self) -> Response:
        """The authority as an Apple configuration profile, which iPhones, iPads and Macs open."""
        profile = _profile(self._faces.site.name, self._faces.authority.state())
        return _attachment(profile, "civiscope.mobileconfig", "application/x-apple-aspen-config")


def _attachment(content: bytes, name: str, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)


def _profile(site_name: str, state: AuthorityState) -> bytes:
    """A profile with one certificate payload (Apple, Configuration Profile Reference: Certificate Root)."""
    mark = str(uuid5(NAMESPACE_URL, f"urn:civiscope:authority:{state.fingerprint_sha256}")).upper()
    payload = {
        "PayloadType": "com.apple.security.root",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"org.civiscope.authority.{mark}.certificate",
        "PayloadUUID": str(uuid5(NAMESPACE_URL, f"urn:civiscope:payload:{state.fingerprint_sha256}")).upper(),
        "PayloadDisplayName": f"{site_name}: certificate authority",
        "PayloadCertificateFileName": "civiscope-authority.cer",
        "PayloadContent": state.certificate_der,
    }
    profile = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"org.civiscope.authority.{mark}",
        "PayloadUUID": mark,
        "PayloadDisplayName": f"{site_name} (Civiscope)",
        "PayloadDescription": "Lets this device recognise the site's own server. It can speak for "
        "this site's names and for private networks only.",
        "PayloadRemovalDisallowed": False,
        "PayloadContent": [payload],
    }
    return plistlib.dumps(profile)


def _page(page: PageState) -> dict[str, object]:
    return {
        "name": page.name,
        "title": page.title,
        "schema": dict(page.schema),
        "value": dict(page.value),
        "schema_version": page.schema_version,
        "changed_us": page.changed_us,
        "changed_by": page.changed_by or None,
    }


def _town(town: TownState) -> dict[str, object]:
    return {
        "state": town.state,
        "cameras": [
            {"name": one.name, "address": one.address, "onvif_address": one.onvif_address or None}
            for one in town.cameras
        ],
    }
