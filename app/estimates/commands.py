"""Drafting an estimate, sending it, and what its end brings with it.

The caller opens the unit of work and holds the ticket (`tickets.queries.locked`); then come the
request to the client, the estimate, and last the account that is billed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete

from app.communications import action_letters, actions, actions_queries
from app.communications.action_letters import Letter
from app.communications.action_models import ActionRequest
from app.communications.actions_rules import ESTIMATE, Given, Heard
from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError, StaleError
from app.core.words import Amount, Words, say
from app.estimates import billing, burn, papers, queries, rules, signing_in
from app.estimates.models import Estimate, EstimateLine
from app.estimates.pricing import Priced, PricedLine, currency_of, priced
from app.estimates.rules import Line
from app.estimates.sums import Sums
from app.tickets import merged
from app.tickets import rules as ticket_rules
from app.tickets.models import Ticket

USUALLY_VALID = timedelta(days=30)
NO_DRAFT = 0
"""The revision of a form that was opened while there was no draft."""
DEEDS = {"answer": "approve", "decline": "decline", "cancel": "withdraw", "expire": "expire"}


def usually_valid_until(ticket: Ticket) -> date:
    """The last day that a new estimate is valid unless another is chosen."""
    return clock.today(actions_queries.zone_of(ticket)) + USUALLY_VALID


def save_draft(
    ticket: Ticket,
    *,
    actor: Actor,
    lines: Sequence[Line],
    note: str,
    valid_until: date | None,
    revision: int | None = None,
    known_problems: Sequence[str] = (),
) -> Estimate:
    """Write the draft of the next version, priced by the rates and taxes of today.

    A line's `key` says which line of the version before it is; an unknown one makes a new line.
    Raises `RuleError` with every reason at once, `known_problems` of the caller first (of each line
    of the kind `UNREAD` there is one), `StaleError` when somebody saved since `revision`.
    """
    zone = actions_queries.zone_of(ticket)
    today = clock.today(zone)
    lines = _cleaned(lines)
    note = ticket_rules.clean_text(note)
    problems = list(known_problems)
    problems += rules.draft_problems(lines, note=note, valid_until=valid_until, today=today)
    problems += merged.problems(ticket) + _work_type_problems(lines)
    if ticket.category in ticket_rules.CLOSED:
        problems.append(f"#{ticket.number} is closed: open it again before you offer something.")
    if problems or valid_until is None:
        raise RuleError(*problems)
    last = queries.latest(ticket.id)
    lines = _with_keys(lines, queries.keys_of(ticket.id))
    found = priced(ticket, lines, on=today)
    _ensure_goes_with_approved(ticket, found)
    if last is not None and last.state == rules.DRAFT:
        draft = last
        _ensure_fresh(draft, revision)
    else:
        draft = Estimate(ticket_id=ticket.id, version=last.version + 1 if last else 1)
    draft.note, draft.valid_until, draft.zone = note, valid_until, zone
    draft.drafted_by = actor.name
    _write(draft, ticket, found)
    record(actor, "estimate.draft", kind="ticket", id=ticket.id, after={"version": draft.version})
    return draft


def offer_again(ticket: Ticket, *, actor: Actor, valid_until: date | None = None) -> Estimate:
    """Copy the newest version to a draft of the next one, at the rates of today.

    Raises `RuleError` when there is none, a draft stands, or its amounts are of another currency.
    """
    last = queries.latest(ticket.id)
    if last is None:
        raise RuleError("There is no estimate yet that could be offered again: make one.")
    if last.state == rules.DRAFT:
        raise RuleError(f"Version {last.version} is drafted already: change that one.")
    currency = currency_of(ticket, clock.today(actions_queries.zone_of(ticket)))
    if currency != last.currency and any(line.kind == "fixed" for line in last.lines):
        raise RuleError(
            f"Version {last.version} is in {last.currency} and {ticket.company} is billed in "
            f"{currency} now, so its amounts cannot be copied: write them anew."
        )
    return save_draft(
        ticket,
        actor=actor,
        lines=[_wanted(last, line) for line in last.lines],
        note=last.note,
        valid_until=valid_until or usually_valid_until(ticket),
    )


def discard(ticket: Ticket, *, actor: Actor) -> None:
    """Throw the draft away. Raises `NotFoundError` when there is none."""
    draft = queries.of_state(ticket.id, rules.DRAFT)
    record(actor, "estimate.discard", kind="ticket", id=ticket.id, before=content_of(draft))
    db.session.execute(delete(Estimate).where(Estimate.id == draft.id))


def send(
    ticket: Ticket, *, actor: Actor, contact_id: int | None, revision: int | None = None
) -> Estimate:
    """Send the draft to a contact, who is asked to approve it by the end of its last day.

    It takes the place of the version before, unless that is approved. Raises `RuleError` for what
    `actions.ask` refuses, and when rates or taxes have changed since the draft was saved.
    """
    draft = queries.of_state(ticket.id, rules.DRAFT)
    _ensure_fresh(draft, revision)
    _ensure_priced_as_today(draft, ticket)
    approved = _take_the_place_of_earlier(draft, actor=actor)
    action = actions.ask(
        ticket,
        actor=actor,
        kind=ESTIMATE,
        contact_id=contact_id,
        text=_text(draft, ticket),
        due_on=draft.valid_until,
        letter=_letter(draft),
    )
    draft.state = rules.after(draft.version, draft.state, "send")
    draft.sent_at, draft.action_id = clock.now(), action.id
    draft.burns_from = (approved.burns_from if approved else None) or clock.today(draft.zone)
    draft.content_hash = rules.content_hash(content_of(draft))
    db.session.flush()
    papers.freeze(draft, "sent")
    after = {"version": draft.version, "hash": draft.content_hash}
    record(actor, "estimate.send", kind="ticket", id=ticket.id, after=after)
    return draft


@action_letters.asks_by(ESTIMATE)
def _letter_again(action: ActionRequest) -> Letter:
    """The mail by which somebody else is asked to approve the same offer."""
    return _letter(queries.about(action.id))


def _letter(offered: Estimate) -> Letter:
    total = Amount(offered.total_minor, offered.currency)
    return Letter("estimate", {"total": total}, signs_in=signing_in.is_asked(offered))


def withdraw(ticket: Ticket, *, actor: Actor) -> None:
    """Take the open offer back; the client is told. Raises `NotFoundError` when there is none."""
    for action_id in queries.actions_of_sent([ticket.id]):
        actions.cancel(held(action_id), actor=actor)
        return
    queries.of_state(ticket.id, rules.SENT)


def note(
    ticket: Ticket,
    *,
    actor: Actor,
    version: int,
    deed: str,
    heard: Heard,
    text: str = "",
    chosen: Sequence[str] = (),
    purchase_order: str = "",
) -> Estimate:
    """Approve ("answer") or decline the open version on the client's word; they are told.

    Raises `RuleError` when that version is no longer open, with every reason why it does not do.
    """
    estimate = queries.version(ticket.id, version)
    if deed not in {"answer", "decline"}:
        raise RuleError("It is not said whether they approve or decline: choose one.")
    rules.after(estimate.version, estimate.state, DEEDS[deed])
    more = {}
    if deed == "answer":
        keys = rules.chosen_keys(chosen, estimate.optional_keys)
        more = {"chosen": " ".join(map(str, keys)), "purchase_order": purchase_order}
        more["seen"] = str(estimate.sums(keys).total_minor)
    action = held(estimate.action_id or 0)
    actions.note(action, actor=actor, deed=deed, given=Given(text=text, more=more), heard=heard)
    return estimate


@actions.concludes(ESTIMATE)
def conclude(action: ActionRequest, ending: actions.Ending, actor: Actor) -> Mapping[str, str]:
    """End an estimate with the request about it: approved, declined, withdrawn or expired.

    Approved, what was chosen is part of it for good, its fixed lines wait for the next invoice,
    and the work done since it was sent counts against its hours.
    """
    estimate = queries.of_action(action.id)
    state = rules.after(estimate.version, estimate.state, DEEDS[ending.deed])
    with db.session.no_autoflush:  # what is approved is written at once, or the database refuses
        if state == rules.APPROVED:
            _approve(estimate, ending.more)
        if ending.deed == "decline":
            estimate.reason, estimate.asks_again = ending.text, bool(ending.more.get("again"))
        estimate.state, estimate.ended_at, estimate.ended_by = state, clock.now(), ending.by
    db.session.flush()
    if estimate.state == rules.APPROVED:
        billing.bill_fixed_lines(estimate, actor=actor)
        burn.warn([estimate.ticket_id])
        papers.freeze(estimate, "approved", heard=ending.heard)
    found = {"estimate": rules.content_hash(content_of(estimate))}
    return found | ({"purchase_order": estimate.purchase_order} if estimate.purchase_order else {})


@actions.checks(ESTIMATE)
def approval_problems(action: ActionRequest, given: Given) -> list[str]:
    """Why it is not approved: the total that was seen is another one, the order is not right."""
    estimate = queries.of_action(action.id)
    sums, order = estimate.sums(_keys(estimate, given.more)), _order(given.more)
    problems: list[str] = []
    if given.more.get("seen", str(estimate.total_minor)) != str(sums.total_minor):
        total = Amount(sums.total_minor, estimate.currency)
        problems.append(
            say(
                "With what is ticked it comes to %(total)s: look at it, then approve again.",
                total=total,
            )
        )
    return problems + rules.order_problems(order, is_needed=estimate.usual_order != "")


def _keys(estimate: Estimate, more: Mapping[str, str]) -> list[int]:
    return rules.chosen_keys(more.get("chosen", "").split(), estimate.optional_keys)


def _order(more: Mapping[str, str]) -> str:
    return ticket_rules.clean_line(more.get("purchase_order", ""))


def _approve(estimate: Estimate, more: Mapping[str, str]) -> None:
    """Take over what was chosen, and the purchase order."""
    keys, order = _keys(estimate, more), _order(more)
    estimate.purchase_order = order
    if keys:
        estimate.chosen = keys
        _take(estimate, estimate.sums(keys))
    if order:
        estimate.ticket.purchase_order = order


def content_of(estimate: Estimate) -> dict[str, Any]:
    """All that an estimate says, as JSON values: what its hash covers.

    Of an approved one also what was chosen. What there is none of is left out, so that hashes made
    before there was such a thing stay true.
    """
    more = {
        "chosen": estimate.chosen or [],
        "purchase_order": estimate.purchase_order or "",
        "optional": estimate.optional_keys,
    }
    return {name: value for name, value in more.items() if value} | {
        "ticket_id": estimate.ticket_id,
        "version": estimate.version,
        "company_id": estimate.company_id,
        "payer_id": estimate.payer_id,
        "currency": estimate.currency,
        "note": estimate.note,
        "valid_until": estimate.valid_until.isoformat(),
        "zone": estimate.zone,
        "policy": estimate.policy,
        "taxes": estimate.taxes,
        "net_minor": estimate.net_minor,
        "tax_minor": estimate.tax_minor,
        "rounding_minor": estimate.rounding_minor,
        "lines": [
            {
                "key": line.key,
                "kind": line.kind,
                "text": line.text,
                "work_type_id": line.work_type_id,
                "seconds": line.seconds,
                "billed_seconds": line.billed_seconds,
                "rate": str(line.rate.normalize()) if line.rate is not None else None,
                "amount_minor": line.amount_minor,
                "tax": [line.tax_name, str(line.tax_percent.normalize())],
            }
            for line in estimate.lines
        ],
    }


def _cleaned(lines: Sequence[Line]) -> list[Line]:
    """As they are wanted: what pricing will say of them is not theirs to bring."""
    return [
        replace(
            line,
            text=ticket_rules.clean_line(line.text),
            minor=line.minor if line.kind == "fixed" else 0,
            rate="",
            currency="",
        )
        for line in lines
    ]


def _work_type_problems(lines: Sequence[Line]) -> list[str]:
    known = queries.work_types_among(line.work_type_id for line in lines)
    return [
        f"Line {number}: choose a work type of the list, or any."
        for number, line in enumerate(lines, start=1)
        if line.work_type_id not in {None, *known}
    ]


def _with_keys(lines: Sequence[Line], known: set[int]) -> list[Line]:
    """Each line with a key of its own: the one it came with, where there is such a line."""
    last, taken, found = max(known, default=0), set[int](), []
    for line in lines:
        key = line.key
        if key not in known or key in taken:
            last += 1
            key = last
        taken.add(key)
        found.append(replace(line, key=key))
    return found


def _wanted(estimate: Estimate, line: EstimateLine) -> Line:
    """A line as the next version begins with it; what was optional and chosen is part of it."""
    return Line(
        line.key,
        line.kind,
        line.text,
        line.amount_minor if line.kind == "fixed" else 0,
        line.seconds,
        work_type_id=line.work_type_id,
        is_optional=not estimate.includes(line),
    )


def _write(draft: Estimate, ticket: Ticket, found: Priced) -> None:
    draft.company_id, draft.payer_id = ticket.company_id, found.payer_id
    draft.currency, draft.priced_on = found.currency, found.priced_on
    draft.policy = dict(found.policy)
    _take(draft, found.sums)
    db.session.add(draft)
    db.session.flush()
    db.session.execute(delete(EstimateLine).where(EstimateLine.estimate_id == draft.id))
    db.session.add_all(
        _line(draft, position, line) for position, line in enumerate(found.lines, start=1)
    )
    db.session.flush()
    db.session.expire(draft, ["lines"])


def _take(estimate: Estimate, sums: Sums) -> None:
    estimate.net_minor, estimate.tax_minor = sums.net_minor, sums.tax_minor
    estimate.rounding_minor = sums.rounding_minor
    estimate.taxes = [dict(each) for each in sums.taxes]
    estimate.work_seconds, estimate.work_minor = sums.work_seconds, sums.work_minor


def _line(draft: Estimate, position: int, found: PricedLine) -> EstimateLine:
    return EstimateLine(
        estimate_id=draft.id,
        position=position,
        key=found.line.key,
        kind=found.line.kind,
        text=found.line.text,
        work_type_id=found.line.work_type_id,
        seconds=found.line.seconds,
        billed_seconds=found.billed_seconds,
        rate=found.rate,
        rate_rule_id=found.rate_rule_id,
        rule=found.rule,
        amount_minor=found.amount_minor,
        is_optional=found.line.is_optional,
        tax_name=found.tax.name,
        tax_percent=found.tax.percent,
    )


def _ensure_priced_as_today(draft: Estimate, ticket: Ticket) -> None:
    before = content_of(draft)
    lines = [_wanted(draft, line) for line in draft.lines]
    today = clock.today(actions_queries.zone_of(ticket))
    found = priced(ticket, lines, on=today)
    _ensure_goes_with_approved(ticket, found)
    _write(draft, ticket, found)
    if content_of(draft) != before:
        raise RuleError(
            "Rates, taxes or who pays have changed since this draft was saved: save it again, "
            "look at the new figures, then send it."
        )


def _ensure_goes_with_approved(ticket: Ticket, found: Priced) -> None:
    """Of what is billed for an approved version only the difference is billed later.

    So it must be the same money: of one currency, before or with tax as before, and of one payer.
    """
    approved = queries.in_state(ticket.id, rules.APPROVED)
    if approved is None:
        return
    version, elsewhere = approved.version, "open a new ticket for the further work."
    if approved.currency != found.currency:
        raise RuleError(
            f"Version {version} is approved in {approved.currency}, and {ticket.company} "
            f"is billed in {found.currency} now: {elsewhere}"
        )
    billed = [extra for _, extra in queries.charged(ticket.id) if extra.document_id is not None]
    if not billed:
        return
    for account in (extra.account for extra in billed):
        if (account.payer_id, account.currency) != (approved.payer_id, approved.currency):
            raise RuleError(
                f"Amounts of version {version} are billed to {account.payer} in "
                f"{account.currency} already, not as they were approved: {elsewhere}"
            )
    if approved.payer_id != found.payer_id:
        raise RuleError(
            f"Amounts of version {version} are billed to {approved.payer} already, and another "
            f"company pays now: {elsewhere}"
        )
    if approved.has_tax_within != (found.policy.get("prices") == "inclusive"):
        raise RuleError(
            f"Amounts of version {version} are billed already, and whether prices contain the tax "
            f"has changed since: {elsewhere}"
        )


def _take_the_place_of_earlier(draft: Estimate, *, actor: Actor) -> Estimate | None:
    """Supersede the versions before that are not approved; returns the last approved one."""
    for action_id in queries.actions_of_sent([draft.ticket_id]):
        actions.supersede(held(action_id), actor=actor)
    approved = None
    for estimate in queries.earlier(draft.ticket_id, draft.version):
        if estimate.state == rules.APPROVED:
            approved = estimate
        elif estimate.state != "superseded":
            if estimate.ended_at is None:
                estimate.ended_at, estimate.ended_by = clock.now(), actor.name
            estimate.state = rules.after(estimate.version, estimate.state, "supersede")
    db.session.flush()
    return approved


def held(action_id: int) -> ActionRequest:
    """A request with its ticket, both held until the unit of work ends."""
    return actions_queries.locked(db.session.get_one(ActionRequest, action_id))


def _ensure_fresh(draft: Estimate, revision: int | None) -> None:
    if revision is not None and draft.revision != revision:
        raise StaleError(
            f"Somebody else changed version {draft.version} since you opened it: look at what it "
            "says now and make your change again."
        )


def _text(draft: Estimate, ticket: Ticket) -> Words:
    said = say("Our estimate for “%(subject)s”.", subject=ticket.subject)
    if draft.version > 1:
        said = say(
            "Our estimate for “%(subject)s”, version %(version)s.",
            subject=ticket.subject,
            version=draft.version,
        )
    if draft.optional_keys:
        said = say(
            "%(said)s Some lines are optional and not in the total: tick those that you want.",
            said=said,
        )
    return say("%(said)s\n\n%(note)s", said=said, note=draft.note) if draft.note else said
