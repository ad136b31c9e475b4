"""What mails about tickets say, in words the agency may change; pure.

A template is plain text with names in braces, such as {number}. Nothing in it is ever run. Ours
go out in the language of who reads them; words of the agency, and those for staff, as they are.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from app.core.words import say

PLACEHOLDER = re.compile(r"\{([^{}\n]{0,60})\}")
NAMES = {
    "number": "the ticket's number, such as 1042",
    "subject": "the ticket's subject",
    "company": "the client company",
    "requester": "who asked",
    "recipient": "who reads this mail",
    "author": "who wrote the message",
    "status": "the ticket's status; to clients as the portal calls it",
    "agency": "the agency's name",
    "link": "the address of the request in the portal",
    "due": "the day by which something is asked",
    "total": "what an estimate comes to, tax included",
    "outcome": "what became of it, such as: approved it",
}
EVERYWHERE = frozenset(
    ["number", "subject", "company", "requester", "recipient", "status", "agency", "link"]
)
"""What is known whenever a mail about a ticket is written."""
BY = frozenset(["author"])
ASKED = BY | {"due"}
ENDED = ASKED | {"outcome"}
LONGEST_SUBJECT = 200
LONGEST_BODY = 10_000


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of mail: when it goes out, and what it says. {message} is where the message stands.

    `also` are the names that it can replace beside those that all mails can. `word` begins the
    subject of automatic mails: ACTION when the reader must do something.
    """

    kind: str
    when: str
    subject: str
    body: str
    needs_message: bool = False
    word: Literal["ACTION", "Notification", ""] = "Notification"
    also: frozenset[str] = BY

    @property
    def names(self) -> dict[str, str]:
        """The names that are replaced in this mail, and what they mean; {message} apart."""
        return {name: means for name, means in NAMES.items() if name in EVERYWHERE | self.also}


