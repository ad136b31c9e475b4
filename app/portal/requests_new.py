"""A new support request."""

from typing import Any

from flask import render_template, request, url_for

from app.core import forms
from app.core.errors import RuleError
from app.portal import blueprint, client
from app.portal.posting import carry_out
from app.portal.requests import LONGEST_ID, chosen_ids, uploads
from app.tickets import client_commands, client_queries
from app.tickets.client_rules import URGENCIES


@blueprint.route("/requests/new", methods=["GET", "POST"])
def new_request() -> Any:
    """The form, and what it opens: a request of one's own, for a company of one's own."""
    me = client.current()
    if request.method == "GET":
        return _form(me)

    def open_it() -> tuple[str, str]:
        urgency = request.form.get("urgency", "normal")
        ticket = client_commands.open_request(
            actor=me.actor,
            subject=request.form.get("subject", ""),
            text=request.form.get("text", ""),
            company_id=_company(me),
            priority=urgency if urgency in {key for key, _, _ in URGENCIES} else "normal",
            files=uploads(request.files.getlist("files")),
            notify=chosen_ids("notify"),
        )
        return url_for("portal.request_page", number=ticket.number), (
            f"Request #{ticket.number} is with us. You can add to it here at any time."
        )

    return carry_out(
        open_it,
        back=url_for("portal.new_request"),
        again=lambda error: (_form(me, error.problems), 422),
    )


def _company(me: client.Client) -> int | None:
    """The company chosen, which is one of the client's own; None where there is no choice."""
    text = request.form.get("company", "")
    if not text:
        return None
    chosen = int(text) if text.isdecimal() and len(text) <= LONGEST_ID else 0
    if chosen not in me.viewer.company_ids:
        raise RuleError("This company is none of yours: choose one of the list.")
    return chosen


def _form(me: client.Client, problems: tuple[str, ...] = ()) -> str:
    return render_template(
        "portal/request_new.html",
        me=me,
        companies=client_queries.companies(me.viewer),
        colleagues=client_queries.colleagues(me.viewer),
        urgencies=URGENCIES,
        typed=request.form,
        ticked=set(chosen_ids("notify")),
        problems=problems,
        nonce=forms.new_nonce(),
    )
