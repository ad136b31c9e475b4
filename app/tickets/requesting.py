"""A new request of a client: general questions, those of its kind, files and logins, all at once.

The caller opens the unit of work; nothing is written unless everything is right.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from app.core.audit import Actor
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.core.words import say
from app.tickets import client_commands, drafts, intake, request_queries, rules
from app.tickets.commands import Upload, sayable_problems
from app.tickets.models import Ticket
from app.vault import commands as vault
from app.vault import rules as vault_rules
from app.vault.sealing import Secret

NO_TYPE = say("Choose what your request is about.")


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
    """

    subject: str
    text: str
    type_id: int | None
    company_id: int | None = None
    priority: str = "normal"
    raw: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Sequence[Upload]] = field(default_factory=dict)
    logins: Mapping[str, Login] = field(default_factory=dict)
    notify: Collection[int] = ()


class RequestFaultsError(RuleError):
    """A request that cannot be sent as it is; `faults` are (name of the field or "", text)."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__(*(text for _, text in faults))
        self.faults = tuple(faults)


def send(wanted: NewRequest, *, actor: Actor) -> Ticket:
    """Open the ticket with its answers, files and logins, and forget the draft.

    Raises `RequestFaultsError` with every reason at once.
    """
    faults: list[tuple[str, str]] = []
    form = _form(wanted.type_id, faults)
    reading = None
    if form is not None:
        given = {key for key, files in wanted.files.items() if key and files}
        given |= {key for key, login in wanted.logins.items() if not login.is_empty}
        reading = intake.read(form.fields, wanted.raw, given=given)
        faults += reading.faults
        faults += _login_faults(reading, wanted)
    shown = {each.field.key for each in reading.shown} if reading else set()
    files = [file for key in wanted.files if not key or key in shown for file in wanted.files[key]]
    try:
        ticket = client_commands.open_request(
            actor=actor,
            subject=wanted.subject,
            text=wanted.text,
            company_id=wanted.company_id,
            department_id=form.type.department_id if form else None,
            priority=wanted.priority,
            files=files,
            notify=wanted.notify,
            known_problems=[text for _, text in faults],
        )
    except RuleError as error:
        general = error.problems[: len(error.problems) - len(faults)]
        raise RequestFaultsError([*_named(wanted, files, general), *faults]) from error
    if form is None or reading is None:
        raise RequestFaultsError(faults)
    ticket.request_type_id, ticket.form_version_id = form.type.id, form.version.id
    ticket.answers = {**reading.answers, **_files_and_logins(ticket, reading, wanted, actor)}
    db.session.flush()
    if actor.contact_id is not None:
        drafts.clear(actor.contact_id)
    return ticket


def _form(type_id: int | None, faults: list[tuple[str, str]]) -> request_queries.Form | None:
    try:
        form = request_queries.form_of(type_id, lock="use") if type_id is not None else None
    except NotFoundError:
        form = None
    if form is None or form.type.archived_at is not None or not form.type.is_public:
        faults.append(("type", NO_TYPE))
        return None
    return form


def _login_faults(reading: intake.Reading, wanted: NewRequest) -> list[tuple[str, str]]:
    found = []
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


def _named(
    wanted: NewRequest, files: Sequence[Upload], problems: Sequence[str]
) -> list[tuple[str, str]]:
    """The problems of the general part, each with the field it belongs to."""
    subject = set(rules.subject_problems(rules.clean_line(wanted.subject)))
    text = set(sayable_problems(wanted.text, "description", files))
    where = {**dict.fromkeys(subject, "subject"), **dict.fromkeys(text, "text")}
    return [(where.get(problem, ""), problem) for problem in problems]
