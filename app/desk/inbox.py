"""Mail that came, for staff: what became of each, why, and what can be done about it."""

from io import BytesIO
from typing import Any

from flask import Blueprint, abort, render_template, request, send_file, url_for
from werkzeug.wrappers import Response

from app.communications import inbound, inbox, matching, parse, queries, triage
from app.communications.models import STATES
from app.communications.replytext import split
from app.core import forms
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.public_links import masked
from app.core.security import requires
from app.desk.at_desk import desk_actor
from app.desk.lookup_forms import looked_up
from app.desk.posting import Outcome, carry_out
from app.vault.recognising import concealed

blueprint = Blueprint("inbox", __name__, url_prefix="/inbox")

STATE_WORDS = {
    "quarantined": "Held back",
    "failed": "Failed",
    "new": "Just in",
    "claimed": "In work",
    "done": "Filed",
    "ignored": "Ignored",
}
UNDECIDED = {"new", "claimed"}
LONGEST_SHOWN = 20_000


@blueprint.get("/")
@requires("see", "Inbox")
def index() -> str:
    """List mails that came, newest first; `state`, `q` and `page` stand in the address."""
    state = request.args.get("state", "")
    text = request.args.get("q", "").strip()
    page = max(request.args.get("page", 1, type=int), 1)
    if state and state not in STATES:
        abort(404)
    rows, more = queries.listed(state=state, text=text, page=page)
    counts = queries.counts(text)
    return render_template(
        "desk/inbox/index.html",
        rows=rows,
        more=more,
        counts=counts,
        total=sum(counts.values()),
        words=STATE_WORDS,
        state=state,
        text=text,
        page=page,
        has_mailboxes=bool(queries.mailboxes()),
    )


@blueprint.get("/<int:received_id>")
@requires("see", "Inbox")
def show(received_id: int) -> Any:
    """Show one mail: what it says, and how it was decided. What looks like a password is hidden.

    To a script, which asks while it is being decided, only whether it is.
    """
    found = queries.received(received_id)
    if "HX-Request" in request.headers:
        return ("", 204) if found.state in UNDECIDED else ("", {"HX-Refresh": "true"})
    parsed = parse.parse(inbox.raw_of(found))
    parts = split(concealed(masked(parsed.text)[:LONGEST_SHOWN]))
    return render_template(
        "desk/inbox/show.html",
        mail=found,
        parsed=parsed,
        parts_of=parts.pieces,
        words=STATE_WORDS,
        may_accept=found.state in inbox.REPLAYABLE,
        is_unproved=found.rule in matching.UNPROVED,
        going=found.state in UNDECIDED,
        waits=triage.waits(found.contact_id),
        new_nonce=forms.new_nonce,
    )


@blueprint.post("/<int:received_id>.eml")
@requires("see", "Inbox")
def raw(received_id: int) -> Response:
    """Give the raw bytes, as a download; they may hold a password, so the audit log says who."""
    with unit_of_work():
        content = inbox.hand_out(queries.received(received_id), actor=desk_actor())
    return send_file(
        BytesIO(content),
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=f"received-{received_id}.eml",
    )


@blueprint.post("/<int:received_id>/accept")
@requires("accept", "Inbox")
def accept(received_id: int) -> Any:
    """File a mail that was held back or ignored."""

    def action() -> Outcome:
        ticket = inbound.accept(received_id, actor=desk_actor())
        return url_for("tickets.show", number=ticket.number), "Accepted: the mail is here now."

    return carry_out(action, back=url_for("inbox.show", received_id=received_id))


@blueprint.post("/<int:received_id>/again")
@requires("accept", "Inbox")
def again(received_id: int) -> Any:
    """Decide anew what becomes of a mail."""

    def action() -> Outcome:
        inbox.replay(received_id, actor=desk_actor())
        here = url_for("inbox.show", received_id=received_id)
        return here, "It is decided anew."

    return carry_out(action, back=url_for("inbox.show", received_id=received_id))


@blueprint.post("/<int:received_id>/dismiss")
@requires("accept", "Inbox")
def dismiss(received_id: int) -> Any:
    """Leave a mail that is held back."""

    def action() -> Outcome:
        inbox.dismiss(received_id, actor=desk_actor())
        return url_for("inbox.index", state="quarantined"), "Left. It stands among the ignored."

    return carry_out(action, back=url_for("inbox.show", received_id=received_id))


@blueprint.post("/<int:received_id>/company")
@requires("accept", "Inbox")
def place(received_id: int) -> Any:
    """Say which company an unknown sender belongs to."""

    def action() -> Outcome:
        company_id = looked_up("company")
        if company_id is None:
            raise RuleError("No company is chosen: choose the one the sender belongs to.")
        company = triage.place_sender(received_id, company_id=company_id, actor=desk_actor())
        db.session.flush()
        return url_for("inbox.show", received_id=received_id), f"Now one of {company.name}."

    return carry_out(action, back=url_for("inbox.show", received_id=received_id))
