"""The outbox for people: what was sent to whom, what failed and why, and what can be done."""

from io import BytesIO

from flask import Blueprint, Response, abort, render_template, request, send_file, url_for

from app.core import forms, mail, mail_queries, mailer
from app.core.acting import current_actor
from app.core.models import MAIL_STATES, Mail
from app.core.public_links import masked
from app.core.security import may, requires
from app.desk.posting import Outcome, carry_out
from app.staff import accounts, letters

blueprint = Blueprint("mail", __name__, url_prefix="/mail")

STATE_WORDS = {
    "queued": "Waiting",
    "sent": "Sent",
    "failed": "Failed",
    "kept": "Kept",
    "bounced": "Came back",
    "undone": "Called back",
}


@blueprint.get("/")
@requires("see", "Mail")
def index() -> str:
    """List mails, newest first; `state`, `q` and `page` stand in the address."""
    state = request.args.get("state", "")
    text = request.args.get("q", "").strip()
    page = max(request.args.get("page", 1, type=int), 1)
    if state and state not in MAIL_STATES:
        abort(404)
    counts = mail_queries.counts(text)
    return render_template(
        "desk/mail/index.html",
        mails=mail_queries.listed(state=state, text=text, page=page),
        counts=counts,
        total=sum(counts.values()),
        words=STATE_WORDS,
        state=state,
        text=text,
        page=page,
        nonce=forms.new_nonce(),
        keeps=not mailer.sends(),
    )


@blueprint.get("/<int:mail_id>")
@requires("see", "Mail")
def show(mail_id: int) -> str:
    """Show one mail as it reads, and what became of it.

    Links that let somebody in, or answer for them, are shown only where mails are kept, as nobody
    gets them otherwise; those of staff to whoever might give that person a password.
    """
    found = mail_queries.one(mail_id)
    return render_template(
        "desk/mail/show.html",
        mail=found,
        due_at=mail_queries.next_attempt(found),
        body=found.body if _is_open(found) else masked(found.body),
        words=STATE_WORDS,
        nonce=forms.new_nonce(),
        has_file=_has_file(found),
    )


@blueprint.get("/<int:mail_id>.eml")
@requires("see", "Mail")
def kept(mail_id: int) -> Response:
    """Give the file of a kept mail, for a mail program to open."""
    if not _has_file(mail_queries.one(mail_id)):
        abort(404)
    return send_file(
        BytesIO(mailer.kept_file(mail_id).read_bytes()),
        mimetype="message/rfc822",
        as_attachment=True,
        download_name=f"mail-{mail_id}.eml",
    )


def _has_file(found: Mail) -> bool:
    return _is_open(found) and mailer.kept_file(found.id).exists()


def _is_open(found: Mail) -> bool:
    """Whether this person may read the links in a mail."""
    if found.about_kind == letters.ABOUT and not (
        may("edit", "Users") and accounts.may_change(found.about_id or 0, current_actor())
    ):
        return False
    return found.state == "kept"


@blueprint.post("/<int:mail_id>/resend")
@requires("resend", "Mail")
def resend(mail_id: int) -> Response:
    """Send a mail again."""

    def action() -> Outcome:
        key = request.form[forms.FIELD]
        again = mail.resend(mail_id, current_actor(), key=key)
        return url_for("mail.show", mail_id=again), "The mail is on its way."

    return carry_out(action, back=url_for("mail.show", mail_id=mail_id))


@blueprint.post("/<int:mail_id>/send-now")
@requires("resend", "Mail")
def send_now(mail_id: int) -> Response:
    """Try a mail again now that was tried in vain, and not after its pause."""

    def action() -> Outcome:
        mail.send_now(mail_id, current_actor())
        return url_for("mail.show", mail_id=mail_id), "The mail is tried again now."

    return carry_out(action, back=url_for("mail.show", mail_id=mail_id))


@blueprint.post("/undo")
@requires("resend", "Mail")
def undo() -> Response:
    """Call back the mails whose ids are sent, as far as they have not gone out yet."""
    ids = request.form.getlist("id", type=int)

    def action() -> Outcome:
        undone = mail.undo(ids, current_actor())
        return url_for("mail.index", state="undone"), _called_back(undone, len(ids))

    return carry_out(action, back=url_for("mail.index"))


def _called_back(undone: int, asked: int) -> str:
    if undone == asked:
        return "The mail was called back." if undone == 1 else f"{undone} mails were called back."
    return f"{undone} of {asked} mails were called back; the others had gone out already."
