"""The mailboxes that are read and the words of mails, for admins."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request, url_for

from app.communications import mailboxes, queries
from app.core import forms, jobs
from app.core.acting import current_actor
from app.core.clock import now
from app.core.errors import RuleError, StaleError
from app.core.marks import mark
from app.core.security import may, requires
from app.desk.composing import chosen_id
from app.desk.posting import Outcome, carry_out
from app.staff import queries as staff_queries
from app.tickets import mail_commands, mail_queries, mailtemplates, mailtext
from app.tickets.mail_models import Mailbox

blueprint = Blueprint("mailboxes", __name__, url_prefix="/settings")

SECURITY_WORDS = {"tls": "TLS (port 993)", "starttls": "STARTTLS (port 143)", "none": "None"}
TEXTS = ("address", "host", "port", "security", "user_name", "folder")
SAMPLE = {
    "number": "1042",
    "subject": "The printer is on fire",
    "company": "Northwind Ltd",
    "requester": "Mira Lund",
    "recipient": "Mira Lund",
    "author": "Ada Berg",
    "status": "Resolved",
    "agency": "Your agency",
    "link": "https://desk.example.com/portal/requests/1042",
    "due": "12 Mar 2026",
    "total": "EUR 1,190.00",
    "outcome": "approved it",
}
SAMPLE_MESSAGE = "We have put it out, and ordered a new one.\n\nIt comes on Friday."


@blueprint.get("/mailboxes")
@requires("see", "Settings")
def index() -> str:
    """List the mailboxes, and when each was read."""
    return render_template(
        "desk/mailboxes/index.html",
        mailboxes=queries.mailboxes(),
        may_edit=may("edit", "Settings"),
        nonce=forms.new_nonce,
        now=now(),
    )


@blueprint.get("/mailboxes/new")
@requires("edit", "Settings")
def new() -> str:
    """A form for a mailbox more."""
    return _form(None)


@blueprint.get("/mailboxes/<int:mailbox_id>")
@requires("edit", "Settings")
def edit(mailbox_id: int) -> str:
    """The form of a mailbox; its password is never shown."""
    return _form(queries.mailbox(mailbox_id))


@blueprint.post("/mailboxes/new")
@requires("edit", "Settings")
def add() -> Any:
    """Add a mailbox."""
    return _save(None)


@blueprint.post("/mailboxes/<int:mailbox_id>")
@requires("edit", "Settings")
def change(mailbox_id: int) -> Any:
    """Change a mailbox."""
    return _save(queries.mailbox(mailbox_id))


@blueprint.post("/mailboxes/<int:mailbox_id>/read")
@requires("edit", "Settings")
def read(mailbox_id: int) -> Any:
    """Read a mailbox now, by a job."""

    def action() -> Outcome:
        jobs.post(mailboxes.READ, {"mailbox_id": queries.mailbox(mailbox_id).id})
        return url_for("mailboxes.index"), "It is being read: reload in a moment."

    return carry_out(action, back=url_for("mailboxes.index"))


def _save(mailbox: Mailbox | None) -> Any:
    mailbox_id = mailbox.id if mailbox else None

    def action() -> Outcome:
        given = {name: request.form.get(name, "").strip() for name in TEXTS}
        mailboxes.save_mailbox(
            given
            | {
                "password": request.form.get("password", ""),
                "department_id": chosen_id(request.form.get("department", "")),
                "is_active": "is_active" in request.form,
            },
            actor=current_actor(),
            mailbox=queries.mailbox(mailbox_id) if mailbox_id else None,
        )
        return url_for("mailboxes.index"), "Saved."

    def again(error: RuleError) -> tuple[str, int]:
        return _form(mailbox, problems=error.problems), 422

    return carry_out(action, back=url_for("mailboxes.index"), again=again)


def _form(mailbox: Mailbox | None, problems: tuple[str, ...] = ()) -> str:
    typed: Mapping[str, str] = request.form if request.method == "POST" else {}
    shown = {name: typed.get(name, str(getattr(mailbox, name, None) or "")) for name in TEXTS}
    shown["port"] = shown["port"] or "993"
    shown["security"] = shown["security"] or "tls"
    department = str(mailbox.department_id or "") if mailbox else ""
    return render_template(
        "desk/mailboxes/form.html",
        mailbox=mailbox,
        shown=shown,
        department=typed.get("department", "") if typed else department,
        is_active="is_active" in typed if typed else (mailbox is None or mailbox.is_active),
        departments=[(each.id, each.name) for each in staff_queries.departments()],
        securities=SECURITY_WORDS.items(),
        problems=[("", problem) for problem in problems],
        nonce=forms.new_nonce(),
    )


@blueprint.get("/mail-templates")
@requires("see", "Settings")
def templates() -> str:
    """List the kinds of mail about tickets, and which say the agency's own words."""
    return render_template(
        "desk/mailboxes/templates.html",
        templates=mailtemplates.TEMPLATES.values(),
        own=mail_queries.templates(),
    )


