"""The screens of companies and contacts, as people of each role meet them."""

import re
import threading

import psycopg
import pytest
from sqlalchemy import select

from app.companies import commands, people
from app.companies.models import BillTo, Company, Contact
from app.core.audit import SYSTEM
from app.core.db import db, unit_of_work
from app.runtime.postgres import libpq_url
from tests import factories as make
from tests.web.people import person, signed_in


@pytest.fixture
def admin(app):
    return signed_in(app, person("Admin"))


@pytest.fixture
def company(app):
    with unit_of_work():
        return commands.create_company(SYSTEM, {"name": "Fjord Dental", "billing_city": "Oslo"}).id


def form(**values):
    return {"name": "Fjord Dental", "kind": "company", **values}


def stored(company_id):
    db.session.expire_all()
    return db.session.get(Company, company_id)


def test_a_company_is_made_on_its_form(admin):
    answer = admin.post("/companies/add", data=form(currency="eur", terms_days="30"))
    assert answer.status_code == 302
    made = db.session.scalars(select(Company)).one()
    assert (made.name, made.currency, made.terms_days) == ("Fjord Dental", "EUR", 30)


def test_a_refusal_keeps_what_was_typed(admin, company):
    answer = admin.post("/companies/add", data=form(phone="+47 22", zone="Nowhere"))
    text = answer.get_data(as_text=True)
    assert "there is a company Fjord Dental already" in text
    assert "<title>Error: New company" in text
    zone = re.search(r'id="zone-error">.*?</p>', text, re.DOTALL)[0]
    assert "unknown time zone" in zone, "beside its field"
    assert 'href="#zone"' in text
    assert 'class="notice notice-bad"' not in text, "nothing that covers the form"
    assert 'value="+47 22"' in text


def test_markup_in_a_name_stays_text_on_every_page(admin):
    admin.post("/companies/add", data=form(name="<script>alert(1)</script>"))
    made = db.session.scalars(select(Company)).one()
    for path in ("/companies/list/", "/companies/tree", f"/companies/show/{made.id}"):
        text = admin.get(path).get_data(as_text=True)
        assert "<script>alert" not in text, path
        assert "&lt;script&gt;alert" in text, path


def test_the_parent_is_looked_up_by_id_or_whole_name(admin, company):
    for typed in (
        {"parent_id": company, "parent_id_text": "Fjord Dental"},
        {"parent_id": "", "parent_id_text": "fjord dental"},
    ):
        admin.post("/companies/add", data=form(name=f"Site {typed['parent_id']}", **typed))
    parents = db.session.scalars(select(Company.parent_id).where(Company.name.like("Site%"))).all()
    assert parents == [company, company]
    answer = admin.post("/companies/add", data=form(name="X", parent_id="", parent_id_text="Nope"))
    assert "Nothing is called “Nope”" in answer.get_data(as_text=True)


def test_a_stale_form_is_refused(admin, company):
    with unit_of_work():
        commands.change_company(SYSTEM, stored(company), {"phone": "1"})
    name = f"<p>{stored(company).name}</p>"
    page = admin.get(f"/companies/edit/{company}").get_data(as_text=True)
    assert name in page
    crumbs = page.partition('class="crumbs"')[2].partition("</nav>")[0]
    assert re.findall('href="(.*?)"', crumbs) == ["/companies/list/", f"/companies/show/{company}"]
    answer = admin.post(f"/companies/edit/{company}", data=form(phone="2", version="1"))
    assert "Somebody else saved this first" in answer.get_data(as_text=True)
    assert name in answer.get_data(as_text=True), "the form still says whose it is"
    assert stored(company).phone == "1"


def test_each_is_offered_to_delete_what_they_may(app, admin, company):
    """Whoever is the first to open a page decides for nobody else."""
    with unit_of_work():
        contact = make.contact(stored(company), "Mira Krog").id
    agent = signed_in(app, person("Agent"))
    for page, name in (
        (f"/companies/show/{company}", "Fjord Dental"),
        (f"/contacts/show/{contact}", "Mira Krog"),
    ):
        assert f"Delete {name}" in admin.get(page).get_data(as_text=True)
        seen = agent.get(page).get_data(as_text=True)
        assert name in seen
        assert f"Delete {name}" not in seen


def test_of_two_who_save_at_once_the_second_is_told(admin, company):
    """The other one has saved and not yet committed when this one is compared."""
    url = libpq_url(db.engine.url.render_as_string(hide_password=False))
    with psycopg.connect(url) as other:
        other.execute("update company set phone = '1', version = 2 where id = %s", [company])
        later = threading.Timer(0.5, other.commit)
        later.start()
        answer = admin.post(f"/companies/edit/{company}", data=form(phone="2", version="1"))
        later.join()
    assert "Somebody else saved this first" in answer.get_data(as_text=True)
    assert stored(company).phone == "1"


