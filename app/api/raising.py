"""A request raised by a program in a contact's name, under the rules of the form on the portal."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, TypeVar

from app.api import answers
from app.api.reading import Body
from app.api.schemas import MOST_NOTIFIED
from app.companies import lookup
from app.companies.models import Company, Contact
from app.companies.visibility import viewer_of
from app.core import clock, forms
from app.core.audit import Actor, record
from app.core.errors import NotFoundError, RuleError
from app.core.typed import id_of
from app.staff import queries as staff_queries
from app.staff.models import Department
from app.tickets import commands, intake, requesting
from app.tickets.requesting import Fault, NewRequest, RequestFaultsError

CHANNEL = "api"
MEMBERS = {
    **dict.fromkeys(("type", "contact", "company", "subject", "message", "urgency"), str),
    "department": str,
    "notify": list,
    "fields": dict,
}
KEY = "Idempotency-Key"
TOLD = {
    str: "Write a text here, or a number where it is one.",
    list: "Write a list here, of texts.",
    dict: "Write an object here, with the answers by the keys of the fields.",
}
OUR_NAMES = {"text": "message", "": "request"}
"""What parts of the portal's form are called here."""

T = TypeVar("T")


def raise_once(body: Body, *, by: Actor, key: str | None) -> int:
    """Open the ticket and return its number; a repeat under the same key returns that of the first.

    The caller opens the unit of work. Raises `RequestFaultsError` with every reason at once.
    """
    if key is None:
        return _raise(body, by)
    place = urlsafe_b64encode(sha256(f"{by.user_id} {key}".encode()).digest()).decode().rstrip("=")
    led = forms.claim(place, user_id=by.user_id)
    if led is None:
        number = _raise(body, by)
        forms.settle(place, f"{number}#{body.mark}")
        return number
    first, _, mark = led.partition("#")
    if mark != body.mark:
        used = f"This key raised request #{first} already: give each request a key of its own."
        raise RequestFaultsError([(KEY, used)])
    return int(first)


def _raise(body: Body, by: Actor) -> int:
    members = Members(body.members)
    contact = members.found("contact", lookup.contact)
    if not members.text("contact"):
        members.fault("contact", "Say in whose name: give the id or e-mail address of a contact.")
    wanted = _wanted(members, contact, body)
    if contact is None or members.faults:
        told = named(members.faults)
        others = [each for each in requesting.faults_of(wanted) if _name(each[0]) not in told]
        raise RequestFaultsError([*members.faults, *others])
    asker = Actor(
        user_id=by.user_id,
        name=contact.name,
        channel=CHANNEL,
        contact_id=contact.id,
        request_id=by.request_id,
    )
    ticket = requesting.send(wanted, actor=asker)
    after = {"number": ticket.number, "contact": contact.name}
    record(by, "ticket.raise", kind="ticket", id=ticket.id, after=after)
    return ticket.number


def _wanted(members: "Members", contact: Contact | None, body: Body) -> NewRequest:
    company = members.found("company", lookup.company)
    if contact is not None:
        members.faults += _not_theirs(contact, company)
    department = members.found("department", _department)
    type_id = id_of(members.text("type"))
    form = requesting.offered_form(type_id)
    others = members.each_found("notify", lookup.contact)
    given = answers.read(form.fields, members.fields(), body.files) if form else answers.Given()
    members.faults += given.faults
    return NewRequest(
        subject=members.text("subject"),
        text=members.text("message"),
        type_id=type_id,
        company_id=company.id if company else None,
        department_id=department.id if department else None,
        priority=members.text("urgency") or "normal",
        origin=CHANNEL,
        raw=given.raw,
        files=given.files,
        logins=given.logins,
        notify={one.id for one in others},
    )


def _not_theirs(contact: Contact, company: Company | None) -> list[Fault]:
    """Why this contact, or this company for them, will not do."""
    found = [("contact", text) for text in commands.reference_problems(requester_id=contact.id)]
    if company is None:
        return found
    found += [("company", text) for text in commands.reference_problems(company_id=company.id)]
    today = clock.today(staff_queries.usual_zone())
    if company.id not in viewer_of(contact.id, today=today).company_ids:
        told = f"{company.name} is no company of {contact.name}: name another one, or none."
        found.append(("company", told))
    return found


def _department(named: str) -> Department:
    """The department in use that an id or a name means."""
    for one in staff_queries.departments():
        if named.casefold() in {str(one.id), one.name.casefold()}:
            return one
    raise NotFoundError(f"There is no department {named!r}: give its id or name.")


class Members:
    """The members of the JSON object, and what is wrong with them, by their names."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given
        self.faults: list[Fault] = [
            (name[:40], f"There is no such member: those are {', '.join(MEMBERS)}.")
            for name in given
            if name not in MEMBERS
        ]
        for name, wanted in MEMBERS.items():
            if not isinstance(given.get(name), wanted | None):
                self.fault(name, TOLD[wanted])

    def fault(self, name: str, text: str) -> None:
        self.faults.append((name, text))

    def text(self, name: str) -> str:
        found = self.given.get(name)
        return found.replace("\x00", "").strip() if isinstance(found, str) else ""

    def fields(self) -> Mapping[str, Any]:
        found = self.given.get("fields")
        return found if isinstance(found, dict) else {}

    def found(self, name: str, find: Callable[[str], T]) -> T | None:
        """What a member names; None, with the reason, where it names nothing."""
        return self._find(name, self.text(name), find)

    def each_found(self, name: str, find: Callable[[str], T]) -> list[T]:
        """What the texts of a list name, with a reason for each that names nothing."""
        given = self.given.get(name)
        texts = given if isinstance(given, list) else []
        if not all(isinstance(each, str) for each in texts) or len(texts) > MOST_NOTIFIED:
            self.fault(name, f"Write texts here, {MOST_NOTIFIED} at most.")
            return []
        named = [self._find(name, each.replace("\x00", "").strip(), find) for each in texts]
        return [one for one in named if one is not None]

    def _find(self, name: str, written: str, find: Callable[[str], T]) -> T | None:
        try:
            return find(written) if written else None
        except RuleError as error:
            self.faults += [(name, text) for text in error.problems]
            return None


def named(faults: Sequence[Fault]) -> dict[str, list[str]]:
    """The faults by the name of the member or field, as it stands in what was sent."""
    found: dict[str, list[str]] = {}
    for name, text in faults:
        found.setdefault(_name(name), []).append(text)
    return found


def _name(name: str) -> str:
    if name.startswith(intake.PREFIX):
        return answers.AT + name.removeprefix(intake.PREFIX)
    if name.startswith("login-"):
        return answers.AT + name.removeprefix("login-").removesuffix("-secret")
    return OUR_NAMES.get(name, name)
