"""Asking a client for something formally (ACTION), the answer, and the end of it.

The caller opens the unit of work. Whoever ends a request holds its ticket first, then the request
(`actions_queries.locked`), so of any number of answers at once one counts.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from app.communications import action_letters, actions_rules
from app.communications import actions_queries as queries
from app.communications.action_letters import PLAIN, Letter
from app.communications.action_models import ActionReminder, ActionRequest
from app.communications.actions_rules import Given
from app.companies import accounts
from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError
from app.core.formats import day
from app.core.words import Words, kept_beside, say
from app.tickets import (
    commands,
    happenings,
    logins,
    merged,
    notifications,
    rules,
    sla_clocks,
    timeline,
)
from app.tickets import queries as ticket_queries
from app.tickets.commands import Upload
from app.tickets.mail_queries import Reader
from app.tickets.models import Event, Ticket
from app.tickets.subscribing import ensure_subscribed


@dataclass(frozen=True, slots=True)
class Ending:
    """How a request ends: the deed (`actions_rules.ENDS`), whose it is, what they wrote.

    `more` is what the answer to this kind of request holds besides, `heard` the sentence that says
    to whom and how it was told, where staff noted it.
    """

    deed: str
    by: str
    text: str = ""
    more: Mapping[str, str] = field(default_factory=dict)
    heard: str = ""


Conclusion = Callable[[ActionRequest, Ending, Actor], Mapping[str, str]]
Check = Callable[[ActionRequest, Given], Sequence[str]]
_conclusions: dict[str, Conclusion] = {}
_checks: dict[str, Check] = {}


def concludes(kind: str) -> Callable[[Conclusion], Conclusion]:
    """Register what ends together with requests of a kind, in the same transaction.

    It may raise `RuleError`, and answers what the hash of the answer is to cover besides.
    """

    def register(conclusion: Conclusion) -> Conclusion:
        _conclusions[kind] = conclusion
        return conclusion

    return register


def checks(kind: str) -> Callable[[Check], Check]:
    """Register what else may be wrong with an answer to a kind, to be told with all the rest."""

    def register(check: Check) -> Check:
        _checks[kind] = check
        return check

    return register


def ask(
    ticket: Ticket,
    *,
    actor: Actor,
    kind: str,
    contact_id: int | None,
    text: str,
    due_on: date | None,
    options: Sequence[str] = (),
    letter: Letter = PLAIN,
) -> ActionRequest:
    """Ask a contact of the ticket's company for something by the end of a local day.

    They follow the ticket from then on, are mailed by the `letter`, and the ticket waits for them.
    A person who asks has answered, as by a reply. Raises `RuleError` with every reason at once.
    """
    zone = queries.zone_of(ticket)
    chosen = [line for option in options if (line := rules.clean_line(option))]
    problems = actions_rules.asking_problems(
        kind=kind, text=text, options=chosen, due_on=due_on, today=clock.today(zone)
    )
    reader, more = whom(ticket, contact_id)
    problems += more
    if problems or reader is None or contact_id is None or due_on is None:
        raise RuleError(*problems)
    said = _clean(text)
    line = say(actions_rules.ASKING[kind], name=reader.name, day=due_on)
    event = tell(ticket, actor, line, said)
    action = ActionRequest(
        ticket_id=ticket.id,
        event_id=event.id,
        company_id=ticket.company_id,
        contact_id=contact_id,
        staff_id=actor.staff_id,
        asked_by=actor.name,
        kind=kind,
        text=said,
        options=chosen if kind == "choose" else [],
        due_on=due_on,
        zone=zone,
        due_at=actions_rules.end_of(due_on, zone),
    )
    db.session.add(action)
    db.session.flush()
    plan_reminders(action)
    ensure_subscribed(ticket, contact_id=contact_id, source="staff")
    if actor.staff_id is not None:
        sla_clocks.answered(ticket.id)
    if ticket.category in {"new", "open"}:
        waiting = ticket_queries.first_status("waiting")
        commands.set_status(ticket, actor=actor, status=waiting)
    if actor.channel != notifications.DEMO:
        action_letters.post(letter, action, event, reader)
    record(actor, "action.ask", kind="ticket", id=ticket.id, after={"action": action.id})
    return action


def plan_reminders(action: ActionRequest) -> None:
    """Write the steps by which who is asked is reminded from now on."""
    plan = actions_rules.reminder_plan(
        action.due_on, action.zone, asked_at=clock.now(), kind=action.kind
    )
    db.session.add_all(
        ActionReminder(action_id=action.id, step=step, due_at=at) for step, at in plan.items()
    )


def answer(
    action: ActionRequest,
    *,
    actor: Actor,
    deed: str,
    given: Given,
    files: Sequence[Upload] = (),
    login: logins.Typed | None = None,
    name: str = "",
    ip: str = "",
) -> Event:
    """Answer or decline, as the contact who acts; `action` is held (`actions_queries.locked`).

    A `login` typed beside an answer in words goes to the vault. Another one than who was asked does
    so in their place, which is written down. `name` is who says so, the contact's own unless
    another is typed. Raises `RuleError` when it was ended before, or with every reason why the
    answer does not do.
    """
    if deed not in {"answer", "decline"}:
        raise RuleError(
            say("It is not said whether you answer or decline: use one of the buttons.")
        )
    actions_rules.ended(action.state, deed)
    if clock.now() >= actions_rules.ends_at(action.kind, action.due_at):
        raise RuleError(
            say(
                "This was to be answered by %(day)s and is over: write to us if it still matters.",
                day=action.due_on,
            )
        )
    taken = files if deed == "answer" and action.kind == "upload" else ()
    handed = login if deed == "answer" and action.kind == "fill" else None
    handed = None if handed is None or handed.is_empty else handed
    names = tuple(rules.file_name(file.name) for file in taken)
    given = replace(given, files=names, has_login=handed is not None)
    problems = _answer_problems(action, deed, given)
    name = rules.clean_line(name) or actor.name
    problems += actions_rules.name_problems(name)
    problems += handed.problems if handed else []
    if taken:
        problems += commands.sayable_problems(given.text, "comment", taken)
    if problems:
        raise RuleError(*problems)
    outcome = actions_rules.outcome(action.kind, deed, given)
    asked = action.contact.name if actor.contact_id != action.contact_id else ""
    line = outcome
    if name != actor.name:
        line = say("%(outcome)s, signed %(name)s", outcome=outcome, name=name)
    if asked:
        line = say("%(outcome)s, in place of %(name)s", outcome=line, name=asked)
    said = _clean(given.text)
    event = tell(action.ticket, actor, line, said, about=action)
    commands.keep_files(event, taken)
    files_kept = [
        {"name": file_name, "sha256": hashlib.sha256(file.content).hexdigest()}
        for file_name, file in zip(given.files, taken, strict=True)
    ]
    more: dict[str, Any] = {"files": files_kept, **({"in_place_of": asked} if asked else {})}
    if handed:
        kept = logins.hand_over(
            action.ticket, actor=actor, label=handed.label, url=handed.url, secret=handed.secret
        )
        more["login"] = kept.label
    _settle(action, Ending(deed, name, str(said), given.more), actor, given, more, ip=ip)
    if actor.channel != notifications.DEMO:
        action_letters.tell_askers(action, event, actor.name, line)
    _was_ended(action, event, actor)
    record(
        actor,
        f"action.{deed}",
        kind="ticket",
        id=action.ticket_id,
        after={"action": action.id, "by": name, "ip": ip, "hash": action.content_hash},
    )
    return event


def note(
    action: ActionRequest, *, actor: Actor, deed: str, given: Given, heard: actions_rules.Heard
) -> Event:
    """Answer or decline on the client's word, as staff who heard it; `action` is held.

    It counts as their own answer would. Who was asked and the contacts who follow the ticket are
    mailed what was noted, so that they can object. Raises `RuleError` with every reason at once.
    """
    heard = replace(heard, by=rules.clean_line(heard.by))
    asked_at = min(action.created_at, action.event.at)  # handing on tells anew that it was asked
    asked_on = asked_at.astimezone(ZoneInfo(action.zone)).date()
    problems = actions_rules.heard_problems(
        heard, asked_on=asked_on, today=clock.today(action.zone)
    )
    problems += _answer_problems(action, deed, given)
    if clock.now() >= actions_rules.ends_at(action.kind, action.due_at):
        problems.append(
            f"It was to be answered by {day(action.due_on)} and is over: ask once more."
        )
    if problems or heard.on is None:
        raise RuleError(*problems)
    outcome, how = actions_rules.outcome(action.kind, deed, given), actions_rules.HEARD[heard.how]
    line = say(
        "%(name)s %(outcome)s (%(how)s, %(day)s)",
        name=heard.by,
        outcome=outcome,
        how=how,
        day=heard.on,
    )
    said = _clean(given.text)
    event = tell(action.ticket, actor, say("noted: %(answer)s", answer=line), said, about=action)
    told_to = say("Told to %(name)s %(how)s on %(day)s.", name=actor.name, how=how, day=heard.on)
    ending = Ending(deed, heard.by, str(said), given.more, told_to)
    _settle(action, ending, actor, given, {"files": [], "heard": str(told_to)})
    values = {"outcome": line}
    key = f"action:{action.id}:noted"
    told = notifications.Occasion("action_noted", action.ticket, event, actor.name, key, values)
    notifications.post(
        replace(told, message=action_letters.asked_text(action)), queries.clients_of(action)
    )
    for_staff = f"{outcome} {how}, as {actor.name} noted"
    action_letters.tell_askers(action, event, heard.by, for_staff, but=actor)
    _was_ended(action, event, actor)
    after = {"action": action.id, "by": heard.by, "heard": str(told_to)}
    after["hash"] = action.content_hash or ""
    record(actor, f"action.note.{deed}", kind="ticket", id=action.ticket_id, after=after)
    return event


def _answer_problems(action: ActionRequest, deed: str, given: Given) -> list[str]:
    problems = actions_rules.answer_problems(action.kind, action.options, deed, given)
    if deed == "answer" and action.kind in _checks:
        problems += _checks[action.kind](action, given)
    return problems


def cancel(action: ActionRequest, *, actor: Actor) -> None:
    """Take a request back; the contact is told. Raises `RuleError` when it has ended."""
    _end(action, actions_rules.ended(action.state, "cancel"), by=actor.name)
    _conclude(action, Ending("cancel", actor.name), actor)
    event = tell(
        action.ticket,
        actor,
        say("took a request to the client back"),
        action_letters.asked_text(action),
    )
    reader = queries.reader_of(action.contact_id, action.ticket)
    if reader is not None:
        action_letters.post(Letter("action_cancelled"), action, event, reader)
    _wait_no_more(action, actor)
    record(actor, "action.cancel", kind="ticket", id=action.ticket_id, after={"action": action.id})


def supersede(action: ActionRequest, *, actor: Actor) -> None:
    """End a request that another one takes the place of, of which the contact is told then."""
    _end(action, actions_rules.ended(action.state, "cancel"), by=actor.name)
    record(actor, "action.replace", kind="ticket", id=action.ticket_id, after={"action": action.id})


def expire(action: ActionRequest, *, by_us: Actor) -> None:
    """End a request that nobody answered, as the agency; whoever asked is told."""
    _end(action, actions_rules.ended(action.state, "expire"), by=by_us.name)
    _conclude(action, Ending("expire", by_us.name), by_us)
    line = say("closed a request that was not answered in time")
    event = tell(action.ticket, by_us, line, action_letters.asked_text(action))
    _wait_no_more(action, by_us)
    if not action.ticket.is_demo:
        action_letters.tell_askers(
            action, event, action.contact.name, say("did not answer in time")
        )


def whom(ticket: Ticket, contact_id: int | None) -> tuple[Reader | None, list[str]]:
    """Where mails to somebody who is to be asked go, and why they cannot be asked."""
    problems = merged.problems(ticket)
    if ticket.category in rules.CLOSED and not problems:
        problems.append(f"#{ticket.number} is closed: open it again before you ask for something.")
    if contact_id is None:
        return None, [*problems, "Nobody is chosen: choose whom you ask."]
    if not ticket_queries.belongs(contact_id, ticket.company_id):
        return None, [*problems, "That person does not belong to the ticket's company: choose one."]
    reader = queries.reader_of(contact_id, ticket)
    if accounts.was_closed(contact_id):
        problems.append(
            "That person's access to the portal was taken away, so that no answer is possible: "
            "invite them again or choose another one."
        )
    elif reader is None:
        problems.append("That person has no e-mail address, or is archived: choose another one.")
    return reader, problems


def _clean(text: str) -> str:
    """What somebody wrote as it is kept; words of ours stay what they are."""
    return text if isinstance(text, Words) else rules.clean_text(text)


def tell(
    ticket: Ticket, actor: Actor, line: str, text: str, *, about: ActionRequest | None = None
) -> Event:
    """Write on the timeline, for clients too, what was asked or became of it.

    An answer names what it is `about`: several things may be asked at once.
    """
    asked = {"about": action_letters.in_short(about)} if about is not None else {}
    return timeline.append(
        ticket,
        actor=actor,
        kind="action",
        payload={"line": line, "text": text, **asked, **kept_beside(line=line, text=text)},
        visibility="client",
        contact_id=actor.contact_id,
    )


def _end(action: ActionRequest, state: str, *, by: str, ip: str = "") -> None:
    action.state, action.ended_at, action.ended_by, action.ended_ip = state, clock.now(), by, ip


def _settle(
    action: ActionRequest,
    ending: Ending,
    actor: Actor,
    given: Given,
    more: Mapping[str, Any],
    *,
    ip: str = "",
) -> None:
    """End a request with an answer, what ends with it, and the hash of both sides."""
    state = actions_rules.ended(action.state, ending.deed)
    concluded = _conclude(action, ending, actor)
    _end(action, state, by=ending.by, ip=ip)
    is_choice = action.kind == "choose" and ending.deed == "answer"
    action.answer = {
        "choice": given.choice if is_choice else "",
        "text": ending.text,
        **kept_beside(text=_clean(given.text), heard=ending.heard),
        **more,
        **concluded,
    }
    action.content_hash = actions_rules.content_hash(_asked(action), _answered(action))
    db.session.flush()
    _wait_no_more(action, actor)
    if _opens_again(action, ending, actor, given):
        _into_the_queue(action.ticket, actor)


def _wait_no_more(action: ActionRequest, actor: Actor) -> None:
    """Put a ticket that waits for the client back into the queue where nothing else is asked."""
    if action.ticket.category == "waiting" and not queries.has_others(action):
        _into_the_queue(action.ticket, actor)


def _opens_again(action: ActionRequest, ending: Ending, actor: Actor, given: Given) -> bool:
    """Whether a closed ticket goes back to the queue by what its client answered."""
    by_client = actor.contact_id is not None
    closed = action.ticket.category in rules.CLOSED
    return closed and by_client and not actions_rules.leaves_closed(action.kind, ending.deed, given)


def _into_the_queue(ticket: Ticket, actor: Actor) -> None:
    commands.set_status(ticket, actor=actor, status=ticket_queries.first_status("open"))


def _was_ended(action: ActionRequest, event: Event, actor: Actor) -> None:
    """Let the rules without code hear of it."""
    happenings.told(
        "action_ended",
        [action.ticket_id],
        actor=actor,
        event_id=event.id,
        detail={"outcome": action.state},
    )


def _conclude(action: ActionRequest, ending: Ending, actor: Actor) -> Mapping[str, str]:
    conclusion = _conclusions.get(action.kind)
    return conclusion(action, ending, actor) if conclusion else {}


def _asked(action: ActionRequest) -> dict[str, Any]:
    return {
        "kind": action.kind,
        "text": action.text,
        "options": action.options,
        "due_on": action.due_on.isoformat(),
        "zone": action.zone,
    }


def _answered(action: ActionRequest) -> dict[str, Any]:
    return {"state": action.state, "by": action.ended_by, **action.answer}
