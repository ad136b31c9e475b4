"""Companies: made, changed, archived, deleted, and who pays for them."""

from datetime import date

import pytest
from sqlalchemy import select

from app.companies import commands, queries
from app.companies.models import Company
from app.core.audit import SYSTEM
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.core.models import AuditLog
from tests import factories as make


def create(name="Fjord Dental", **values):
    return commands.create_company(SYSTEM, {"name": name, **values})


def test_every_reason_is_told_at_once(app):
    create("Northwind Ltd")
    with pytest.raises(RuleError) as refused:
        create(
            "northwind  ltd",
            currency="XXQ",
            zone="Oslo",
            email="nobody@",
            billing_country="Atlantis",
            terms_days=-1,
            kind="club",
        )
    told = " ".join(refused.value.problems)
    for word in ("Northwind Ltd", "Currency", "Time zone", "E-mail", "country", "Terms", "Kind"):
        assert word in told, word


def test_a_name_of_300_characters_is_refused_with_its_length(app):
    with pytest.raises(RuleError, match="Name: 300 characters; at most 200"):
        create("x" * 300)


def test_markup_and_formulas_stay_text(app):
    assert create("=HYPERLINK(1)").name == "=HYPERLINK(1)"
    assert create("<b>Bold</b>").name == "<b>Bold</b>"


def test_codes_take_their_usual_form(app):
    company = create(currency="eur", zone="europe/oslo", billing_country="Norway")
    assert (company.currency, company.zone, company.billing_country) == (
        "EUR",
        "Europe/Oslo",
        "NO",
    )


def test_a_company_cannot_stand_below_itself(app):
    top = create()
    site = create("Site", kind="site", parent_id=top.id)
    desk = create("Reception", kind="department", parent_id=site.id)
    with pytest.raises(RuleError, match="stands below this company"):
        commands.change_company(SYSTEM, top, {"parent_id": desk.id})
    with pytest.raises(RuleError, match="stands below this company"):
        commands.change_company(SYSTEM, top, {"parent_id": top.id})
    assert [one.id for one in queries.ancestors(desk.id)] == [top.id, site.id]


def test_a_change_is_written_with_what_was_before(app):
    company = create(phone="1")
    commands.change_company(SYSTEM, company, {"phone": "2", "name": "Fjord Dental"})
    db.session.flush()
    line = db.session.scalars(select(AuditLog).where(AuditLog.action == "company.change")).one()
    assert (line.before, line.after) == ({"phone": "1"}, {"phone": "2"})


def test_saving_without_a_change_writes_nothing(app):
    company = create()
    commands.change_company(SYSTEM, company, {"name": "Fjord Dental"})
    db.session.flush()
    assert not db.session.scalar(select(AuditLog).where(AuditLog.action == "company.change"))


def test_what_is_in_use_is_archived_not_deleted(app):
    company = create()
    make.entry(company, by=make.staff())
    with pytest.raises(RuleError, match="time entry"):
        commands.remove_company(SYSTEM, company)
    commands.archive_company(SYSTEM, company)
    assert company.archived_at is not None
    commands.restore_company(SYSTEM, company)
    assert company.archived_at is None


def test_an_unused_company_goes_with_its_own_rows(app):
    company, payer = create(), create("Payer")
    commands.set_bill_to(SYSTEM, company, payer=payer)
    with pytest.raises(RuleError, match="pays for"):
        commands.remove_company(SYSTEM, payer)
    commands.remove_company(SYSTEM, company)
    db.session.flush()
    assert db.session.scalars(select(Company.name)).all() == ["Payer"]


def test_a_new_payer_ends_the_row_before(app):
    company, first, second = create(), create("First"), create("Second")
    commands.set_bill_to(SYSTEM, company, payer=first)
    commands.set_bill_to(SYSTEM, company, payer=second, start=date(2026, 4, 1))
    spans = [(row.payer.name, row.valid.lower, row.valid.upper) for row in _rows(company)]
    assert spans == [("First", None, date(2026, 4, 1)), ("Second", date(2026, 4, 1), None)]


def test_an_earlier_row_ends_where_the_next_begins(app):
    company, first, second = create(), create("First"), create("Second")
    commands.set_bill_to(SYSTEM, company, payer=second, start=date(2026, 4, 1))
    commands.set_bill_to(SYSTEM, company, payer=first, start=date(2026, 1, 1))
    assert [(row.payer.name, row.valid.upper) for row in _rows(company)] == [
        ("First", date(2026, 4, 1)),
        ("Second", None),
    ]
    with pytest.raises(RuleError, match="begins on that day"):
        commands.set_bill_to(SYSTEM, company, payer=first, start=date(2026, 4, 1))


def test_an_archived_company_cannot_pay(app):
    company, payer = create(), create("Payer")
    commands.archive_company(SYSTEM, payer)
    with pytest.raises(RuleError, match="archived and cannot pay"):
        commands.set_bill_to(SYSTEM, company, payer=payer)


def test_a_row_of_another_company_is_not_found(app):
    company, other = create(), create("Other")
    row = commands.set_bill_to(SYSTEM, company, payer=other)
    db.session.flush()
    with pytest.raises(NotFoundError):
        commands.remove_bill_to(SYSTEM, other, row.id)
    commands.remove_bill_to(SYSTEM, company, row.id)
    db.session.flush()
    assert not _rows(company)


def test_the_tree_holds_everything_below(app):
    top = create()
    site = create("Site", parent_id=top.id)
    create("Desk A", parent_id=site.id)
    create("Alone")
    found = queries.tree().branches
    assert [branch.company.name for branch in found] == ["Alone", "Fjord Dental"]
    assert [one.company.name for one in found[1].children[0].children] == ["Desk A"]
    assert queries.count_tops() == 2


def test_a_large_tree_is_cut_and_says_so(app):
    top = create()
    assert not queries.tree(root_id=top.id).cut
    db.session.add_all(
        Company(name=f"C {number}", name_key=f"c {number:04}", parent_id=top.id)
        for number in range(queries.MOST_BELOW)
    )
    db.session.flush()
    found = queries.tree(root_id=top.id)
    assert found.cut
    assert len(found.branches[0].children) == queries.MOST_BELOW - 1


def test_search_finds_whole_names_first_and_takes_wildcards_literally(app):
    for name in ("Best Fjord", "Fjord", "Fjord Dental", "100 % Cotton"):
        create(name)
    found = [row.name for row in db.session.execute(queries.company_search("fjord"))]
    assert found == ["Fjord", "Fjord Dental", "Best Fjord"]
    assert [row.name for row in db.session.execute(queries.company_search("%"))] == ["100 % Cotton"]


def _rows(company):
    db.session.flush()
    db.session.expire_all()
    return queries.bill_to_rows(company.id)
