"""Exports, wired: the book on the server's database, looks through `viewing`, the key that signs."""

from functools import partial
from importlib.metadata import version

from civiscope.app.alarm_side import person_now
from civiscope.app.site import Site
from civiscope.base import ChannelId, PrincipalId
from civiscope.evidence import ExportBook, PackageSite
from civiscope.security import (
    Accounts,
    Principal,
    PrincipalKind,
    TokenId,
    load_manifest_signer,
)
from civiscope.viewing import ExportDesk, ExportFaces, ExportSettings, Viewing


async def rights_now(accounts: Accounts, principal_id: PrincipalId, kind: PrincipalKind) -> Principal | None:
    """A person or token with the rights of this moment, signed in or not; None: nobody any more."""
    if kind is PrincipalKind.TOKEN:
        return await accounts.tokens.by_id(TokenId(principal_id))
    return await person_now(accounts, principal_id)


async def principal_now(accounts: Accounts, principal: Principal) -> Principal | None:
    """As `Accounts.principal_now`; a person without a session is one whose export is being made."""
    if principal.kind is PrincipalKind.PERSON and principal.session_id is None:
        return await person_now(accounts, principal.id)
    return await accounts.principal_now(principal)


def export_desk(site: Site, viewing: Viewing) -> ExportDesk:
    """The desk behind `/exports`; its `run` goes beside the door."""
    return ExportDesk(
        ExportFaces(
            viewing=viewing,
            book=ExportBook(site.database, site.audit, site.vault_door.vault, site.clock),
            rights_now=partial(rights_now, site.accounts),
            name_of=partial(_name_of, site),
            site=partial(_package_site, site),
            clock=site.clock,
            settings=ExportSettings(site.home.exports),
        )
    )


async def _name_of(site: Site, channel_id: ChannelId) -> str:
    return (await site.devices.camera(channel_id)).name


def _package_site(site: Site) -> PackageSite:
    identity = site.identity
    return PackageSite(
        identity.site_id, site.pages.site.name, identity.organisation_id, f"civiscope {version('civiscope')}",
        load_manifest_signer(site.keys.server_folder),
    )  # fmt: skip
