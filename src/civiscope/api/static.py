"""The built UI, read once into memory: a path is served only if it was found in the folder then."""

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from civiscope.base import AppError, ErrorKind
from civiscope.evidence import VERIFIER_NAME, verifier_page

FOLDER = Path(__file__).parent / "static"
_VERIFIER = f"/{VERIFIER_NAME}"
"""To be kept and opened from a disk, where no server has a say; so it is an attachment."""
_TOTAL_LIMIT_BYTES = 32 * 1024 * 1024
_HASHED = re.compile(r"/assets/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+")
_WORTH_PACKING = ("text/", "application/javascript", "application/json", "image/svg", "application/manifest")
_FOREVER = "public, max-age=31536000, immutable"
_NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Civiscope</title></head>
<body><h1>The page is not built yet</h1>
<p>The server runs. Build its page with <code>make ui</code> in the source folder, then restart it.</p>
</body></html>
"""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file of the UI with all its answers need."""

    content: bytes = field(repr=False)
    packed: bytes | None = field(repr=False)
    """Gzip, where it is smaller."""
    media_type: str
    etag: str
    cache: str


class StaticSite:
    """Answers every path outside `/api/`; unknown paths without a dot are pages and get `index.html`."""

    def __init__(self, folder: Path | None = None) -> None:
        self._files = _read_folder(folder or FOLDER)
        self._files[_VERIFIER] = _file(_VERIFIER, verifier_page())
        self._index = self._files.get("/index.html") or _file("/index.html", _NOT_BUILT.encode())

    async def answer(self, request: Request) -> Response:
        """The file, a 304, or the page."""
        path = request.url.path
        found = self._files.get(path)
        if found is None and ("." in path.rpartition("/")[2] or path.startswith("/assets/")):
            return PlainTextResponse("There is no such file. Reload the page.", 404)
        answer = _answer(found or self._index, request)
        if path == _VERIFIER:
            answer.headers["Content-Disposition"] = f'attachment; filename="{VERIFIER_NAME}"'
        return answer


def _answer(found: StaticFile, request: Request) -> Response:
    headers = {"ETag": found.etag, "Cache-Control": found.cache, "Vary": "Accept-Encoding"}
    if found.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content = found.content
    if found.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        content = found.packed
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type=found.media_type, headers=headers)


def _read_folder(folder: Path) -> dict[str, StaticFile]:
    """Regular files below the folder, links left out; blocks, at start."""
    files: dict[str, StaticFile] = {}
    total_bytes = 0
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes()
        total_bytes += len(content)
        if total_bytes > _TOTAL_LIMIT_BYTES:
            raise AppError(
                ErrorKind.EXHAUSTED, f"The page in {folder} is over 32 MiB. Build it with make ui."
            )
        name = "/" + path.relative_to(folder).as_posix()
        files[name] = _file(name, content)
    return files


def _file(name: str, content: bytes) -> StaticFile:
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    packed = None
    if media_type.startswith(_WORTH_PACKING) or "javascript" in media_type:
        smaller = gzip.compress(content, 9, mtime=0)
        packed = smaller if len(smaller) < len(content) else None
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    cache = _FOREVER if _HASHED.fullmatch(name) else "no-cache"
    return StaticFile(content, packed, media_type, etag, cache)
