"""A new request of a client: general questions, those of its kind, files and logins, all at once.

The caller opens the unit of work; nothing is written unless everything is right.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from app.core.audit import Actor
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.core.words import field_of, say
from app.tickets import client_commands, drafts, intake, request_queries, rules
from app.tickets.commands import Upload, reference_problems, sayable_problems
from app.tickets.models import Ticket
from app.vault import commands as vault
from app.vault import rules as vault_rules
from app.vault.sealing import Secret

Fault = tuple[str, str]
"""The name of a field, or "" for the request as a whole, and what is wrong, in words."""
PORTAL = "portal"
NO_TYPE = say("Choose what your request is about.")
MOVED = say(
    "The questions have changed: what you had answered to those that are not asked any more now"
    " stands at the end of the description. Look it over before you send it."
)


@dataclass(frozen=True, slots=True)
class Login:
    """A login as it was typed into a field of the form."""

    secret: Secret
    url: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.url or self.secret.user or self.secret.secret or self.secret.note)


@dataclass(frozen=True, slots=True)
class NewRequest:
    """What a client sent.

    `raw`, `files` and `logins` are by key of the field; "" is the form's own choice of files.
    `asked` are the questions as the sender saw them: the form may have changed since. It goes to
    the department of its kind unless it names one; `origin` is the way it came.
    """

    subject: str
    text: str
    type_id: int | None
    company_id: int | None = None
    department_id: int | None = None
    priority: str = "normal"
    origin: str = PORTAL
    raw: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Sequence[Upload]] = field(default_factory=dict)
    logins: Mapping[str, Login] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    notify: Collection[int] = ()


class RequestFaultsError(RuleError):
    """A request that cannot be sent as it is, with all its faults."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(*(text for _, text in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Checked:
    """A request read by the form of its kind; None and no files where it has no kind."""

    form: request_queries.Form | None
    reading: intake.Reading | None
    files: Mapping[str, Sequence[Upload]]
    faults: Sequence[Fault]

    @property
    def uploads(self) -> list[Upload]:
        return [file for files in self.files.values() for file in files]


def send(wanted: NewRequest, *, actor: Actor) -> Ticket:
    """Open the ticket with its answers, files and logins; sent on the portal, forget its draft.

    Raises `RequestFaultsError` with every reason at once.
    """
    checked = _checked(wanted)
    form, reading = checked.form, checked.reading
    try:
        ticket = client_commands.open_request(
            actor=actor,
            subject=wanted.subject,
            text=wanted.text,
            company_id=wanted.company_id,
            department_id=wanted.department_id or (form.type.department_id if form else None),
            priority=wanted.priority,
            files=checked.uploads,
            notify=wanted.notify,
            origin=wanted.origin,
            known_problems=[text for _, text in checked.faults],
        )
    except RuleError as error:
        where = {text: name for name, text in _general_faults(wanted, checked)}
        general = error.problems[: len(error.problems) - len(checked.faults)]
        named = [(where.get(problem) or field_of(problem), problem) for problem in general]
        raise RequestFaultsError([*named, *checked.faults]) from error
    if form is None or reading is None:
        raise RequestFaultsError(checked.faults)
    ticket.request_type_id, ticket.form_version_id = form.type.id, form.version.id
    ticket.answers = {**reading.answers, **_files_and_logins(ticket, reading, wanted, actor)}
    db.session.flush()
    if actor.contact_id is not None and wanted.origin == PORTAL:
        drafts.clear(actor.contact_id)
    return ticket


def faults_of(wanted: NewRequest) -> list[Fault]:
    """What is wrong with a request, whoever asks; `send` finds what depends on that as well."""
    checked = _checked(wanted)
    return [*_general_faults(wanted, checked), *checked.faults]


def offered_form(type_id: int | None) -> request_queries.Form | None:
    """The form of a kind that is offered, held as it is until the unit of work ends; else None."""
    try:
        form = request_queries.form_of(type_id, lock="use") if type_id is not None else None
    except NotFoundError:
        return None
    return form if form and form.type.is_offered else None


