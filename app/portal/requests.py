"""Support requests: the list, one of them, and what a client does with it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from flask import render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from app.communications import actions_queries
from app.core import clock, filetypes, forms
from app.core.access import Viewer
from app.core.downloads import download
from app.core.errors import RuleError
from app.core.words import by_field, say
from app.estimates.request_page import beside
from app.portal import blueprint, client
from app.portal.posting import carry_out, taken
from app.tickets import (
    client_commands,
    client_queries,
    queries,
    request_queries,
    subscribing,
)
from app.tickets.client_rules import SCORES
from app.tickets.commands import Upload
from app.tickets.models import Event, Ticket
from app.tickets.rules import CLOSED

EVENTS, WHOLE = 50, 1_000
MOST_PAGES = 10_000
LONGEST_ID = 18


def uploads(files: list[FileStorage]) -> list[Upload]:
    """The files that were chosen; a field left empty comes as a file without a name."""
    found = []
    for file in files:
        if file.filename:
            file.seek(0)  # read before, where the same form is carried out again
            content = file.read()
            found.append(Upload(file.filename, content, filetypes.of(content)))
    return found


def chosen_ids(name: str) -> list[int]:
    """The ids of ticked boxes."""
    texts = request.form.getlist(name)
    return [int(text) for text in texts if text.isdecimal() and len(text) <= LONGEST_ID]


@blueprint.get("/requests/")
def requests() -> Any:
    """The list in one of its views; the filters stand in the address."""
    me = client.current()
    view = request.args.get("status", "open")
    wanted = client_queries.Wanted(
        view=view if view in client_queries.VIEWS else "open",
        mine=request.args.get("whose") == "mine",
        words=request.args.get("q", ""),
        page=min(max(request.args.get("page", 1, type=int), 1), MOST_PAGES),
    )
    asked = actions_queries.tickets_waiting_on(me.viewer)
    return render_template(
        "portal/requests.html",
        me=me,
        wanted=wanted,
        asked=asked,
        found=client_queries.listed(me.viewer, wanted, asked=asked),
        now=clock.now(),
    )


@blueprint.get("/requests/<int:number>")
def request_page(number: int) -> Any:
    """One request.

    `?earlier=<seq>` shows the messages before that one, `?whole` all of them (the newest 1,000).
    """
    most = WHOLE if "whole" in request.args else EVENTS
    return page(number, earlier=request.args.get("earlier", type=int), most=most)


def page(
    number: int,
    *,
    earlier: int | None = None,
    most: int = EVENTS,
    refused: str = "",
    problems: tuple[str, ...] = (),
    carried: str = "",
) -> str:
    """One request; with the form that was `refused` (answer, rate or login) as it was sent.

    `carried` is the sealed password of a refused login.
    """
    me = client.current()
    ticket = client_queries.ticket(me.viewer, number)
    followers = client_queries.followers(me.viewer, ticket.id)
    there = {one.contact_id for one in followers} | {ticket.requester_id}
    is_completed, may_reopen = ticket.category == "completed", client_commands.may_reopen(ticket)
    more = beside(me.viewer, ticket)
    events = client_queries.events(me.viewer, ticket.id, before=earlier, most=most)
    return render_template(
        "portal/request.html",
        me=me,
        ticket=ticket,
        needed=() if is_completed else actions_queries.waiting_on(me.viewer, ticket_id=ticket.id),
        events=events,
        opened_by=_opened_by(ticket, events),
        since=None if earlier else _since(events),
        most=most,
        earlier=earlier,
        followers=followers,
        own=next((one for one in followers if one.contact_id == me.id), None),
        colleagues=[one for one in client_queries.colleagues(me.viewer) if one[0] not in there],
        is_merged=ticket.merged_into_id is not None,
        merged_into=more.merged_into,
        follows=more.follows,
        now=clock.now(),
        rating=client_queries.rating(me.viewer, ticket.id) if is_completed else None,
        may_reopen=may_reopen,
        goes_on=None if may_reopen else more.goes_on,
        answers=request_queries.answers_of(ticket, for_client=True),
        estimates=more.estimates,
        logins=more.logins,
        seconds=more.seconds if me.agency.portal_shows_time else None,
        scores=SCORES,
        typed=request.form if refused else {},
        refused=refused,
        problems=problems,
        faults=by_field(problems),
        carried=carried,
        nonce=forms.new_nonce,
    )


def _opened_by(ticket: Ticket, events: Sequence[Event]) -> str:
    """Who of the agency opened a request, as far as its first message is shown and tells."""
    first = next((each for each in events if each.kind == "message"), None)
    if ticket.origin != "desk" or first is None or events[0].seq > 1 or first.staff_id is None:
        return ""
    return first.actor_name


def _since(events: Sequence[Event]) -> datetime | None:
    """Since when a request is in its present state, as far as its newest messages tell.

    A status that was taken back at once changed nothing.
    """
    changes = (each for each in reversed(events) if each.kind == "status")
    for each in changes:
        if not each.payload.get("undone"):
            return each.at
        next(changes, None)
    return None


@blueprint.post("/requests/<int:number>/answer")
def answer(number: int) -> Any:
    """Write on a request; a closed one opens again, or goes on as a new one."""
    me = client.current()
    text = request.form.get("text", "")
    files = uploads(request.files.getlist("files"))

    def act() -> tuple[str, str]:
        ticket = client_queries.answerable(me.viewer, number)
        is_open = ticket.category not in CLOSED  # to write the same again opens a closed one
        if is_open and queries.was_just_said(ticket.id, text, actor=me.actor):
            if files:
                raise RuleError(
                    say("This text was sent already: take it out to send the files alone.")
                )
            here = f"{url_for('portal.request_page', number=number)}#answer"
            return taken(here), say("It was sent already.")
        answered = client_commands.reply_as_contact(ticket, actor=me.actor, text=text, files=files)
        there = taken(url_for("portal.request_page", number=answered.ticket.number))
        if answered.is_new:
            return there, (
                say(
                    "Request #%(number)s was closed a while ago; your message is now request"
                    " #%(other)s, which follows it.",
                    number=number,
                    other=answered.ticket.number,
                )
            )
        if answered.ticket.number != number:
            return there, say(
                "Request #%(number)s goes on as this one, which has your message now.",
                number=number,
            )
        return f"{there}#answer", say("Your message is sent.")

    back = url_for("portal.request_page", number=number)
    return carry_out(act, back=back, again=_answer_again(number))


def _answer_again(number: int) -> Callable[[RuleError], tuple[str, int]]:
    """The request with the answer that was refused, as it was typed."""
    return lambda error: (page(number, refused="answer", problems=error.problems), 422)


@blueprint.post("/requests/<int:number>/solved")
def solved(number: int) -> Any:
    """Say that it is solved; what stands in the form of an answer goes along as the last word."""
    text = request.form.get("text", "")
    files = uploads(request.files.getlist("files"))

    def do(me: client.Client, ticket: Ticket) -> str:
        is_said = not files and queries.was_just_said(ticket.id, text, actor=me.actor)
        client_commands.solve_as_contact(
            ticket, actor=me.actor, text="" if is_said else text, files=files
        )
        if text.strip() or files:
            return say("Thank you. Your message is sent, and the request is closed.")
        return say("Thank you. The request is closed.")

    return _change(number, do, again=_answer_again(number), takes=True)


@blueprint.post("/requests/<int:number>/reopen")
def reopen(number: int) -> Any:
    """Say that it is not solved after all; what stands in the form of an answer says why."""
    if request.form.get("text", "").strip() or uploads(request.files.getlist("files")):
        return answer(number)

    def do(me: client.Client, ticket: Ticket) -> str:
        client_commands.reopen_as_contact(ticket, actor=me.actor)
        return say("The request is open again. Tell us what is still not right.")

    return _change(number, do, find=client_queries.answerable)


@blueprint.post("/requests/<int:number>/rate")
def rate(number: int) -> Any:
    """Say how the result was."""

    def do(me: client.Client, ticket: Ticket) -> str:
        client_commands.rate_as_contact(
            ticket,
            actor=me.actor,
            score=request.form.get("score", 0, type=int),
            text=request.form.get("comment", ""),
        )
        return say("Thank you for telling us.")

    def again(error: RuleError) -> tuple[str, int]:
        return page(number, refused="rate", problems=error.problems), 422

    return _change(number, do, find=client_queries.answerable, again=again)


@blueprint.post("/requests/<int:number>/followers")
def follow(number: int) -> Any:
    """Add or remove colleagues, and one's own mails."""

    def do(me: client.Client, ticket: Ticket) -> str:
        form, removed, added = request.form, chosen_ids("remove"), chosen_ids("add")
        if ticket.requester_id in removed:
            raise RuleError(say("Who made a request always follows it."))
        changed = [
            subscribing.unsubscribe(ticket, actor=me.actor, contact_id=gone) for gone in removed
        ]
        changed += [
            subscribing.subscribe(ticket, actor=me.actor, contact_id=new, source="colleague")
            for new in added
            if new != ticket.requester_id
        ]
        if form.get("mails") in {"on", "off"}:
            subscribing.mute(ticket, contact_id=me.id, muted=form["mails"] == "off")
            changed.append(True)
        elif not (added or removed):
            raise RuleError(say("Nobody is chosen: tick a colleague."))
        return say("Saved.") if any(changed) else say("Nothing has changed: it was so already.")

    find = client_queries.answerable if chosen_ids("add") else client_queries.held
    return _change(number, do, find=find)


def _change(
    number: int,
    do: Callable[[client.Client, Ticket], str],
    *,
    find: Callable[[Viewer, int], Ticket] = client_queries.held,
    again: Callable[[RuleError], tuple[str, int]] | None = None,
    takes: bool = False,
) -> Any:
    """Do something with a request; `takes` says that what was typed to answer it went along."""
    me = client.current()
    here = url_for("portal.request_page", number=number)

    def act() -> tuple[str, str]:
        ticket = find(me.viewer, number)
        said = do(me, ticket)
        still = client_queries.sees(me.viewer, number)
        there = here if still else url_for("portal.requests")
        return (taken(there) if takes else there), said

    return carry_out(act, back=here, again=again)


@blueprint.get("/files/<int:attachment_id>")
def file(attachment_id: int) -> Response:
    """A file as a download: typed by its bytes, never shown in the page's place, never run."""
    found = client_queries.attachment(client.current().viewer, attachment_id)
    return download(found.file, found.name)
