"""Papers on the desk: given as they are stored; a page waits for those still to be drawn."""

import io
from collections.abc import Callable, Sequence
from typing import Any

from flask import redirect, render_template, request, send_file
from werkzeug.wrappers import Response

from app.core import storage
from app.core.downloads import not_yet
from app.core.models import StoredFile
from app.core.posting import unit_of_work


def given_or_awaited(
    give: Callable[[], Response] | None,
    *,
    have_drawn: Callable[[], None],
    why_not: Callable[[], str],
    crumbs: Sequence[tuple[str, str]],
    undrawn: int = 1,
    of: int = 1,
) -> Any:
    """What `give` makes of stored papers; without it a page that looks whether they are drawn.

    `undrawn` counts those `of` all that have no PDF yet. Looking changes nothing; a POST has them
    drawn where their job was lost, or was given up for the reason that `why_not` tells.
    """
    here = request.full_path.rstrip("?")
    if request.method == "POST":
        with unit_of_work():
            have_drawn()
        return redirect(here)
    said = {"here": here, "undrawn": 0 if give else undrawn, "count": of, "crumbs": crumbs}
    said["reason"] = "" if give else why_not()
    if request.headers.get("HX-Request"):
        return render_template("desk/paper_part.html", **said)
    return give() if give else not_yet(render_template("desk/paper_waits.html", **said))


def as_pdf(file: StoredFile, name: str) -> Response:
    """A stored PDF of our own, shown in the browser, or downloaded where the address says so."""
    return send_file(
        io.BytesIO(storage.read(file)),
        mimetype="application/pdf",
        as_attachment="download" in request.args,
        download_name=name,
    )
