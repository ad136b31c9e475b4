"""What people do with companies: make, change, archive, delete, say who pays."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy.dialects.postgresql import Range

from app.companies import queries, rules
from app.companies.models import BillTo, Company
from app.companies.repricing import post_revaluation
from app.companies.repromising import post_realigning
from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.imports.values import fold_name

# Fields on which the price of unbilled time depends.
PRICING_FIELDS = frozenset({"currency", "kind", "parent_id", "zone"})
# Rows that are part of a company and go with it.
OWN_ROWS = frozenset({"bill_to", "company_domain"})
USED_WORDS = {
    "company": "companies below it",
    "membership": "people",
    "bill_to": "companies it pays for",
    "import_row": "imported rows",
}


def company_of(company_id: int) -> Company:
    """The company of an id. Raises `NotFoundError`."""
    found = db.session.get(Company, company_id)
    if found is None:
        raise NotFoundError(f"There is no company {company_id}.")
    return found


def create_company(actor: Actor, given: Mapping[str, Any]) -> Company:
    """Make a company from the fields of `rules.COMPANY_FIELDS`; `name` is needed.

    Raises `RuleError` with every reason: lengths, unknown codes, a name that is taken.
    """
    values, problems = rules.cleaned({"kind": "company", **_known(given)})
    problems += _place_problems(None, values)
    _refuse(problems)
    company = Company(**values, name_key=fold_name(values["name"]))
    db.session.add(company)
    db.session.flush()
    record(actor, "company.create", kind="company", id=company.id, after=_plain(values))
    return company


def change_company(actor: Actor, company: Company, given: Mapping[str, Any]) -> None:
    """Change fields of a company; fields not given stay.

    Raises `RuleError` with every reason, a parent that stands below the company among them.
    """
    values, problems = rules.cleaned(_known(given))
    problems += _place_problems(company, values)
    _refuse(problems)
    before = {field: getattr(company, field) for field in values}
    changed = {field for field in values if values[field] != before[field]}
    if not changed:
        return
    for field in changed:
        setattr(company, field, values[field])
    company.name_key = fold_name(company.name)
    record(
        actor,
        "company.change",
        kind="company",
        id=company.id,
        before=_plain({field: before[field] for field in changed}),
        after=_plain({field: values[field] for field in changed}),
    )
    if changed & PRICING_FIELDS:
        post_revaluation(company.id)
    if "parent_id" in changed:
        post_realigning(created_by=actor.user_id)


def archive_company(actor: Actor, company: Company) -> None:
    """Take a company out of use; everything it has stays and can be billed no more."""
    if company.archived_at is None:
        company.archived_at = clock.now()
        record(actor, "company.archive", kind="company", id=company.id)
        post_revaluation(company.id)


def restore_company(actor: Actor, company: Company) -> None:
    """Put an archived company into use again."""
    if company.archived_at is not None:
        company.archived_at = None
        record(actor, "company.restore", kind="company", id=company.id)
        post_revaluation(company.id)


def remove_company(actor: Actor, company: Company) -> None:
    """Delete a company that nothing points to. Raises `RuleError` naming what does."""
    used = queries.uses("company", company.id, own=OWN_ROWS)
    used += ["bill_to"] if queries.pays_for_others(company.id) else []
    if used:
        words = ", ".join(USED_WORDS.get(name, name.replace("_", " ")) for name in used)
        raise RuleError(f"{company.name} is in use ({words}): archive it instead.")
    record(actor, "company.delete", kind="company", id=company.id, before={"name": company.name})
    for row in queries.bill_to_rows(company.id):
        db.session.delete(row)
    db.session.delete(company)


def set_bill_to(
    actor: Actor, company: Company, *, payer: Company, start: date | None = None
) -> BillTo:
    """From `start` on (from ever, when None) `payer` pays for `company`, until a later row begins.

    Raises `RuleError` when the payer is archived or a row begins on that very day.
    """
    if payer.archived_at is not None:
        raise RuleError(f"{payer.name} is archived and cannot pay: restore it or choose another.")
    rows = queries.bill_to_rows(company.id)
    if any(row.valid.lower == start for row in rows):
        raise RuleError("Another row begins on that day: delete it first.")
    later = [row.valid.lower for row in rows if row.valid.lower and _after(row.valid.lower, start)]
    for row in rows:
        if start is not None and start in row.valid:
            row.valid = Range(row.valid.lower, start)
    db.session.flush()  # the earlier row must end before the new one may begin
    made = BillTo(
        company_id=company.id, payer_id=payer.id, valid=Range(start, min(later, default=None))
    )
    db.session.add(made)
    record(
        actor,
        "company.bill_to",
        kind="company",
        id=company.id,
        after={"payer": payer.id, "from": start.isoformat() if start else None},
    )
    post_revaluation(company.id)
    return made


def remove_bill_to(actor: Actor, company: Company, row_id: int) -> None:
    """Delete a dated row; the row before it does not grow into the gap.

    Raises `NotFoundError` for a row of another company.
    """
    row = db.session.get(BillTo, row_id)
    if row is None or row.company_id != company.id:
        raise NotFoundError(f"{company.name} has no such row.")
    record(
        actor,
        "company.bill_to_delete",
        kind="company",
        id=company.id,
        before={"payer": row.payer_id, "valid": str(row.valid)},
    )
    db.session.delete(row)
    post_revaluation(company.id)


def _after(day: date, start: date | None) -> bool:
    return start is None or day > start


def _known(given: Mapping[str, Any]) -> dict[str, Any]:
    return {field: given[field] for field in rules.COMPANY_FIELDS if field in given}


def _place_problems(company: Company | None, values: dict[str, Any]) -> list[str]:
    """Why a name or a place in the tree is refused."""
    problems = []
    own = company.id if company else None
    if values.get("name") and (company is None or not company.external_id):
        same = queries.namesakes(fold_name(values["name"]), but=own)
        if same:
            problems.append(f"Name: there is a company {same[0].name} already; open that one.")
    parent_id = values.get("parent_id")
    if parent_id is not None:
        parent = db.session.get(Company, parent_id)
        if parent is None:
            problems.append("Parent: that company is not there any more; choose another.")
        elif own and own in {parent_id, *(above.id for above in queries.ancestors(parent_id))}:
            problems.append(f"Parent: {parent.name} stands below this company; choose another.")
    return problems


def _refuse(problems: list[str]) -> None:
    if problems:
        raise RuleError(*problems)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in values.items() if value not in (None, "")}
