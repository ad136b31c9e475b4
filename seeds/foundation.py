"""What the demo stands on: agency, sign-ins, staff, companies, people, work types, rates, taxes.

All of it through the commands that people use.
"""

from datetime import date
from decimal import Decimal

from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

from app.billing.agency import Particulars, change_agency, the_agency
from app.billing.commands.rates import RateTerms, set_rate, set_tax
from app.companies.commands import create_company, set_bill_to
from app.companies.models import Company
from app.companies.people import create_contact
from app.core.audit import Actor
from app.core.credentials import hashed
from app.core.db import db
from app.staff.accounts import add_user
from app.staff.commands import add_department, add_staff, set_members
from app.staff.models import Staff
from app.timelog.models import WorkType
from seeds import names
from seeds.demo import Year
from seeds.portal import write_clients_access

ACTOR = Actor(name="demo", channel="demo")
SOURCE = "demo"
PASSWORD = "demo"  # noqa: S105 - printed in the README; only ever loaded on a loopback address
DOMAIN = "northlight.example"
AGENCY = Particulars(
    name="Northlight Support",
    currency="EUR",
    zone="Europe/Berlin",
    country="DE",
    address="Speicherstrasse 12\n20457 Hamburg",
    email=f"office@{DOMAIN}",
    tax_id="DE812345679",
    iban="DE02120300000000202051",
    paper="a4",
    terms_days=14,
)
HOME = "DE"
UNION = frozenset({"PL", "NL", "DK", "IE", "AT", "IT", "PT", "ES", "FR"})
TAX = "VAT"
VAT = Decimal(19)
RISE_MONTH = 6  # in which prices rise, of the twelve
UNPRICED = "CHF"  # no rate in the last month: an exception on the billing desk
LAST_MONTH = 11


def email_of(staff: int) -> str:
    """The address of a person of `names.STAFF`."""
    name, username = names.STAFF[staff][:2]
    return f"{username or name.split()[0].lower()}@{DOMAIN}"


def company_key(index: int) -> str:
    """The external id of a company of `names.COMPANIES`."""
    return f"C{index:03}"


def person_key(index: int) -> str:
    return f"P{index:03}"


def write_staff() -> None:
    """The agency, its people and the four sign-ins."""
    if not the_agency().is_set_up:
        change_agency(AGENCY, actor=ACTOR)
    password = hashed(PASSWORD)
    roles = {role.name: role for role in db.session.scalars(select(Role))}
    for index, (name, username, role, _, zone) in enumerate(names.STAFF):
        if not username:
            add_staff(actor=ACTOR, name=name, email=email_of(index), zone=zone, is_demo=True)
            continue
        user = add_user(email_of(index), username, name, [roles[role]], password)
        staff = db.session.scalars(select(Staff).where(Staff.user_id == user.id)).one()
        staff.is_demo, staff.zone = True, zone
    ids = {index: _staff_id(index) for index in range(len(names.STAFF))}
    for title in names.DEPARTMENTS:
        members = [ids[n] for n, row in enumerate(names.STAFF) if row[3] == title]
        set_members(add_department(actor=ACTOR, name=title), actor=ACTOR, staff_ids=members)


def _staff_id(index: int) -> int:
    return db.session.scalars(select(Staff.id).where(Staff.email == email_of(index))).one()


