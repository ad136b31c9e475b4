"""Papers of estimates as downloads, in the portal or by the signed link of the mail.

A GET gives what is stored, or says that it is still to be drawn; the POST has it drawn.
"""

from typing import Any

from flask import redirect, render_template, request, url_for

from app.core.downloads import download, not_yet
from app.core.posting import unit_of_work
from app.estimates import papers
from app.estimates import queries as estimates
from app.estimates.models import Estimate
from app.portal import blueprint, client, door, reader
from app.portal.actions import gone, is_handed_on, of_link


@door.route("/action/<secret>/estimate.pdf", methods=["GET", "POST"])
def estimate_by_link(secret: str) -> Any:
    """The paper of the version that a mailed link asks about."""
    found = of_link(secret)
    offered = estimates.seen_of_action(found[1], found[0]) if found else None
    if found is None or offered is None:
        return render_template("portal/link_unknown.html"), 404
    reader.follow(found[1].id)
    asked = offered.estimate.action
    if asked is not None and is_handed_on(asked, found[1]):
        return gone()
    return _paper(offered.estimate, back=url_for("door.by_link", secret=secret))


@blueprint.route("/estimates/<int:estimate_id>.pdf", methods=["GET", "POST"])
def estimate_pdf(estimate_id: int) -> Any:
    """The paper of a version that one sees."""
    found = estimates.seen(client.current().viewer, estimate_id)
    return _paper(found, back=url_for("portal.action", action_id=found.action_id))


def _paper(estimate: Estimate, *, back: str) -> Any:
    if request.method == "POST":
        with unit_of_work():
            papers.have_drawn(estimate)
        return redirect(request.path)
    file = papers.file_of(estimate)
    if file is not None:
        return download(file, papers.name_of(estimate))
    gave_up = bool(papers.why_not_drawn(estimate))
    return not_yet(render_template("portal/paper_waits.html", back=back, gave_up=gave_up))
