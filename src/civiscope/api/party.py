"""Under which name passkeys are kept: the site's host name, or this very machine's `localhost`."""

from starlette.requests import HTTPConnection

from civiscope.api.door import host_name
from civiscope.api.faces import Site
from civiscope.base import AppError, ErrorKind
from civiscope.security import RelyingParty, passkeys_possible

_LOCAL = "localhost"


def passkeys_work(connection: HTTPConnection, site: Site) -> bool:
    """True if the page is open under a name for which browsers keep passkeys."""
    host = host_name(connection.headers.get("host", ""))
    return host in {site.host_name.lower(), _LOCAL} and passkeys_possible(host)


def relying_party(connection: HTTPConnection, site: Site) -> RelyingParty:
    """The relying party of this request; AppError(UNAVAILABLE) under an address or another name."""
    if not passkeys_work(connection, site):
        raise AppError(
            ErrorKind.UNAVAILABLE,
            "Passkeys need the site's host name: browsers keep none for an address. Give the site a host "
            "name in its settings, and open Civiscope under it.",
        )
    header = connection.headers["host"].strip().lower().removesuffix(":443")
    return RelyingParty(host_name(header), site.name, f"https://{header}")
