"""What is formally asked of a client, answered in the portal or by the signed link of the mail.

A GET only shows; the POST answers, once. Who follows the link need not sign in: it is for one
request and one contact.
"""

from collections.abc import Sequence
from typing import Any

from flask import redirect, render_template, request, url_for

from app.communications import action_links, actions, actions_queries
from app.communications.action_models import ActionRequest
from app.communications.actions_rules import (
    ESTIMATE,
    Given,
    ends_at,
    is_overdue,
)
from app.companies import accounts
from app.companies import queries as companies
from app.companies.visibility import nobody, viewer_of
from app.core import clock, forms
from app.core.access import Viewer
from app.core.audit import Actor
from app.core.errors import NotFoundError, RuleError
from app.core.given_back import written
from app.core.language import told
from app.core.logs import request_id
from app.core.posting import unit_of_work
from app.core.words import by_field, say
from app.estimates import queries as estimates
from app.estimates import signing_in
from app.estimates.models import Estimate
from app.estimates.queries import Shown
from app.estimates.rules import REASONS, reason_in_words
from app.portal import blueprint, client, door, logins, reader
from app.portal.posting import carry_out
from app.portal.requests import uploads
from app.tickets import client_queries
from app.tickets.logins import Typed
from app.tickets.rules import clean_text
from app.vault.sealing import Secret

FOR = say("It was to answer what we asked of you.")
WRITE_TO_US = say("If it still matters, write to us: answer any of our mails, or sign in.")
INVITED = say(
    "An invitation is on its way to your e-mail address. Accept it, and you come back to this"
    " estimate."
)
SIGN_IN_FIRST = say("To approve this much you sign in first: use the button for it.")
NOTHING_CHOSEN = say("Nothing is chosen: choose one of these, or write why in your words.").at(
    "why"
)
REPLACEABLE = {"declined", "expired", "withdrawn", "superseded"}  # a newer version may be open
LOGIN = ("label", "url", "user", "secret", "note", "carried")
WAYS_IN = ("sign_in", "invite")
DONE = {"answered": 200, "declined": 200, "cancelled": 410, "expired": 410}


@blueprint.get("/actions/<int:action_id>")
def action(action_id: int) -> str:
    """One request by itself, with its form or what became of it."""
    return _own_page(action_id)


@blueprint.post("/actions/<int:action_id>")
def answer_action(action_id: int) -> Any:
    """Answer or decline; of an offer, show what it comes to with what is ticked."""
    me = client.current()
    if request.form.get("do") == "total":
        return _own_page(action_id)

    def act() -> tuple[str, str]:
        asked = actions_queries.locked(actions_queries.of_viewer(me.viewer, action_id))
        _answer(asked, me.actor)
        number = asked.ticket.number
        there = url_for("portal.action", action_id=action_id)
        if client_queries.sees(me.viewer, number):
            there = url_for("portal.request_page", number=number)
        return there, say("Thank you. Your answer is with us.")

    return carry_out(
        act,
        back=url_for("portal.action", action_id=action_id),
        again=lambda error: (_own_page(action_id, error.problems), 422),
    )


def _own_page(action_id: int, problems: tuple[str, ...] = ()) -> str:
    me = client.current()
    asked = actions_queries.of_viewer(me.viewer, action_id)
    return render_template(
        "portal/action.html",
        me=me,
        problems=problems,
        nonce=forms.new_nonce(),
        ticket_is_seen=client_queries.sees(me.viewer, asked.ticket.number),
        **_shown(asked, me.viewer, problems),
    )


@door.route("/action/<secret>", methods=["GET", "POST"])
def by_link(secret: str) -> Any:
    """The request of a mailed link, with its form; one that has ended says how."""
    found = of_link(secret)
    if found is None:
        return render_template("portal/link_unknown.html"), 404
    action_id, viewer = found
    reader.follow(viewer.id)
    try:
        asked = _of_follower(actions_queries.of_viewer(viewer, action_id), viewer)
        leads_on = request.form.get("do") in WAYS_IN and _is_open(asked)
        way = _way_in(asked, viewer) if leads_on else ""
        if way:
            return _lead_on(asked, way)
        if request.method == "POST" and request.form.get("do") != "total":
            with unit_of_work():
                _answer_by_link(asked, viewer)
    except NotFoundError:
        return gone()
    except RuleError as error:
        asked = actions_queries.of_viewer(viewer, action_id)
        return _link_page(asked, viewer, secret, error.problems), 422 if _is_open(asked) else 409
    asked = actions_queries.of_viewer(viewer, action_id)
    is_late = asked.state == "asked" and not _is_open(asked)
    return _link_page(asked, viewer, secret), 410 if is_late else DONE.get(asked.state, 200)


def of_link(secret: str) -> tuple[int, Viewer] | None:
    """Which request a mailed link is about, and who follows it; None for no link of ours.

    A contact whose access was taken away is nobody, and so is who reads at an address that the
    contact has no longer. Whoever holds the link sees no more by it than the contact sees of that
    one request.
    """
    link = action_links.read(secret)
    if link is None:
        return None
    is_in = not accounts.was_closed(link.contact_id)
    is_theirs = is_in and link.went_to(companies.addresses_of(link.contact_id))
    return link.action_id, viewer_of(link.contact_id) if is_theirs else nobody()


def is_handed_on(asked: ActionRequest, viewer: Viewer) -> bool:
    """Whether somebody else is asked now: the link of who was asked before has ended."""
    return asked.state == "asked" and asked.contact_id != viewer.id


def gone() -> tuple[str, int]:
    """The page of a link whose request is no longer open to whoever follows it.

    What they wrote until then is given back.
    """
    page = {"purpose": FOR, "is_gone": True, "next_step": WRITE_TO_US}
    return render_template("portal/link_spent.html", written=written(request.form), **page), 404


