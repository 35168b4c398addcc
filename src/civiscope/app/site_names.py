"""The names the site answers to, and the certificate for them: changed and renewed while the server runs."""

import asyncio
import ssl
from collections.abc import Callable, Iterator

from civiscope.api import AuthorityState
from civiscope.base import AppError, Clock, get_log
from civiscope.security import SiteKeys, certificate_facts, machine_hosts, server_tls, tidy_hosts

_RENEW_EVERY_S = 12 * 3600.0
_log = get_log("civiscope.app.server")


class SiteNames:
    """Which hosts are ours, as the door asks; renews the certificate when they change, and twice a day.

    A new certificate is taken by the TLS context that is in use: connections that are open keep theirs.
    """

    def __init__(self, keys: SiteKeys, clock: Clock, wanted: Callable[[], list[str]]) -> None:
        """`wanted` tells the names besides this machine's own."""
        self._keys = keys
        self._clock = clock
        self._wanted = wanted
        self._changed = asyncio.Event()
        keys.renew_tls(wanted(), clock)
        self._names = self._known()
        self.tls: ssl.SSLContext = server_tls(keys)

    def __contains__(self, host: object) -> bool:
        return host in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._names))

    def look_again(self) -> None:
        """The wanted names may have changed; on the loop."""
        self._changed.set()

    async def run(self) -> None:
        """Issue certificates when they are due; until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_RENEW_EVERY_S):
                    await self._changed.wait()
            except TimeoutError:
                pass  # looked at anyway: certificates end
            self._changed.clear()
            await self._renew()

    def state(self) -> AuthorityState:
        """The authority and the names in the certificate of now."""
        pem = self._keys.authority_pem()
        facts = certificate_facts(pem)
        names = certificate_facts(self._keys.tls_certificate_path.read_bytes()).names
        return AuthorityState(pem, facts.der, facts.fingerprint_sha256, facts.not_after_us, names)

    async def _renew(self) -> None:
        try:
            if await asyncio.to_thread(self._keys.renew_tls, self._wanted(), self._clock):
                self.tls.load_cert_chain(self._keys.tls_certificate_path, self._keys.tls_key_path)
        except (AppError, OSError) as error:
            _log.error("no new TLS certificate; the present one stays in use", why=str(error))
        self._names = self._known()

    def _known(self) -> frozenset[str]:
        return frozenset(tidy_hosts([*self._wanted(), *machine_hosts()]))
