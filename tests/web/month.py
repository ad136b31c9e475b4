"""A month of work at an agency, and its clerk at the billing desk, for tests of its pages."""

from datetime import date

from sqlalchemy import func, select

from app.billing.models import BillingAccount, RunRow
from app.core import jobs
from app.core.db import db, unit_of_work
from app.core.forms import new_nonce
from app.timelog.models import TimeEntry
from tests import factories as make
from tests.web.people import person, signed_in

MARCH = date(2026, 3, 31)


class Month:
    """An agency with a month of work, and its clerk at the desk."""

    def __init__(self, app) -> None:
        self.app = app
        with unit_of_work():
            make.set_up_agency()
            make.rate("120.00")
            self.mira = make.staff("Mira")
            self.jon = make.staff("Jon")
        self.client = signed_in(app, person("Billing"))

    def company(self, name="Fjord Dental", *, hours=(1, 2), **values):
        """A company with a ticket each of its entries is on; returns (id, ticket id)."""
        with unit_of_work():
            company = make.company(name, **values)
            make.contact(company, role="billing")
            ticket = make.ticket(company, f"Server of {name}")
            for number, hour in enumerate(hours):
                by = (self.mira, self.jon)[number % 2]
                make.entry(company, by=by, seconds=hour * 3600, ticket_id=ticket.id)
            return company.id, ticket.id

    def get(self, url, **options):
        return self.client.get(url, **options)

    def post(self, url, **data):
        data.setdefault("nonce", new_nonce())
        return self.client.post(url, data=data)

    def compiled(self):
        """Press Compile and let the worker do it; returns the run's id."""
        answer = self.post("/billing/runs", through=MARCH.isoformat())
        jobs.run_due()
        return int(answer.location.rsplit("/", 1)[1])

    def issued(self, run_id, **data):
        """Press Issue and let the worker do it; returns the page of the result."""
        answer = self.post(f"/billing/runs/{run_id}/issue", mail="y", on="2026-04-02", **data)
        jobs.run_due()
        return self.get(answer.location).text


def one(model, **where):
    query = select(model).filter_by(**where).execution_options(populate_existing=True)
    return db.session.scalars(query).one()


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def account_of(company_id):
    return db.session.scalars(
        select(BillingAccount.id).where(BillingAccount.payer_id == company_id)
    ).one()


def row_of(run_id, company_id):
    return one(RunRow, run_id=run_id, account_id=account_of(company_id))


def entries_in() -> list[int]:
    """The ids of all time entries."""
    return list(db.session.scalars(select(TimeEntry.id).order_by(TimeEntry.id)))


def adjust(month, run_id, company_id, **data):
    url = f"/billing/runs/{run_id}/accounts/{account_of(company_id)}/entries"
    return month.post(url, **data)
