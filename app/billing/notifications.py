"""What billing writes to clients: an invoice asks to be paid, a credit note only tells."""

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import select

from app.billing.recipients import Recipient, recipients_of
from app.core import clock, mail
from app.core.db import db
from app.core.errors import RuleError
from app.core.models import Agency
from app.core.money import from_minor

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
    subject, body = _credit_note(to) if to.kind == "credit_note" else _invoice(to)
    sender = mail.one_line(agency.name)
    return mail.Letter(
        word="Notification" if to.kind == "credit_note" else "ACTION",
        subject=f"{subject} from {sender}",
        body=f"{_greeting(to)}\n\n{body}\n\nThe document is attached as a PDF.\n\n{sender}\n",
        recipient=to.address,
        recipient_name=to.name,
        dedupe_key=":".join(filter(None, (ABOUT, str(to.document_id), to.address, occasion))),
        attachments=({"name": f"{to.number}.pdf", "document_id": to.document_id},),
        headers=mail.headers_of(agency.name, agency.email),
        about=(ABOUT, to.document_id),
    )


def _greeting(to: Recipient) -> str:
    return f"Dear {mail.one_line(to.name or to.company)},"


def _invoice(to: Recipient) -> tuple[str, str]:
    amount, due = _amount(to), f"{to.due_on.day} {to.due_on:%B %Y}"
    return (
        f"Invoice {to.number}: {amount} due {due}",
        (
            f"invoice {to.number} for {to.company} comes to {amount}.\n"
            f"Please pay it by {due} and give {to.number} as the reference."
        ),
    )


def _credit_note(to: Recipient) -> tuple[str, str]:
    return (
        f"Credit note {to.number}",
        (
            f"credit note {to.number} over {_amount(to)} cancels invoice {to.credited_number} for"
            f" {to.company}.\nThere is nothing for you to do."
        ),
    )


def _amount(to: Recipient) -> str:
    return f"{to.currency} {from_minor(to.gross_minor, to.currency)}"
