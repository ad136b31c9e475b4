"""Days are counted by us and by the database: both must read the same time zones."""

import shutil
import zoneinfo
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text

from app.billing.commands.rates import RateTerms, explain, set_rate
from app.billing.runs import answer_of
from app.companies.scope import Scope
from app.core import clock, zone_check, zones
from app.core.db import db, unit_of_work
from app.desk import dashboard_figures
from app.desk.dashboard_filters import Filters
from app.desk.periods import Period
from app.doctor import examine
from app.timelog.commands import log_time
from app.timelog.rules import Work
from tests import factories
from tests.billing.desk import CLERK, assert_books, compiled, issued


@pytest.fixture
def oslo_is_tokyo(app, tmp_path):
    """A host whose tzdata has other days for Oslo than the database has."""
    before = zoneinfo.TZPATH
    (tmp_path / "Europe").mkdir()
    shutil.copy(f"{before[0]}/Asia/Tokyo", tmp_path / "Europe" / "Oslo")
    zoneinfo.reset_tzpath(to=[tmp_path, *before])
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath(to=before)
    zoneinfo.ZoneInfo.clear_cache()


def test_every_zone_has_the_same_days_for_us_and_for_the_embedded_database(app):
    first, last = date(2024, 1, 1), date(2030, 12, 31)
    assert zone_check.differing(db.session.connection(), zones.KNOWN, first, last) == {}


def test_an_entry_at_the_edge_of_a_day_is_billed_by_the_rate_and_in_the_month_of_its_day(app):
    now = datetime(2026, 12, 5, 12, tzinfo=UTC)
    with clock.frozen(now), unit_of_work() as session:
        session.execute(text("update agency set zone = 'America/Vancouver'"))
        company, staff = factories.company(), factories.staff()
        set_rate(CLERK, RateTerms(Decimal(100), "EUR", end=date(2026, 12, 1)))
        set_rate(CLERK, RateTerms(Decimal(200), "EUR", start=date(2026, 12, 1)))
        at = datetime(2026, 12, 1, 7, 15, tzinfo=UTC)
        work = Work(started_at=at, ended_at=at.replace(minute=45))
        entry = log_time(work, actor=CLERK, staff_id=staff.id, company_id=company.id)
        entry_id, day = entry.id, entry.work_date
    run = compiled(day, at=now)
    (invoice,) = answer_of(run, detail=True)["invoices"]
    (line,) = invoice["line_items"]
    assert Decimal(line["rate"]) == explain(entry_id).won.rate
    assert Decimal(line["rate"]) == (100 if day < date(2026, 12, 1) else 200)
    issued(run, at=now)
    assert_books()


def test_a_ticket_that_the_database_counts_to_the_day_before_is_in_the_first_bar(oslo_is_tokyo):
    with unit_of_work():
        factories.ticket(factories.company(), created_at=datetime(2026, 7, 1, 16, tzinfo=UTC))
    day = date(2026, 7, 2)
    filters = Filters(
        period=Period(day, date(2026, 7, 10)),
        company=None,
        department=None,
        currency="EUR",
        currencies=("EUR",),
        zone="Europe/Oslo",
        today=day,
        scope=Scope(),
    )
    opened = dashboard_figures.draw("tickets", filters).series[0]
    assert [mark.value for mark in opened.marks] == [1, 0, 0, 0, 0, 0, 0, 0, 0]


def test_the_zones_in_use_are_compared(app, client, settings, oslo_is_tokyo):
    assert client.get("/readyz").json["parts"]["zones"] == "ok"
    with unit_of_work():
        factories.company("Fjord").zone = "Europe/Oslo"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["parts"]["zones"]) == (200, "degraded")
    (said,) = [found.detail for found in examine(settings) if found.check == "time zones"]
    assert "Europe/Oslo" in said
    assert "tzdata" in said
