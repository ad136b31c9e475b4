"""The mail domains of companies: whoever proves an address of a verified one belongs there."""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select

from app.companies.account_models import CompanyDomain
from app.companies.models import BY_MAIL, Company, ContactEmail, Membership
from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.imports.values import fold_name

SHAPE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
MOST_SUGGESTED = 3
# Providers at which everybody can have an address: such a domain says nothing about a company.
_FREE_MAIL = """
aol.com bluewin.ch btinternet.com comcast.net fastmail.com free.fr freenet.de gmail.com
gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com hey.com hotmail.co.uk hotmail.com
hotmail.de hotmail.fr icloud.com laposte.net libero.it live.com live.nl mac.com mail.com
mail.ru mailbox.org me.com msn.com naver.com online.no orange.fr outlook.com outlook.de
pm.me posteo.de proton.me protonmail.com qq.com rocketmail.com rogers.com seznam.cz sfr.fr
t-online.de telenet.be tiscali.it tutanota.com verizon.net virgilio.it wanadoo.fr web.de
wp.pl yahoo.co.uk yahoo.com yahoo.de yahoo.fr yandex.com yandex.ru ymail.com zoho.com
163.com 126.com
"""
# By which people write a company's name or leave them out.
_LEGAL_FORMS = """
ab ag aps as asa bv co corp gbr gmbh inc kft kg limited llc llp ltd nv oy plc sa sarl sas se sl
spa srl ug
"""
LEGAL_FORMS = frozenset(_LEGAL_FORMS.split())
FREE_MAIL = frozenset(_FREE_MAIL.split())


def domain_of(address: str) -> str:
    """The domain of an e-mail address, in lower case."""
    return address.rpartition("@")[2].strip().lower()


def is_free_mail(domain: str) -> bool:
    """Whether everybody can have an address there."""
    return domain.lower() in FREE_MAIL


def add(actor: Actor, company: Company, domain: str, *, verified: bool) -> CompanyDomain:
    """Write down a domain of a company; `verified` when it is known to be theirs alone.

    Raises `RuleError` for a free-mail domain, or one of another company.
    """
    name = domain_of(domain).rstrip(".")
    if not SHAPE.fullmatch(name):
        raise RuleError(f"“{domain.strip()}” is no mail domain: write it as example.com.")
    if is_free_mail(name):
        raise RuleError(
            f"At {name} everybody can have an address: invite the people of {company.name} singly."
        )
    known = db.session.scalars(select(CompanyDomain).where(CompanyDomain.domain == name)).first()
    if known is not None and known.company_id != company.id:
        raise RuleError(f"{name} is a domain of {known.company.name} already: remove it there.")
    made = known or CompanyDomain(company_id=company.id, domain=name)
    if verified and made.verified_at is None:
        made.verified_at = clock.now()
    db.session.add(made)
    db.session.flush()
    record(
        actor,
        "company.domain",
        kind="company",
        id=company.id,
        after={"domain": name, "verified": made.verified_at is not None},
    )
    return made


def remove(actor: Actor, company: Company, domain_id: int) -> None:
    """Forget a domain of a company; people who joined by it stay. Raises `NotFoundError`."""
    gone = db.session.get(CompanyDomain, domain_id)
    if gone is None or gone.company_id != company.id:
        raise NotFoundError(f"{company.name} has no such domain.")
    db.session.delete(gone)
    record(
        actor, "company.domain_gone", kind="company", id=company.id, before={"domain": gone.domain}
    )


def of_company(company_id: int) -> list[CompanyDomain]:
    """The domains of a company, by name."""
    return list(
        db.session.scalars(
            select(CompanyDomain)
            .where(CompanyDomain.company_id == company_id)
            .order_by(CompanyDomain.domain)
        )
    )


def joined_by(address: str) -> Company | None:
    """The company that a proven address joins by itself: its domain is verified and so set."""
    return db.session.scalars(
        select(Company)
        .join(CompanyDomain, CompanyDomain.company_id == Company.id)
        .where(
            CompanyDomain.domain == domain_of(address),
            CompanyDomain.verified_at.is_not(None),
            CompanyDomain.auto_attach,
            Company.archived_at.is_(None),
        )
    ).one_or_none()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A company that a person may mean, and why in words.

    It is `sure` where their address speaks for it, not the name alone that they typed.
    """

    company: Company
    reason: str
    sure: bool


def suggested(address: str, company_name: str) -> list[Suggestion]:
    """Companies a person may mean: by domain, by people of the same domain, by the name given.

    Never one that only stands for an unknown sender, whose address is its name.
    """
    domain = domain_of(address)
    reasons: dict[int, tuple[str, bool]] = {}
    if not is_free_mail(domain):
        for known in db.session.scalars(
            select(CompanyDomain).where(CompanyDomain.domain == domain)
        ):
            proof = "verified" if known.verified_at else "not verified"
            reasons[known.company_id] = (f"By its domain {domain}, which is {proof}.", True)
        for number in db.session.scalars(_by_people(domain)):
            reasons.setdefault(number, (f"By other people of it with addresses at {domain}.", True))
    if keys := _name_keys(company_name):
        named = (
            "Only by the name that was typed, which anybody can; "
            f"the address at {domain} is no sign of it."
        )
        for number in db.session.scalars(
            select(Company.id)
            .where(Company.name_key.in_(keys), Company.archived_at.is_(None))
            .order_by(Company.id)
            .limit(MOST_SUGGESTED)
        ):
            reasons.setdefault(number, (named, False))
    wanted = list(reasons)[:MOST_SUGGESTED]
    found = {
        one.id: one
        for one in db.session.scalars(
            select(Company).where(
                Company.id.in_(wanted), Company.archived_at.is_(None), ~_only_stands_for_somebody()
            )
        )
    }
    return [Suggestion(found[one], *reasons[one]) for one in wanted if one in found]


def _only_stands_for_somebody() -> ColumnElement[bool]:
    """Companies that are but the address of one person: others are not told of it."""
    by_mail = func.coalesce(Company.source, "") == BY_MAIL
    return and_(by_mail, Company.name == func.coalesce(Company.external_id, ""))


def _by_people(domain: str) -> Select[Any]:
    """Companies whose people have addresses at a domain, most people first."""
    return (
        select(Membership.company_id)
        .join(ContactEmail, ContactEmail.contact_id == Membership.contact_id)
        .where(func.split_part(func.lower(ContactEmail.address), "@", 2) == domain)
        .group_by(Membership.company_id)
        .order_by(func.count().desc(), Membership.company_id)
        .limit(MOST_SUGGESTED)
    )


def _name_keys(name: str) -> set[str]:
    """The folded name as typed, without its legal form, and with any other."""
    key = fold_name(name)
    words = key.replace(".", "").split()
    while words and words[-1] in LEGAL_FORMS:
        words.pop()
    bare = " ".join(words)
    others = {bare, *(f"{bare} {form}" for form in LEGAL_FORMS)} if bare else set()
    return ({key} | others) - {""}