def test_a_changed_address_shows_whom_it_changes_before_it_is_saved(admin, company):
    with unit_of_work():
        people.create_contact(SYSTEM, {"name": "Mira"}, company_id=company)
    version = stored(company).version
    changed = form(billing_city="Bergen", version=version)
    text = admin.post(f"/companies/edit/{company}", data=changed).get_data(as_text=True)
    assert "changes 1 person: Mira; 0 people keep their own" in text
    assert stored(company).billing_city == "Oslo"
    admin.post(f"/companies/edit/{company}", data=changed | {"address_confirmed": "y"})
    assert stored(company).billing_city == "Bergen"


def test_who_pays_is_set_and_deleted(admin, company):
    with unit_of_work():
        payer = commands.create_company(SYSTEM, {"name": "Payer"}).id
    path = f"/companies/{company}/bill-to"
    admin.post(path, data={"payer": payer, "payer_text": "Payer", "start": "2026-04-01"})
    row = db.session.scalars(select(BillTo)).one()
    assert (row.company_id, row.payer_id) == (company, payer)
    admin.post(path, data={"payer": "", "payer_text": "Payer", "start": "1 April"})
    assert "1 April is not a date" in admin.get(f"/companies/show/{company}").get_data(as_text=True)
    admin.post(path, data={"delete": row.id})
    assert not db.session.scalars(select(BillTo)).all()


def test_a_company_is_archived_and_used_again(admin, company):
    for _ in range(2):  # a double click
        admin.post(f"/companies/{company}/archive")
        assert stored(company).archived_at
    assert f"/companies/{company}/archive?restore=1" in admin.get(f"/companies/show/{company}").text
    admin.post(f"/companies/{company}/archive?restore=1")
    assert not stored(company).archived_at


def test_deleting_needs_the_permission_and_a_post(app, admin, company):
    assert signed_in(app, person("Agent")).post(f"/companies/delete/{company}").status_code == 403
    assert stored(company)
    admin.post(f"/companies/delete/{company}")
    assert stored(company) is None


def test_lists_need_the_same_statements_at_10_and_100_rows(app, admin, statements):
    with unit_of_work():
        top = commands.create_company(SYSTEM, {"name": "Top"})
        for number in range(120):
            one = commands.create_company(SYSTEM, {"name": f"C {number:03}", "parent_id": top.id})
            people.create_contact(SYSTEM, {"name": f"P {number:03}"}, company_id=one.id)
    counts = {}
    for path, view in (("/companies/list/", "CompanyView"), ("/contacts/list/", "ContactView")):
        for size in (10, 100):
            with statements() as seen:
                assert admin.get(f"{path}?psize_{view}={size}").status_code == 200
            counts[path, size] = len(seen)
        assert counts[path, 10] == counts[path, 100] <= 10, seen


@pytest.mark.parametrize(
    "query",
    ["_oc_CompanyView=parent&_od_CompanyView=asc", "page_CompanyView=x"],
)
def test_an_impossible_address_is_a_bad_request(admin, query):
    assert admin.get(f"/companies/list/?{query}").status_code == 400


def test_the_search_form_leads_to_a_plain_address(admin, company):
    answer = admin.get("/companies/list/?_op_name=1&_flt_0_name=Fjord&_op_kind=0&_flt_0_kind=")
    assert answer.location == "/companies/list/?_flt_1_name=Fjord"
    found = admin.get("/companies/list/?_flt_0_name=Fjord").get_data(as_text=True)
    assert "Fjord Dental" in found


def test_a_contact_is_made_with_emails_and_company(admin, company):
    admin.post(
        "/contacts/add",
        data={
            "name": "Mira",
            "addresses": "a@example.org\nb@example.org",
            "company_id": company,
            "company_id_text": "Fjord Dental",
            "role": "billing",
            "use_company_address": "y",
        },
    )
    mira = db.session.scalars(select(Contact)).one()
    text = admin.get(f"/contacts/show/{mira.id}").get_data(as_text=True)
    assert "a@example.org" in text
    assert "Billing" in text
    admin.post(f"/contacts/{mira.id}/companies", data={"leave": mira.memberships[0].id})
    db.session.expire_all()
    assert not db.session.scalars(select(Contact)).one().memberships


def test_the_lookup_answers_only_to_those_who_may_see(app, admin, company):
    rows = admin.get("/lookup/company?q=fjord").get_json()["results"]
    assert rows == [{"id": company, "text": "Fjord Dental", "note": "Oslo"}]
    assert admin.get("/lookup/nothing").status_code == 404
    assert signed_in(app, person("Agent")).get("/lookup/company").status_code == 200
    assert signed_in(app, person()).get("/lookup/company").status_code == 403