def write_clients(year: Year) -> None:
    """The tree of companies, who pays for whom, and their people."""
    made: dict[str, Company] = {}
    for index, row in enumerate(names.COMPANIES):
        kind, name, parent, country, currency, zone, terms, domain, _ = row
        city, postcode = names.CITIES[country]
        company = create_company(
            ACTOR,
            {
                "kind": kind,
                "name": name,
                "parent_id": made[parent].id if parent else None,
                "email": f"info@{domain}",
                "website": f"https://www.{domain}/",
                "tax_id": ""
                if name in names.NO_TAX_ID
                else f"{country}{812_000_000 + 7919 * index}",
                "purchase_order": names.PURCHASE_ORDERS.get(name, ""),
                "currency": currency,
                "zone": zone,
                "terms_days": terms,
                "billing_street": f"{names.STREETS[index % len(names.STREETS)]} {3 + 2 * index}",
                "billing_city": city,
                "billing_postcode": postcode,
                "billing_country": country,
            },
        )
        company.is_demo, company.source, company.external_id = True, SOURCE, company_key(index)
        made[name] = company
    db.session.flush()
    for name, payer, month in names.PAYERS:
        start = year.months[month] if month else None
        set_bill_to(ACTOR, made[name], payer=made[payer], start=start)
    for index, person in enumerate(year.people):
        contact = create_contact(
            ACTOR,
            {"name": person.name, "title": person.title},
            emails=[person.email],
            company_id=made[names.COMPANIES[person.company][1]].id,
            role=person.role,
        )
        contact.is_demo, contact.source, contact.external_id = True, SOURCE, person_key(index)
    db.session.flush()
    write_clients_access(ACTOR, PASSWORD)


def write_prices(year: Year) -> None:
    """Work types, rates with a rise within the year, and taxes by where a client is."""
    types = {row[0]: WorkType(name=row[0], is_billable=row[1]) for row in names.WORK_TYPES}
    db.session.add_all(types.values())
    db.session.flush()
    rise = year.months[RISE_MONTH]
    for name, billable, rate, minimum, increment, rounding, _ in names.WORK_TYPES:
        if not billable:
            continue
        for currency, hundredths in names.EXCHANGE.items():
            new = _round(rate * hundredths)
            end = year.months[LAST_MONTH] if currency == UNPRICED else None
            for amount, first, last in (
                (_round(rate * hundredths * 96 // 100), year.first_day, rise),
                (new, rise, end),
            ):
                terms = RateTerms(
                    rate=amount,
                    currency=currency,
                    work_type_id=types[name].id,
                    start=first,
                    end=last,
                    minimum_seconds=minimum * 60,
                    increment_seconds=increment * 60,
                    rounding=rounding,
                )
                set_rate(ACTOR, terms)
    _special_rates(types, year.first_day)
    _taxes(year.first_day)


def _round(hundredths: int) -> Decimal:
    """A rate in whole units of its currency, in tens where it has four digits and more."""
    whole = (hundredths + 50) // 100
    return Decimal(whole if whole < 1000 else (whole + 5) // 10 * 10)  # noqa: PLR2004


def _special_rates(types: dict[str, WorkType], start: date) -> None:
    fjord = db.session.scalars(select(Company.id).where(Company.name == "Fjord Dental")).one()
    support, consulting = types["Remote support"].id, types["Consulting"].id
    quarter = 15 * 60
    set_rate(
        ACTOR,
        RateTerms(
            rate=Decimal(88),
            currency="EUR",
            company_id=fjord,
            work_type_id=support,
            start=start,
            minimum_seconds=quarter,
            increment_seconds=quarter,
            rounding="up",
        ),
    )
    set_rate(
        ACTOR,
        RateTerms(
            rate=Decimal(165),
            currency="EUR",
            work_type_id=consulting,
            staff_id=_staff_id(0),
            start=start,
            increment_seconds=quarter,
            rounding="nearest",
        ),
    )


def _taxes(start: date) -> None:
    set_tax(ACTOR, name=TAX, percent=VAT, start=start)
    companies = select(Company.id, Company.billing_country).where(Company.source == SOURCE)
    for company_id, country in db.session.execute(companies.order_by(Company.id)):
        if country == HOME:
            continue
        inside = country in UNION
        set_tax(
            ACTOR,
            name="Reverse charge" if inside else "Outside the EU",
            percent=Decimal(0),
            company_id=company_id,
            category="AE" if inside else "O",
            start=start,
        )