MESSAGE = "message"
LINK = "{link}"
TEMPLATES = {
    each.kind: each
    for each in (
        Template(
            "acknowledged",
            "A request has come in by mail or portal",
            say("We have received your request: {subject}"),
            say(
                "Dear {recipient},\n\nwe have received your request and will answer here. "
                "There is nothing for you to do.\n\nYou can see it at any time: {link}\n\n{agency}"
            ),
            also=frozenset(),
        ),
        Template(
            "opened",
            "Staff have opened a request for the client",
            say("We have opened a request for you: {subject}"),
            say(
                "Dear {recipient},\n\nwe have opened this request for you:\n\n{message}\n\n"
                "{author}\n{agency}"
            ),
            needs_message=True,
        ),
        Template(
            "added",
            "Somebody is added to a request, so that its mails come to them too",
            say("{author} has added you to: {subject}"),
            say(
                "Dear {recipient},\n\n{author} has added you to this request of {company}: you see"
                " it in the portal, and its mails come to you too. On its page you can stop"
                " them.\n\n{agency}"
            ),
        ),
        Template(
            "answered",
            "Staff have written to the client",
            "{subject}",
            "{message}\n\n{author}\n{agency}",
            needs_message=True,
            word="",
        ),
        Template(
            "colleague",
            "A colleague has written on a request that the reader follows",
            "{subject}",
            say("{author} wrote:\n\n{message}"),
            needs_message=True,
            word="",
        ),
        Template(
            "solved",
            "A request is resolved or completed",
            say("Your request is {status}: {subject}"),
            say(
                "Dear {recipient},\n\nyour request is now {status}. If something is missing, write"
                " to us on it, and it is taken up again.\n\n{agency}"
            ),
        ),
        Template(
            "told_staff",
            "A client has written; to who works on it",
            "{author} wrote: {subject}",
            "{author} ({company}) wrote:\n\n{message}\n\n{link}",
            needs_message=True,
        ),
        Template(
            "asked",
            "The client is asked for something formally",
            say("We need your answer by {due}: {subject}"),
            say(
                "Dear {recipient},\n\nwe need something from you by {due}:\n\n{message}\n\n"
                "Answer here: {link}\n\n{author}\n{agency}"
            ),
            needs_message=True,
            word="ACTION",
            also=ASKED,
        ),
        Template(
            "estimate",
            "The client is asked to approve an estimate",
            say("Our estimate of {total}, valid until {due}: {subject}"),
            say(
                "Dear {recipient},\n\nhere is our estimate: {total}, tax included, valid until"
                " {due}."
                "\n\n{message}\n\nSee each line, and approve or decline: {link}\n\n"
                "{author}\n{agency}"
            ),
            needs_message=True,
            word="ACTION",
            also=ASKED | {"total"},
        ),
        Template(
            "reminded",
            "What the client was asked for is due soon, or late",
            say("Reminder, we need your answer by {due}: {subject}"),
            say(
                "Dear {recipient},\n\nwe still need something from you, by {due}:\n\n{message}\n\n"
                "Answer here: {link}\n\n{author}\n{agency}"
            ),
            needs_message=True,
            word="ACTION",
            also=ASKED,
        ),
        Template(
            "action_cancelled",
            "What the client was asked for is no longer needed",
            say("Nothing more to do: {subject}"),
            say(
                "Dear {recipient},\n\nthis is no longer needed from you; there is nothing to do:"
                "\n\n{message}\n\n{agency}"
            ),
            needs_message=True,
            also=ASKED,
        ),
        Template(
            "action_noted",
            "Staff have noted what the client told them; to the client's people",
            say("We noted an answer: {subject}"),
            say(
                "Dear {recipient},\n\nwe have noted an answer that we were given: {outcome}."
                "\n\nIt was about this:\n\n{message}\n\nIf that is not right, please tell us at"
                " once.\n\n{author}\n{agency}"
            ),
            needs_message=True,
            also=BY | {"outcome"},
        ),
        Template(
            "action_late",
            "What a client was asked for is three days late; to the managers of their company",
            say("An answer of {author} is late: {subject}"),
            say(
                "Dear {recipient},\n\n{author} was asked for this by {due} and has not answered"
                " yet; until then it does not go on. Please see to it together, or answer in their"
                " place.\n\n{message}\n\nYou see the request, and answer, here: {link}\n\n"
                "{agency}"
            ),
            needs_message=True,
            also=ENDED,
        ),
        Template(
            "action_left",
            "Who was asked for something has left; to the managers of their company",
            say("{author} has left, and we need an answer: {subject}"),
            say(
                "Dear {recipient},\n\nwe asked {author} for this by {due}, who has left in the"
                " meantime; until it is answered it does not go on. Please answer in their place,"
                " or tell us whom to ask.\n\n{message}\n\nYou see the request, and answer, here:"
                " {link}\n\n{agency}"
            ),
            needs_message=True,
            also=ENDED,
        ),
        Template(
            "action_ended",
            "A client has answered what was asked, is late, has left, or let the time pass; to who"
            " asked",
            "{author} {outcome}: {subject}",
            "{author} ({company}) {outcome}.\n\n{message}\n\n{link}",
            needs_message=True,
            also=ENDED,
        ),
    )
}


def without_link(body: str) -> str:
    """The words for who comes in nowhere: without the paragraphs that are about {link}.

    Where that is all of them, only the lines that name it go.
    """
    parts = [part for part in body.split("\n\n") if LINK not in part or "{message}" in part]
    if not parts:
        parts = ["\n".join(line for line in body.splitlines() if LINK not in line)]
    return "\n\n".join(parts)


def problems(kind: str, subject: str, body: str) -> list[str]:
    """What is wrong with the agency's words for a kind of mail, all of it at once."""
    template = TEMPLATES[kind]
    found = []
    if not subject.strip() or "\n" in subject.strip():
        found.append("The subject is empty or has several lines: write one line.")
    if not body.strip():
        found.append("The text is empty: write what the mail is to say.")
    if len(subject) > LONGEST_SUBJECT:
        found.append(f"The subject is too long: at most {LONGEST_SUBJECT} characters fit.")
    if len(body) > LONGEST_BODY:
        found.append(f"The text is too long: at most {LONGEST_BODY} characters fit.")
    own = set(template.names)
    in_body = own | {MESSAGE} if template.needs_message else own
    for where, text, names in (("subject", subject, own), ("text", body, in_body)):
        unknown = sorted({name for name in PLACEHOLDER.findall(text) if name not in names})
        found += [
            f"The {where} names {{{name}}}, which this mail does not know: use one of "
            f"{', '.join(f'{{{each}}}' for each in sorted(names))}."
            for name in unknown
        ]
    if template.needs_message and f"{{{MESSAGE}}}" not in body:
        found.append("The text lacks {message}: without it nobody reads what was written.")
    return found


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its names replaced; what a value holds is never read as a name again."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)
