"""Issued documents as rows, for tests of what comes after issue."""

from datetime import UTC, date, datetime

from sqlalchemy import select

from app.billing.documents.content import DocumentContent, seal
from app.billing.models import BillingAccount, Document, Series
from app.core.db import db
from tests import factories
from tests.unit.documents.samples import document as content_of

AT = datetime(2026, 3, 31, 16, 20, tzinfo=UTC)


def series(kind: str = "invoice", year: int = 2026) -> Series:
    found = db.session.scalars(
        select(Series).where(Series.kind == kind, Series.year == year)
    ).first()
    if found is None:
        found = Series(kind=kind, year=year, pattern="INV-{yyyy}-{n:05}")
        db.session.add(found)
        db.session.flush()
    return found


def issued(
    account: BillingAccount | None = None,
    *,
    content: DocumentContent | None = None,
    on: date = date(2026, 3, 31),
    due: date = date(2026, 4, 30),
    gross: int | None = None,
) -> Document:
    """An issued invoice of an account, with frozen content; `gross` overrides its total."""
    account = account or factories.account(factories.company())
    given = series()
    number = f"INV-{on:%Y}-{given.next_no:05}"
    content = content or content_of(3, number=number)
    sealed = seal(content, previous=given.last_hash)
    net = content.net_minor if gross is None else gross
    tax = content.tax_minor if gross is None else 0
    made = Document(
        kind="invoice",
        account_id=account.id,
        payer_id=account.payer_id,
        series_id=given.id,
        sequence=given.next_no,
        number=number,
        issued_on=on,
        issued_at=AT,
        due_on=due,
        through=on,
        currency=account.currency,
        paper="a4",
        net_minor=net,
        tax_minor=tax,
        gross_minor=net + tax,
        policy={},
        content=sealed.content.decode(),
        content_hash=sealed.sha256,
        previous_hash=given.last_hash,
    )
    given.next_no += 1
    given.last_hash = sealed.sha256
    db.session.add(made)
    db.session.flush()
    return made