def _of_follower(asked: ActionRequest, viewer: Viewer) -> ActionRequest:
    """The request itself. Raises `NotFoundError` where somebody else is asked now.

    Approvers and managers still see such a request, but answer it signed in: what is answered by
    the link counts as the answer of who is asked.
    """
    if is_handed_on(asked, viewer):
        raise NotFoundError("Somebody else is asked now.")
    return asked


def _link_page(
    asked: ActionRequest, viewer: Viewer, secret: str, problems: tuple[str, ...] = ()
) -> str:
    shown = _shown(asked, viewer, problems)
    way = _way_in(asked, viewer) if shown["is_open"] else ""
    newer = shown["newer"]
    is_theirs = newer is not None and newer.action.contact_id == viewer.id
    return render_template(
        "portal/action_link.html",
        problems=problems,
        secret=secret,
        leads_on=way,
        zone=companies.readings_of([asked.contact_id])[asked.contact_id].zone,
        newer_url=action_links.url_beside(secret, newer.action_id) if is_theirs else "",
        **shown,
    )


def _answer_by_link(asked: ActionRequest, viewer: Viewer) -> None:
    asked = _of_follower(actions_queries.locked(asked), viewer)
    if request.form.get("do") == "answer" and _is_open(asked) and _way_in(asked, viewer):
        raise RuleError(SIGN_IN_FIRST)
    actor = Actor(
        name=asked.contact.name, channel="portal", contact_id=viewer.id, request_id=request_id()
    )
    _answer(asked, actor)


def _way_in(asked: ActionRequest, viewer: Viewer) -> str:
    """How one comes into the portal to approve what a link alone does not; else empty."""
    offered = _offered(asked, viewer)
    if offered is None or not signing_in.is_asked(offered.estimate):
        return ""
    return "sign_in" if accounts.account_of(viewer.id) else "invite"


def _lead_on(asked: ActionRequest, way: str) -> Any:
    """On to the same offer in the portal, with what is ticked."""
    ticked = request.form.getlist("chosen")
    there = url_for("portal.action", action_id=asked.id, chosen=ticked)
    if way == "sign_in":
        return redirect(there)
    with unit_of_work():
        accounts.invite(accounts.acting(asked.contact), asked.contact, target=there)
    return render_template("portal/sent.html", text=told(INVITED), email="")


def _offered(asked: ActionRequest, viewer: Viewer) -> Shown | None:
    return estimates.seen_of_action(viewer, asked.id) if asked.kind == ESTIMATE else None


def _shown(asked: ActionRequest, viewer: Viewer, problems: Sequence[str]) -> dict[str, Any]:
    offered = _offered(asked, viewer)
    ticked = _ticked(offered.estimate) if offered else []
    return {
        "offered": offered,
        "ticked": ticked,
        "sums": offered.estimate.sums(ticked) if offered else None,
        "faults": by_field(problems),
        "action": asked,
        "is_open": _is_open(asked),
        "is_replaced": offered is not None and offered.estimate.state == "superseded",
        "newer": estimates.sent_after(viewer, offered.estimate)
        if offered and offered.estimate.state in REPLACEABLE
        else None,
        "is_overdue": is_overdue(asked.state, asked.due_at, clock.now()),
        "typed": request.form,
        "carried": logins.carry(_login(viewer.id).secret.secret, viewer.id) if problems else "",
    }


def _is_open(asked: ActionRequest) -> bool:
    """Whether an answer is still taken; the job that ends what is overdue may come later."""
    return asked.state == "asked" and clock.now() < ends_at(asked.kind, asked.due_at)


def _ticked(estimate: Estimate) -> list[int]:
    """The optional lines that are ticked in the form or the address; what is none is left out."""
    typed = request.values.getlist("chosen")
    return [key for key in estimate.optional_keys if str(key) in typed]


def _answer(asked: ActionRequest, actor: Actor) -> None:
    form = request.form
    actions.answer(
        asked,
        actor=actor,
        deed=form.get("do", ""),
        given=_given_to_offer(asked) if asked.kind == ESTIMATE else _given(),
        files=uploads(request.files.getlist("files")),
        login=_login(actor.contact_id or 0),
        name=form.get("name", ""),
        ip=request.remote_addr or "",
    )


def _login(contact_id: int) -> Typed:
    """The login beside the answer, its password maybe as it came back to this contact."""
    typed = {part: request.form.get(f"login-{part}", "") for part in LOGIN}
    password = typed["secret"] or logins.carried(typed["carried"], contact_id)
    secret = Secret(typed["user"].strip(), password, typed["note"])
    return Typed(typed["label"], typed["url"], secret)


def _given() -> Given:
    form = request.form
    return Given(choice=form.get("choice", ""), text=form.get("text", ""))


def _given_to_offer(asked: ActionRequest) -> Given:
    """What is approved, or why not: either panel of the form has fields of its own.

    Raises `RuleError` where none of the reasons that are offered is chosen, and none is written.
    """
    form = request.form
    if form.get("do") == "decline":
        is_chosen = form.get("why") in REASONS or form.get("text", "").strip()
        if _is_open(asked) and not is_chosen:
            raise RuleError(NOTHING_CHOSEN)
        reason = reason_in_words(form.get("why", ""), clean_text(form.get("text", "")))
        return Given(text=reason, more={"again": form.get("again", "")})
    names = ("seen", "purchase_order")
    more = {name: form[name] for name in names if name in form}
    chosen = " ".join(form.getlist("chosen"))
    return Given(text=form.get("comment", ""), more={**more, "chosen": chosen})
