"""`civiscope verify`: says whether recordings and packages are as they were signed; needs no server."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from civiscope.app.home import Home
from civiscope.app.settings import default_home
from civiscope.app.time_stamps import StampAuthority, stamp_package
from civiscope.app.verify_desk import Missing, Place, VerifyDesk, VerifyReport, moment
from civiscope.base import AppError, Backoff, ErrorKind
from civiscope.evidence import VERIFIER_NAME, verifier_hash, verifier_page
from civiscope.security import StampRoots

WRONG_EXIT = 2
INCOMPLETE_EXIT = 3
_GAPS_SHOWN = 20
StampRootOption = Annotated[
    list[Path] | None,
    typer.Option("--tsa-ca", help="Root certificate of a time-stamping authority; may be repeated."),
]


def verify(
    paths: Annotated[
        list[Path], typer.Argument(help="Volumes, segments, packages (folder or ZIP), videos, certificates.")
    ],
    home: Annotated[
        Path | None, typer.Option("--home", help="Data folder of the site; default CIVISCOPE_HOME.")
    ] = None,
    authority: Annotated[
        Path | None,
        typer.Option(
            help="Certificate of the site's node authority, from the site itself, not from the package."
        ),
    ] = None,
    camera_root: Annotated[
        list[Path] | None,
        typer.Option(
            "--camera-ca", help="Root certificate of a maker of cameras, for videos; may be repeated."
        ),
    ] = None,
    stamp_root: StampRootOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")] = False,
) -> None:
    """Check that nothing was cut, reordered or altered, and say where if it was.

    Exit code 0: whole. 2: something is wrong. 3: nothing is wrong, but not all could be checked. 1: failed.
    """
    place = Home(home.expanduser().absolute() if home else default_home())
    code = 0
    for report in VerifyDesk(place, authority, camera_root or (), stamp_root or ()).reports(paths):
        if as_json:
            typer.echo(json.dumps(report.to_json(), ensure_ascii=False))
        else:
            for line in _lines(report):
                typer.echo(line)
        if not report.is_good:
            code = WRONG_EXIT
        elif code == 0 and (not report.is_complete or report.verdict == "unreadable"):
            code = INCOMPLETE_EXIT
    raise typer.Exit(code)


def stamp(
    folder: Annotated[Path, typer.Argument(help="An exported package, unpacked.")],
    tsa: Annotated[str, typer.Option(help="Address of a time-stamping authority (RFC 3161 over HTTP).")],
    stamp_root: StampRootOption = None,
) -> None:
    """Have a time-stamping authority say when this package's manifest was there; writes manifest.tsr."""
    roots = StampRoots([path.read_bytes() for path in stamp_root or ()])
    found = asyncio.run(stamp_package(folder, StampAuthority(tsa, roots, Backoff(first_s=1.0))))
    typer.echo(f"time-stamped {moment(found.at_us)} by {found.authority}")


def verifier(
    file: Annotated[Path | None, typer.Argument(help="Where to write the page; never over a file.")] = None,
    with_hash: Annotated[bool, typer.Option("--hash", help="Print its SHA-256.")] = False,
) -> None:
    """Write the stand-alone verifier, one HTML page for who has no Civiscope, or print its hash."""
    if with_hash or file is None:
        typer.echo(f"{verifier_hash()}  {VERIFIER_NAME}")
    if file is not None:
        try:
            with file.open("xb") as opened:
                opened.write(verifier_page())
        except OSError as error:
            raise AppError(ErrorKind.CONFLICT, f"{file} was not written: {error.strerror}.") from None


def _lines(report: VerifyReport) -> Iterator[str]:
    yield f"{report.path}: {report.verdict.upper()} ({report.kind})"
    if report.kind not in ("certificate", "deletion", "video"):
        yield (
            f"  {report.segments} segments, {report.parts} parts, {report.access_units} access units "
            "proved themselves"
        )
    for node in report.signed_by:
        yield f"  signed by node {node} of site {report.site or 'unknown'}"
    if report.authority:
        yield f"  node authority SHA-256 {report.authority}"
    for note in report.notes:
        yield f"  {note}"
    for place in report.found:
        yield f"  {_where(place)}"
    for word, spans in (("declared missing", report.gaps), ("lawfully deleted or thinned", report.erased)):
        for one in spans[:_GAPS_SHOWN]:
            yield f"  {word}: {_span(one)}"
        if len(spans) > _GAPS_SHOWN:
            yield f"  … and {len(spans) - _GAPS_SHOWN} spans more (--json tells all)"


def _where(place: Place) -> str:
    found = [f"{place.verdict.upper()}: {place.file or 'volume'}"]
    if place.part is not None:
        found.append(f"part {place.part}")
    if place.access_unit is not None:
        found.append(f"access unit {place.access_unit}")
    if place.wall_us is not None:
        found.append(moment(place.wall_us))
    return ", ".join(found) + f": {place.what}"


def _span(one: Missing) -> str:
    end = "now" if one.end_us is None else moment(one.end_us)
    detail = f" ({one.detail})" if one.detail else ""
    return f"{moment(one.start_us)} to {end}, {one.reason}{detail}, stream {one.stream}"
