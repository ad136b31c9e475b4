"""The filters of the dashboards: read from the address, checked, and written into it again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TypeVar
from urllib.parse import urlencode

from app.billing import queries_dashboards as money
from app.companies import queries as companies
from app.companies.models import Company
from app.companies.scope import Scope, subtree_ids
from app.core import clock
from app.core.db import db
from app.core.errors import RuleError
from app.core.models import Agency
from app.desk.periods import Period, asked
from app.staff.models import Department

LONGEST_ID = 18  # digits of a bigint, safely

Found = TypeVar("Found", Company, Department)


@dataclass(frozen=True)
class Filters:
    """What is looked at: days, companies with all below them, a department, one currency."""

    period: Period
    company: Company | None
    department: Department | None
    currency: str
    currencies: tuple[str, ...]
    zone: str
    today: date
    scope: Scope

    @cached_property
    def query(self) -> str:
        """The filters as they stand in an address."""
        chosen = {
            "from": self.period.first.isoformat(),
            "to": self.period.last.isoformat(),
            "company": str(self.company.id) if self.company else "",
            "department": str(self.department.id) if self.department else "",
            "currency": self.currency,
        }
        return urlencode({key: text for key, text in chosen.items() if text})

    def with_period(self, period: Period) -> str:
        """The same filters over another period, as they stand in an address."""
        return replace(self, period=period).query


def read(arguments: Mapping[str, str]) -> Filters:
    """Read the filters of an address. Raises RuleError naming everything that is wrong."""
    agency = db.session.get_one(Agency, 1)
    today = clock.today(agency.zone)
    problems: list[str] = []
    period = Period(today, today)
    try:
        period = asked(arguments, today)
    except RuleError as error:
        problems.extend(error.problems)
    company = _company(arguments, problems)
    department = _department(arguments, problems)
    known = money.currencies()
    currency = arguments.get("currency") or agency.currency
    if currency not in known:
        problems.append(f"There is nothing in the currency {currency!r}: choose one of the list.")
    if problems:
        raise RuleError(*problems)
    return Filters(
        period=period,
        company=company,
        department=department,
        currency=currency,
        currencies=tuple(known),
        zone=agency.zone,
        today=today,
        scope=Scope(
            subtree_ids(company.id) if company else None,
            department.id if department else None,
        ),
    )


def _company(arguments: Mapping[str, str], problems: list[str]) -> Company | None:
    """By id, or by the beginning of a name where no script turned it into one."""
    given, typed = arguments.get("company", ""), arguments.get("company_text", "").strip()
    if not given and not typed:
        return None
    if not given:
        first = db.session.execute(companies.company_search(typed).limit(1)).first()
        given = str(first.id) if first else ""
    found = _by_id(Company, given)
    if found is None:
        problems.append(f"There is no company {typed or given!r}: type the beginning of its name.")
    return found


def _department(arguments: Mapping[str, str], problems: list[str]) -> Department | None:
    given = arguments.get("department", "")
    found = _by_id(Department, given) if given else None
    if given and found is None:
        problems.append(f"There is no department {given!r}: choose one of the list.")
    return found


def _by_id(model: type[Found], text: str) -> Found | None:
    return (
        db.session.get(model, int(text)) if text.isdecimal() and len(text) <= LONGEST_ID else None
    )
