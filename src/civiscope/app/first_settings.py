"""The first `civiscope.toml`, written by `civiscope init`; an existing file is never changed."""

import json

from civiscope.app.home import Home
from civiscope.app.settings import check_settings
from civiscope.base import AppError, ErrorKind

_TEXT = """# Settings of this Civiscope site; the environment and flags win over it. All keys: README.md.

[site]
name = {name}
time_zone = {time_zone}

[server]
# listen = "0.0.0.0:8443"     # the whole network; 127.0.0.1:8443 is this machine only
hosts = {hosts}

[recording]
# folder = "/srv/recordings"
# retention_hours = 72
"""


def write_first_settings(home: Home, name: str | None, time_zone: str | None, hosts: tuple[str, ...]) -> None:
    """Write the file if there is none; CONFLICT if there is one and words were given for it."""
    home.ensure()
    path = home.root / "civiscope.toml"
    if path.exists():
        if name or time_zone or hosts:
            raise AppError(
                ErrorKind.CONFLICT, f"{path} is there already. Change it there; `init` does not overwrite it."
            )
        return
    text = _TEXT.format(
        name=json.dumps(name or "Civiscope"),
        time_zone=json.dumps(time_zone or "UTC"),
        hosts=json.dumps(list(hosts)),
    )
    check_settings(text, path)
    path.write_text(text, encoding="utf-8")
