"""Asking billing to price unbilled time anew: its rates, its payer or a currency has changed."""

from sqlalchemy import text

from app.core import jobs
from app.core.db import db

REVALUE = "billing.revalue"


def post_revaluation(company_id: int | None = None) -> None:
    """Post the pricing of the unbilled time a company or its parts have or pay for; None: of all.

    However often one transaction asks for the same, it is done once.
    """
    transaction = db.session.scalar(text("select pg_current_xact_id()::text"))
    jobs.post(
        REVALUE,
        {"company": company_id},
        dedupe_key=f"{REVALUE}:{transaction}:{company_id or 'all'}",
    )