@blueprint.get("/mail-templates/<kind>")
@requires("see", "Settings")
def template(kind: str) -> str:
    """The words of a kind of mail, with a preview."""
    mail_commands.known(kind)
    return _template_form(kind, *mail_queries.template(kind))


@blueprint.post("/mail-templates/<kind>")
@requires("edit", "Settings")
def save_template(kind: str) -> Any:
    """Save the words, or only preview them (`do=preview`), or take ours again (`do=reset`)."""
    mail_commands.known(kind)
    subject, body = request.form.get("subject", ""), request.form.get("body", "")
    shown = request.form.get("shown")
    if request.form.get("do") == "preview":
        return _template_form(kind, subject, body, mailtemplates.problems(kind, subject, body))

    def action() -> Outcome:
        if request.form.get("do") == "reset":
            mail_commands.reset_template(kind, actor=current_actor(), shown=shown)
            return url_for("mailboxes.template", kind=kind), "The words are ours again."
        mail_commands.save_template(
            kind, subject=subject, body=body, actor=current_actor(), shown=shown
        )
        return url_for("mailboxes.template", kind=kind), "Saved. Mails say so from now on."

    def again(error: RuleError) -> tuple[str, int]:
        if isinstance(error, StaleError):
            return _template_form(kind, subject, body, error.problems, is_stale=True), 409
        return _template_form(kind, subject, body, error.problems), 422

    return carry_out(action, back=url_for("mailboxes.template", kind=kind), again=again)


def _template_form(
    kind: str, subject: str, body: str, problems: Any = (), *, is_stale: bool = False
) -> str:
    """The words as typed.

    The mark of what the form showed is kept over a preview and a mistake; who was told that others
    came first (`is_stale`) has seen what stands there now.
    """
    standing = mail_queries.template(kind)
    typed = None if is_stale else request.form.get("shown")
    known = mailtemplates.TEMPLATES[kind]
    word = f"{known.word}: " if known.word else ""
    sample = {name: SAMPLE[name] for name in known.names}
    preview = mailtext.Page(
        subject="",
        body=body,
        values=sample,
        message=SAMPLE_MESSAGE,
        link=SAMPLE["link"],
        foot="Answer this mail, or look at the request in the portal:",
    )
    return render_template(
        "desk/mailboxes/template.html",
        template=known,
        subject=subject,
        body=body,
        shown=mark(*standing) if typed is None else typed,
        theirs=standing if is_stale else None,
        preview_subject=f"{word}[#1042] {mailtemplates.filled(subject, sample)}",
        preview=mailtext.plain(preview),
        names=known.names,
        problems=[("", problem) for problem in problems],
        is_own=kind in mail_queries.templates(),
        may_edit=may("edit", "Settings"),
        nonce=forms.new_nonce(),
    )
