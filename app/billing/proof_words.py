"""How what a proof finds reads to an accountant: amounts with their currency, things by name.

The checks mark amounts as `<EUR 1050>`, in minor units, and things as `<entry 5>`; here the marks
become words. An id stays in brackets beside its name.
"""

import re
from collections.abc import Callable, Collection, Sequence

from sqlalchemy import select

from app.billing.models import BillingAccount, Payment
from app.companies.models import Company
from app.core import formats
from app.core.db import db
from app.staff.models import Staff
from app.timelog.models import TimeEntry

MARK = re.compile(r"<([A-Z]{3}|entry|company|account|payment) (-?\d+)>")
Names = dict[int, str]


def money(currency: str, minor: int) -> str:
    """The mark of an amount."""
    return f"<{currency} {minor}>"


def in_words(faults: Sequence[str]) -> list[str]:
    """Some faults with every mark in words; a thing that is gone keeps its bare id."""
    wanted: dict[str, set[int]] = {}
    for kind, number in MARK.findall("".join(faults)):
        wanted.setdefault(kind, set()).add(int(number))
    names = {kind: _NAMED[kind](ids) for kind, ids in wanted.items() if kind in _NAMED}

    def word(mark: re.Match[str]) -> str:
        kind, number = mark[1], int(mark[2])
        if kind in _NAMED:
            return names[kind].get(number, f"{kind} {number}")
        return formats.amount(number, kind)

    return [MARK.sub(word, fault) for fault in faults]


def _entries(ids: Collection[int]) -> Names:
    query = select(TimeEntry.id, Staff.name, TimeEntry.work_date)
    query = query.join(Staff, Staff.id == TimeEntry.staff_id).where(TimeEntry.id.in_(ids))
    return {
        row.id: f"the time of {row.name} on {formats.day(row.work_date)} (entry {row.id})"
        for row in db.session.execute(query)
    }


def _companies(ids: Collection[int]) -> Names:
    query = select(Company.id, Company.name).where(Company.id.in_(ids))
    return {row.id: f"{row.name} (company {row.id})" for row in db.session.execute(query)}


def _accounts(ids: Collection[int]) -> Names:
    query = select(BillingAccount.id, Company.name)
    query = query.join(Company, Company.id == BillingAccount.payer_id)
    found = db.session.execute(query.where(BillingAccount.id.in_(ids)))
    return {row.id: f"{row.name} (account {row.id})" for row in found}


def _payments(ids: Collection[int]) -> Names:
    query = select(Payment.id, Payment.received_on, Company.name)
    query = query.join(BillingAccount, BillingAccount.id == Payment.account_id)
    query = query.join(Company, Company.id == BillingAccount.payer_id)
    return {
        row.id: f"payment {row.id} of {row.name}, received on {formats.day(row.received_on)},"
        for row in db.session.execute(query.where(Payment.id.in_(ids)))
    }


_NAMED: dict[str, Callable[[Collection[int]], Names]] = {
    "entry": _entries,
    "company": _companies,
    "account": _accounts,
    "payment": _payments,
}
