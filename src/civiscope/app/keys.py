"""The site's keys, for every process: each reads only its own role's folder of them."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from civiscope.app.home import Home
from civiscope.base import AppError, ErrorKind
from civiscope.security import PublicSealingKey, SealingKeyWatch, SiteKeys

_LOOK_EVERY_S = 1.0


def load_keys(home: Home) -> SiteKeys:
    """The keys of a site that `civiscope init` made; AppError(missing) says how to make one."""
    if not home.is_initialised:
        raise AppError(ErrorKind.MISSING, f"there is no site in {home.root} yet. Run `civiscope init` first.")
    return SiteKeys.load(home.keys)


async def follow_key(folder: Path, renew: Callable[[PublicSealingKey], None]) -> None:
    """Hand on the site's public sealing key whenever it is another; until cancelled."""
    watch = SealingKeyWatch(folder, renew)
    while True:
        await asyncio.to_thread(watch.look)
        await asyncio.sleep(_LOOK_EVERY_S)