def without_place(type_id: int | None, raw: intake.Raw, asked: Mapping[str, str]) -> str:
    """Each answered question that the form of this kind does not ask any more, with its answer."""
    form = offered_form(type_id)
    left = intake.without_place(form.fields if form else (), raw, asked)
    return "\n\n".join(f"{question}\n{answer}" for question, answer in left)


def _out_of_place(wanted: NewRequest, fields: Sequence[intake.Field]) -> list[Fault]:
    """What was typed into questions that are gone. Files of such go along as any other file."""
    faults: list[Fault] = []
    if intake.without_place(fields, wanted.raw, wanted.asked):
        faults.append(("text", MOVED))
    known = {one.key for one in fields if one.kind == "secret"}
    for key in wanted.logins.keys() & wanted.asked.keys() - known:
        if not wanted.logins[key].is_empty:
            gone = say(
                "“%(question)s” is not asked any more, and this login was not kept: hand it over"
                " in a message once the request is sent.",
                question=wanted.asked[key],
            )
            faults.append(("", gone))
    return faults


def _checked(wanted: NewRequest) -> Checked:
    form = offered_form(wanted.type_id)
    gone = _out_of_place(wanted, form.fields if form else ())
    if form is None:
        return Checked(None, None, {"": wanted.files.get("", ())}, [("type", NO_TYPE), *gone])
    given = {key for key, files in wanted.files.items() if key and files}
    given |= {key for key, login in wanted.logins.items() if not login.is_empty}
    reading = intake.read(form.fields, wanted.raw, given=given)
    hidden = {one.key for one in form.fields} - {each.field.key for each in reading.shown}
    files = {key: files for key, files in wanted.files.items() if key not in hidden}
    faults = [*reading.faults, *_login_faults(reading, wanted), *gone]
    return Checked(form, reading, files, faults)


def _general_faults(wanted: NewRequest, checked: Checked) -> list[Fault]:
    """What is wrong with the general questions and with files, each with its field."""
    asked = {one.key for one in checked.form.fields} if checked.form else ()
    in_files = [
        (f"{intake.PREFIX}{key}" if key in asked else "files", problem)
        for key, files in checked.files.items()
        for file in files
        for problem in rules.file_problems(file.name, len(file.content))
    ]
    of_files = {problem for _, problem in in_files}
    said = sayable_problems(wanted.text, "description", checked.uploads)
    named = {
        "subject": rules.subject_problems(rules.clean_line(wanted.subject)),
        "text": [problem for problem in said if problem not in of_files],
        "department": reference_problems(department_id=wanted.department_id),
        "urgency": reference_problems(priority=wanted.priority),
    }
    return [*((name, text) for name, texts in named.items() for text in texts), *in_files]


def _login_faults(reading: intake.Reading, wanted: NewRequest) -> list[Fault]:
    found: list[Fault] = []
    for each in reading.shown:
        login = wanted.logins.get(each.field.key)
        if each.field.kind != "secret" or login is None or login.is_empty:
            continue
        held = login.secret
        parts = (held.user, held.secret, held.note)
        problems = vault_rules.problems_of(each.field.label[:200], login.url, parts)
        found += [(f"login-{each.field.key}-secret", text) for text in problems]
    return found


def _files_and_logins(
    ticket: Ticket, reading: intake.Reading, wanted: NewRequest, actor: Actor
) -> dict[str, str]:
    """What stands on the ticket for them: names of files, the number of a login in the vault."""
    answers = {}
    for each in reading.shown:
        one = each.field
        if one.kind == "file" and wanted.files.get(one.key):
            names = [rules.file_name(file.name) for file in wanted.files[one.key]]
            answers[one.key] = ", ".join(names)
        login = wanted.logins.get(one.key)
        if one.kind == "secret" and login is not None and not login.is_empty:
            kept = vault.keep(
                actor=actor,
                company_id=ticket.company_id,
                ticket_id=ticket.id,
                label=one.label[: vault_rules.LONGEST_LABEL],
                url=login.url,
                secret=login.secret,
            )
            answers[one.key] = str(kept.id)
    return answers
