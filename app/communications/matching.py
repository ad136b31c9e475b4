"""What a mail means: which ticket it belongs to, and whether its sender may write there; pure.

The ticket is found by the reply token, then by message ids, then by the tag in the subject; then
the sender decides. Every question that was asked is kept as a step, for people to read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["ticket", "reply", "ignored", "quarantined"]
How = Literal["token", "message-id", "subject"]
MOST_TICKETS_AN_HOUR = 10
MOST_ANSWERS_AN_HOUR = 30
TAG = re.compile(r"\[#(\d{1,18})\]")
HOW_WORDS = {
    "token": "The reply address carries our mark for ticket #{}.",
    "message-id": "It answers a mail of ticket #{}.",
    "subject": "The subject names ticket #{}.",
}


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the sender's address belongs to; both ids empty for somebody unknown."""

    address: str
    contact_id: int | None = None
    staff_id: int | None = None
    is_archived: bool = False
    verdict: str = "unknown"
    is_single: bool = True


@dataclass(frozen=True, slots=True)
class Target:
    """A ticket that a mail points to, how, and what the sender has to do with it."""

    ticket_id: int
    number: int
    how: How
    takes_part: bool = False
    same_company: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the decision rests on.

    `marks` are the marks of an automatic mail, `recent` how many of the sender's mails within the
    hour opened a ticket or joined one, by outcome. The numbers in the subjects of another
    installation are its own.
    """

    sender: Sender
    marks: tuple[str, ...] = ()
    is_own: bool = False
    is_of_another_desk: bool = False
    from_own_address: bool = False
    is_duplicate: bool = False
    is_bounce: bool = False
    targets: tuple[Target, ...] = ()
    recent: Mapping[str, int] = field(default_factory=dict)
    forwards: str = ""
    domain_company: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A question that was asked, and its answer in words."""

    rule: str
    said: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a mail, by which rule, and on the way there. `target` is its ticket."""

    outcome: Outcome
    rule: str
    steps: tuple[Step, ...]
    target: Target | None = None


@dataclass(slots=True)
class _Thinking:
    steps: list[Step] = field(default_factory=list)

    def note(self, rule: str, said: str) -> None:
        self.steps.append(Step(rule, said))

    def end(self, outcome: Outcome, rule: str, said: str, target: Target | None = None) -> Decision:
        self.note(rule, said)
        return Decision(outcome, rule, tuple(self.steps), target)


def tags(subject: str) -> tuple[int, ...]:
    """The ticket numbers that a subject names, in its order."""
    return tuple(int(number) for number in TAG.findall(subject))


def decide(facts: Facts) -> Decision:
    """What becomes of a mail."""
    thinking = _Thinking()
    refused = _refused(facts, thinking)
    if refused is not None:
        return refused
    target = _target(facts, thinking)
    if target is not None:
        return _on_ticket(facts, target, thinking)
    return _new(facts, thinking)


def _refused(facts: Facts, thinking: _Thinking) -> Decision | None:
    """What is no message to anybody here."""
    if facts.is_own:
        return thinking.end("ignored", "own-mail", "This installation wrote it itself.")
    if facts.is_duplicate:
        return thinking.end("ignored", "duplicate", "The same mail came in before.")
    if facts.is_bounce:
        return thinking.end("ignored", "bounce", "It reports on a mail that was sent.")
    if not facts.sender.address:
        return thinking.end("quarantined", "no-sender", "It names no sender's address.")
    if facts.from_own_address:
        return thinking.end(
            "ignored", "own-address", "Its sender is an address of the desk itself."
        )
    if facts.sender.verdict == "failed":
        return thinking.end(
            "quarantined",
            "forged",
            "Our mail server found that the sender's domain did not send it.",
        )
    if facts.marks:
        thinking.note("automatic", f"A machine wrote it: {', '.join(facts.marks)}.")
    return None


def _target(facts: Facts, thinking: _Thinking) -> Target | None:
    for target in facts.targets:
        words = HOW_WORDS[target.how].format(target.number)
        if target.how == "subject" and facts.is_of_another_desk:
            thinking.note("subject-tag", f"{words} Another desk wrote it, and means its own.")
            continue
        is_proved_staff = facts.sender.staff_id is not None and _is_proved(facts.sender)
        if target.how == "subject" and not (target.takes_part or is_proved_staff):
            thinking.note(
                "subject-tag", f"{words} The sender takes no part in it, so that does not count."
            )
            continue
        thinking.note(target.how, words)
        return target
    if not facts.targets:
        thinking.note("no-ticket", "Neither address, message ids nor subject name a ticket.")
    return None


UNPROVED = frozenset({"forged", "staff-not-proved"})
"""Why a mail was held back of which nobody knows whether its sender wrote it."""


def _is_proved(sender: Sender) -> bool:
    return sender.verdict == "passed" and sender.is_single


def _on_ticket(facts: Facts, target: Target, thinking: _Thinking) -> Decision:
    sender = facts.sender
    if sender.staff_id is not None and not target.takes_part:
        return _of_staff(facts, target, thinking)
    if facts.marks and not target.takes_part:
        return thinking.end(
            "ignored", "automatic", "Automatic mails of others are kept here only.", target
        )
    answered = facts.recent.get("reply", 0)
    if target.same_company and answered >= MOST_ANSWERS_AN_HOUR:
        return thinking.end(
            "quarantined",
            "too-many",
            f"The sender answered {answered} times within the hour, as machines do.",
            target,
        )
    if target.takes_part and not sender.is_archived:
        rule = "automatic-reply" if facts.marks else "participant"
        return thinking.end("reply", rule, "The sender takes part in the ticket.", target)
    if target.same_company and not sender.is_archived:
        return thinking.end(
            "reply",
            "colleague",
            "The sender belongs to the ticket's company, and can be made a follower.",
            target,
        )
    return thinking.end(
        "quarantined",
        "stranger",
        "The sender has no part in the ticket: held back until staff accept it.",
        target,
    )


def _of_staff(facts: Facts, target: Target, thinking: _Thinking) -> Decision:
    if facts.marks:
        return thinking.end("ignored", "automatic", "An automatic mail of staff.", target)
    if not _is_proved(facts.sender):
        return thinking.end(
            "quarantined",
            "staff-not-proved",
            "The address is that of staff, but our mail server does not vouch for it "
            "(MAIL_TRUSTED_RECEIVER, DMARC or DKIM).",
            target,
        )
    return thinking.end("reply", "staff", "Staff wrote it, and our mail server vouches.", target)


def _new(facts: Facts, thinking: _Thinking) -> Decision:
    sender = facts.sender
    if facts.marks:
        return thinking.end("ignored", "automatic", "Automatic mails open no tickets.")
    if sender.staff_id is not None and sender.contact_id is None:
        return _new_of_staff(facts, thinking)
    if sender.is_archived:
        return thinking.end(
            "quarantined", "archived-sender", "The contact is archived: restore them, or ignore it."
        )
    opened = facts.recent.get("ticket", 0)
    if opened >= MOST_TICKETS_AN_HOUR:
        return thinking.end(
            "quarantined", "too-many", f"The sender opened {opened} tickets within the hour."
        )
    if sender.contact_id is not None:
        return thinking.end("ticket", "contact", "The sender is a contact.")
    if facts.domain_company:
        return thinking.end(
            "ticket", "domain", f"The sender's domain belongs to {facts.domain_company}."
        )
    return thinking.end(
        "ticket", "unknown-sender", "Nobody knows the sender: staff are to say whose they are."
    )


def _new_of_staff(facts: Facts, thinking: _Thinking) -> Decision:
    if not _is_proved(facts.sender):
        return thinking.end(
            "quarantined",
            "staff-not-proved",
            "The address is that of staff, but our mail server does not vouch for it "
            "(MAIL_TRUSTED_RECEIVER, DMARC or DKIM).",
        )
    if not facts.forwards:
        return thinking.end(
            "quarantined", "staff-without-client", "Staff wrote it, and it names no client."
        )
    return thinking.end(
        "ticket", "forwarded-by-staff", f"Staff forwarded a mail of {facts.forwards}."
    )
