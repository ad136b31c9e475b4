"""What billing writes to clients, in their language: an invoice asks, a credit note only tells."""

from collections.abc import Collection
from datetime import timedelta

from flask import current_app
from sqlalchemy import select

from app.billing.recipients import Recipient, recipients_of
from app.core import clock, formats, language, mail
from app.core.db import db
from app.core.errors import RuleError
from app.core.language import gettext as _
from app.core.models import Agency

ABOUT = "document"


def post_documents(
    document_ids: Collection[int], *, delay: timedelta = mail.UNDO, occasion: str = ""
) -> int:
    """Post the mails of issued documents in the present unit of work; returns how many are new.

    Each has the PDF attached and can be called back until `delay` is over. A document's mail is
    posted once for each `occasion`. The number of statements is the same for any number of them.
    """
    agency = db.session.scalars(select(Agency)).one()
    found = recipients_of(document_ids, clock.today(agency.zone))
    return mail.post([_letter(each, agency, occasion) for each in found], delay=delay)


def post_again(document_id: int, *, key: str) -> int:
    """Write to a document's billing contacts of today once more; `key` makes a repeat one.

    Raises `RuleError` when there is nobody to write to.
    """
    agency = db.session.scalars(select(Agency)).one()
    if not recipients_of([document_id], clock.today(agency.zone)):
        raise RuleError(
            "Nobody can be written to: give the company a billing contact or an e-mail address."
        )
    return post_documents([document_id], delay=timedelta(0), occasion=key)


def _letter(to: Recipient, agency: Agency, occasion: str) -> mail.Letter:
    sender = mail.one_line(agency.name)
    with language.reading(to.language):
        subject, body = (
            _credit_note(to, sender) if to.kind == "credit_note" else _invoice(to, sender)
        )
        parts = [_("Dear %(name)s,", name=mail.one_line(to.name or to.company)), body]
        parts += [_("The document is attached as a PDF."), sender]
        html = current_app.jinja_env.get_template("mail/document.html").render(
            subject=subject, parts=[part.split("\n") for part in parts]
        )
    return mail.Letter(
        word="Notification" if to.kind == "credit_note" else "ACTION",
        subject=subject,
        body="\n\n".join(parts) + "\n",
        html=html,
        recipient=to.address,
        recipient_name=to.name,
        dedupe_key=":".join(filter(None, (ABOUT, str(to.document_id), to.address, occasion))),
        attachments=({"name": f"{to.number}.pdf", "document_id": to.document_id},),
        headers=mail.headers_of(agency.name, agency.email),
        about=(ABOUT, to.document_id),
    )


def _invoice(to: Recipient, sender: str) -> tuple[str, str]:
    due = formats.long_day(to.due_on, language.current())
    names = {"number": to.number, "amount": _amount(to), "due": due}
    return (
        _("Invoice %(number)s: %(amount)s due %(due)s from %(sender)s", sender=sender, **names),
        _(
            "Invoice %(number)s for %(company)s comes to %(amount)s.\n"
            "Please pay it by %(due)s and give %(number)s as the reference.",
            company=mail.one_line(to.company),
            **names,
        ),
    )


def _credit_note(to: Recipient, sender: str) -> tuple[str, str]:
    return (
        _("Credit note %(number)s from %(sender)s", number=to.number, sender=sender),
        _(
            "Credit note %(number)s over %(amount)s cancels invoice %(invoice)s for %(company)s.\n"
            "There is nothing for you to do.",
            number=to.number,
            amount=_amount(to),
            invoice=to.credited_number,
            company=mail.one_line(to.company),
        ),
    )


def _amount(to: Recipient) -> str:
    """As the document writes it to who reads this language, with a space that mails bear."""
    return f"{to.currency} {formats.money(to.gross_minor, to.currency, language.current())}"
