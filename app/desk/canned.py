"""Canned replies: the list, one to change, and one filled in for a ticket."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_login import current_user

from app.billing.agency import the_agency
from app.core import forms
from app.core.errors import RuleError
from app.core.security import may, requires
from app.desk.at_desk import desk_actor, own_staff_id, worker
from app.desk.posting import carry_out
from app.tickets import canned, queries, sharing
from app.tickets.models import Ticket
from app.tickets.queue_models import CannedReply

blueprint = Blueprint("canned", __name__)


def filled(reply_id: int, ticket: Ticket) -> str:
    """The text of a reply for a ticket, its placeholders filled in."""
    found = worker()
    reply = canned.one(reply_id, staff_id=found.staff_id if found else None)
    return canned.fill(
        reply.text,
        {
            "requester": ticket.requester.name if ticket.requester else "",
            "number": str(ticket.number),
            "subject": ticket.subject,
            "company": ticket.company.name,
            "agent": current_user.get_full_name(),
            "agency": the_agency().name,
        },
    )


@blueprint.get("/tickets/<int:number>/canned/<int:reply_id>")
@requires("edit", "Tickets")
def text(number: int, reply_id: int) -> Any:
    """A reply filled in, as plain text for the composer."""
    answer = filled(reply_id, queries.ticket(number))
    return answer, {"Content-Type": "text/plain; charset=utf-8"}


@blueprint.get("/canned/")
@requires("edit", "Tickets")
def index() -> str:
    """The replies one may use, and a form: new, to `?change=<id>`, or beginning as `?copy=<id>`."""
    return _page(request.args)


@blueprint.post("/canned/")
@requires("edit", "Tickets")
def save() -> Any:
    """Keep a reply, or delete it."""

    def act() -> tuple[str, str]:
        staff_id, curates = own_staff_id(), may("curate", "Tickets")
        reply_id = request.form.get("reply", type=int)
        reply = canned.one(reply_id, staff_id=staff_id) if reply_id else None
        if reply is not None and request.form.get("do") == "delete":
            canned.remove(reply, actor=desk_actor(), staff_id=staff_id, curates=curates)
            return url_for("canned.index"), "The reply is deleted."
        canned.save(
            actor=desk_actor(),
            name=request.form.get("name", ""),
            text=request.form.get("text", ""),
            shared="shared" in request.form,
            staff_id=staff_id,
            reply=reply,
            curates=curates,
        )
        return url_for("canned.index"), "Saved."

    def again(error: RuleError) -> tuple[str, int]:
        return _page(request.form, error.problems), 422

    return carry_out(act, back=url_for("canned.index"), again=again)


def _page(typed: Any, problems: tuple[str, ...] = ()) -> str:
    found = worker()
    staff_id, curates = found.staff_id if found else None, may("curate", "Tickets")

    def changeable(reply: CannedReply) -> bool:
        return sharing.may_change(reply, staff_id=staff_id, curates=curates)

    wanted = typed.get("reply" if problems else "change", type=int) or typed.get("copy", type=int)
    beginning = canned.one(wanted, staff_id=staff_id) if wanted else None
    return render_template(
        "desk/tickets/canned.html",
        replies=canned.of(staff_id),
        beginning=beginning,
        is_change=beginning is not None and "copy" not in typed and changeable(beginning),
        changeable=changeable,
        typed=typed,
        problems=problems,
        placeholders=canned.PLACEHOLDERS,
        new_nonce=forms.new_nonce,
    )
