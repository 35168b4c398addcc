"""The site's keys, for every process: each reads only its own role's folder of them."""

from civiscope.app.home import Home
from civiscope.base import AppError, ErrorKind
from civiscope.security import SiteKeys


def load_keys(home: Home) -> SiteKeys:
    """The keys of a site that `civiscope init` made; AppError(missing) says how to make one."""
    if not home.is_initialised:
        raise AppError(ErrorKind.MISSING, f"there is no site in {home.root} yet. Run `civiscope init` first.")
    return SiteKeys.load(home.keys)
