"""The shell of every page: menu by permission, error pages, set-up, start page, settings, jobs."""

import re
from io import BytesIO

import pytest
from flask_appbuilder.security.sqla.models import User
from PIL import Image
from sqlalchemy import delete, select, update

from app.billing.agency import the_agency
from app.billing.numbering import next_invoice_number
from app.core import clock, jobs
from app.core.db import db, unit_of_work
from app.core.models import Job
from app.staff.models import Staff
from app.tickets import request_queries
from tests import factories as make
from tests.web.people import person, signed_in, visitor

PASSWORD = "three words and a horse"
AGENCY = {
    "name": "Nordlys",
    "address": "Storgata 1\n0155 Oslo",
    "country": "no",
    "email": "post@nordlys.example",
    "tax_id": "NO 999 888 777",
    "iban": "NO93 8601 1117 947",
    "currency": "nok",
    "zone": "Europe/Oslo",
    "paper": "letter",
    "terms_days": "10",
    "next_number": "184",
}
ADMIN = {"admin_name": "Ada Byron", "admin_email": "ada@example.org", "password": PASSWORD}


def picture(kind="PNG", size=(400, 120)):
    written = BytesIO()
    Image.new("RGB", size, "teal").save(written, kind)
    return written.getvalue()


def text_of(answer):
    return answer.get_data(as_text=True)


# --- Set-up --------------------------------------------------------------------------------------
@pytest.fixture
def nobody(app):
    """An installation in which nobody may sign in yet."""
    with unit_of_work() as session:
        session.execute(update(Staff).values(user_id=None))
        session.execute(delete(User))
    return visitor(app)


def test_the_first_visit_makes_the_agency_and_its_admin(nobody):
    assert nobody.get("/").location == "/setup"
    assert nobody.get("/login/").location == "/setup"
    assert "Welcome" in text_of(nobody.get("/setup"))
    logo = {"logo": (BytesIO(picture()), "l.png")}
    answer = nobody.post("/setup", data=AGENCY | ADMIN | logo | {"language": "de"})
    assert "Eine Frage" in [form.type.name for form in request_queries.offered()]
    assert answer.location == "/"
    assert "Hello, Ada" in text_of(nobody.get("/"))
    agency = the_agency()
    assert (agency.name, agency.currency, agency.paper, agency.terms_days, agency.country) == (
        "Nordlys",
        "NOK",
        "letter",
        10,
        "NO",
    )
    assert agency.iban == "NO9386011117947"
    assert agency.is_set_up
    assert agency.logo_id
    assert next_invoice_number(clock.today("Europe/Oslo").year) == 184
    assert db.session.scalars(select(User)).one().email == "ada@example.org"
    assert "never" not in text_of(nobody.get("/users/")), "the admin has signed in by this"


def test_the_set_up_is_gone_once_somebody_may_sign_in(app):
    person("Agent")
    assert visitor(app).get("/setup").status_code == 404
    assert visitor(app).post("/setup", data=AGENCY | ADMIN).status_code == 404
    assert "setup" not in visitor(app).get("/login/").headers.get("Location", "")


def test_the_set_up_tells_every_reason_and_saves_nothing(nobody):
    wrong = {"iban": "NO93 8601 1117 948", "zone": "Oslo", "password": "short", "terms_days": "ten"}
    answer = nobody.post(
        "/setup", data=AGENCY | ADMIN | wrong | {"logo": (BytesIO(b"no picture"), "l.png")}
    )
    said = text_of(answer)
    assert answer.status_code == 400
    for word in ("IBAN", "time zone", "password", "ten is no whole number", "no readable picture"):
        assert word.lower() in said.lower(), word
    assert 'value="Nordlys"' in said
    assert not db.session.scalars(select(User)).all()
    assert the_agency().name != "Nordlys"


def test_the_set_up_says_what_is_to_be_given_once_more(nobody):
    wrong = {"admin_email": "", "password": "", "tax_id": "1" * 500}
    logo = {"logo": (BytesIO(picture()), "l.png")}
    answer = nobody.post("/setup", data=AGENCY | ADMIN | wrong | logo)
    problems = re.search(r'<div class="alert alert-danger".*?</ul>', text_of(answer), re.DOTALL)[0]
    assert re.findall(r"<li>(?:<a[^>]*>)?([^<]+)", problems) == [
        "The tax id has 500 characters, at most 40 fit.",
        "The e-mail is empty: write it like name@example.com.",
        "A password has at least 12 characters; three or four words will do.",
        "The logo was not kept: choose it once more.",
        "Type the password once more.",
    ]
    assert re.findall(r'href="#f-(\w+)"', problems) == [
        *("tax_id", "admin_email", "password", "logo", "password"),
    ]
    for field in ("tax_id", "admin_email", "password"):
        assert re.search(rf'<input class="form-control is-invalid"[^>]*id="f-{field}"', answer.text)
    assert "Type the password once more." in answer.text.split('id="f-password"')[1]


# --- Agency --------------------------------------------------------------------------------------
def nonce_of(page):
    return re.search(r'name="nonce" value="([^"]+)"', text_of(page)).group(1)


def test_the_logo_is_drawn_anew(app):
    admin = signed_in(app, person("Admin"))
    hidden = picture("JPEG", (3000, 900)) + b"<?php hidden ?>"
    page = admin.get("/settings/agency")
    answer = admin.post(
        "/settings/agency",
        data=AGENCY | {"nonce": nonce_of(page), "logo": (BytesIO(hidden), "l.jpg")},
    )
    assert answer.location == "/settings/agency"
    logo = admin.get("/settings/logo")
    assert logo.mimetype == "image/png"
    assert b"hidden" not in logo.data
    assert max(Image.open(BytesIO(logo.data)).size) == 1600


@pytest.mark.parametrize("script", ["", "<script>alert(1)</script>"])
def test_a_drawn_logo_is_taken_as_by_the_command_line_and_runs_nothing(app, script):
    admin = signed_in(app, person("Admin"))
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'
        f'{script}<path d="M0 0h9v9z"/></svg>'
    ).encode()
    page = admin.get("/settings/agency")
    answer = admin.post(
        "/settings/agency",
        data=AGENCY | {"nonce": nonce_of(page), "logo": (BytesIO(drawing), "l.svg")},
    )
    assert answer.location == "/settings/agency"
    logo = admin.get("/settings/logo")
    assert (logo.mimetype, logo.data) == ("image/svg+xml", drawing)
    policy = logo.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "sandbox"} <= set(policy)
    assert "script" not in logo.headers["Content-Security-Policy"]


def test_a_refused_change_of_the_agency_keeps_what_was_typed(app):
    admin = signed_in(app, person("Admin"))
    nonce = nonce_of(admin.get("/settings/agency"))
    answer = admin.post("/settings/agency", data=AGENCY | {"nonce": nonce, "currency": "XXX"})
    assert answer.status_code == 400
    assert 'value="Nordlys"' in text_of(answer)
    assert the_agency().name != "Nordlys"
    nonce = nonce_of(answer)
    assert admin.post("/settings/agency", data=AGENCY | {"nonce": nonce}).status_code == 302
    assert the_agency().name == "Nordlys"


def test_only_those_who_may_see_the_settings_do(app):
    assert signed_in(app, person("Agent")).get("/settings/agency").status_code == 403
    assert signed_in(app, person("Agent")).get("/settings/logo").status_code == 403


# --- Pages ---------------------------------------------------------------------------------------
def menu_of(page):
    return set(re.findall(r'class="rail-link" href="([^"]+)"', text_of(page)))


def test_the_menu_shows_what_a_role_may_open(app):
    agent = menu_of(signed_in(app, person("Agent")).get("/"))
    admin = menu_of(signed_in(app, person("Admin")).get("/"))
    assert "/companies/list/" in agent
    assert "/jobs/" in admin - agent
    assert agent < admin


def test_every_line_of_the_menu_opens(app):
    for role in ("Agent", "Billing", "Manager", "Admin"):
        client = signed_in(app, person(role))
        for path in menu_of(client.get("/")):
            assert client.get(path).status_code == 200, f"{role} {path}"


def test_the_start_page_fits_the_role(app):
    with unit_of_work():
        user = person("Agent")
        me = db.session.scalars(select(Staff).where(Staff.user_id == user.id)).one()
        client = make.company("Fjord Dental")
        make.ticket(client, "The lift hums", assignee_id=me.id)
        make.entry(client, by=me, seconds=5400, on=clock.today())
    agent = text_of(signed_in(app, user).get("/"))
    assert "The lift hums" in agent
    assert "1:30" in agent
    assert "Unbilled time" not in agent
    assert 'href=""' not in agent
    billing = text_of(signed_in(app, person("Billing")).get("/"))
    assert re.search(r"Unbilled time</span>\s*<span class=\"kpi-figure\">1:30", billing)
    assert "The lift hums" not in billing


def test_the_start_page_of_a_new_installation_leads_to_the_next_step(app):
    admin, manager, agent = (signed_in(app, person(role)) for role in ("Admin", "Manager", "Agent"))

    def offered(client):
        panel = re.search(r'<div class="empty">(.*?)</div>', text_of(client.get("/")), re.DOTALL)
        return re.findall(r'<a [^>]*href="([^"]+)"', panel[1])

    assert offered(admin) == offered(agent) == ["/imports/", "/companies/add"]
    assert offered(manager) == ["/companies/add"], "who may not import adds them one by one"
    with unit_of_work():
        client = make.company("Fjord Dental")
    assert offered(admin) == ["/billing/rates/new"]
    assert offered(agent) == ["/tickets/new"], "who sets no rates goes on with the ticket"
    with unit_of_work():
        make.rate()
        make.ticket(client, "The lift hums")
    assert offered(agent) == ["/tickets/"]


def test_the_start_page_shows_how_far_the_demo_is_loaded(app):
    agent = signed_in(app, person("Agent"))
    assert "demo agency" not in text_of(agent.get("/"))
    with unit_of_work():
        job = jobs.post("demo.load", dedupe_key="demo.load")
        row = db.session.get_one(Job, job)
        row.state, row.done_steps, row.total_steps, row.note = "leased", 3, 14, "March"
    page = text_of(agent.get("/"))
    assert '<progress aria-label="The demo agency is being loaded" value="3" max="14">' in page
    assert 'hx-get="/demo-loading"' in page
    assert "3 of 14" in text_of(agent.get("/demo-loading"))
    with unit_of_work():
        db.session.execute(update(Job).values(state="done"))
    part = text_of(agent.get("/demo-loading"))
    assert "The demo agency is loaded" in part
    assert "hx-get" not in part
    assert "demo agency" not in text_of(agent.get("/"))


def test_the_start_page_keeps_its_statements(app, statements):
    client = signed_in(app, person("Admin"))
    counts = []
    for _ in range(2):
        with statements() as seen:
            client.get("/")
        counts.append(len(seen))
        with unit_of_work():
            of = make.company()
            for _number in range(20):
                make.entry(of, by=make.staff())
                make.ticket(of)
    assert counts[0] == counts[1] <= 17, seen


@pytest.mark.parametrize(("code", "path"), [(404, "/nothing"), (403, "/jobs/"), (405, "/logout/")])
def test_an_error_page_says_what_to_do(app, code, path):
    answer = signed_in(app, person("Agent")).get(path)
    assert answer.status_code == code
    assert "Go to the start page" in text_of(answer)
    assert code != 405 or "POST" in answer.allow


def test_a_fragment_that_fails_says_why_in_a_header(app):
    answer = signed_in(app, person("Agent")).get("/jobs/", headers={"HX-Request": "true"})
    assert "not yours" in answer.headers["X-Problem"]


def test_the_style_guide_is_for_those_who_may_see_it(app):
    assert signed_in(app, person("Agent")).get("/styleguide").status_code == 403
    guide = signed_in(app, person("Admin")).get("/styleguide?notices")
    assert text_of(guide).count('class="notice notice-') == 4


def test_pages_name_no_other_host_and_carry_no_inline_handler(app):
    admin = signed_in(app, person("Admin"))
    for path in ("/", "/styleguide", "/companies/list/", "/companies/add", "/settings/agency"):
        page = text_of(admin.get(path))
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', page), path
        assert not re.findall(r"<[^>]+\son[a-z]+=", page), path
        scripts = re.findall(r"<script[^>]*>", page)
        assert scripts, path
        assert all("nonce=" in tag for tag in scripts), path
        assert len(re.findall(r"<h1[ >]", page)) == 1 or path == "/styleguide", path


def test_the_theme_of_the_cookie_is_drawn_by_the_server(app):
    client = signed_in(app, person("Agent"))
    client.set_cookie("theme", "dark")
    assert '<html lang="en" data-bs-theme="dark">' in text_of(client.get("/"))
    client.set_cookie("theme", '"><script>')
    assert '<html lang="en">' in text_of(client.get("/"))


# --- Jobs ----------------------------------------------------------------------------------------
def test_a_dead_job_is_tried_again_by_those_who_may(app):
    with unit_of_work() as session:
        job_id = jobs.post("test.nothing", {"x": 1}, total_steps=10)
        session.execute(
            update(Job).where(Job.id == job_id).values(state="dead", last_error="The disk is full.")
        )
    manager = signed_in(app, person("Manager"))
    page = text_of(manager.get(f"/jobs/{job_id}"))
    assert "The disk is full." in page
    assert "Try again" not in page
    assert manager.post(f"/jobs/{job_id}/retry").status_code == 403
    billing = signed_in(app, person("Billing"))
    nonce = nonce_of(billing.get(f"/jobs/{job_id}"))
    billing.post(f"/jobs/{job_id}/retry", data={"nonce": nonce})
    db.session.expire_all()
    assert db.session.get(Job, job_id).state == "new"


def test_a_running_job_asks_for_itself_again(app):
    with unit_of_work():
        job_id = jobs.post("test.nothing", total_steps=10)
    admin = signed_in(app, person("Admin"))
    part = text_of(admin.get(f"/jobs/{job_id}", headers={"HX-Request": "true"}))
    assert f'hx-get="/jobs/{job_id}"' in part
    assert "<html" not in part
    assert 'http-equiv="refresh"' in text_of(admin.get(f"/jobs/{job_id}"))
    assert "Test: nothing" in text_of(admin.get("/jobs/?state=new"))
    assert admin.get("/jobs/?state=odd").status_code == 404
    assert admin.get("/jobs/999999").status_code == 404


# --- Search --------------------------------------------------------------------------------------
def test_search_shows_what_one_may_see_and_a_number_leads_to_its_ticket(app):
    with unit_of_work():
        company = make.company("Fjord Dental")
        ticket = make.ticket(company, "The fjord is frozen")
        make.contact(company, "Mira Fjord")
    client = signed_in(app, person("Agent"))
    page = text_of(client.get("/search?q=fjord"))
    for name in ("Fjord Dental", "The fjord is frozen", "Mira Fjord"):
        assert name in page
    assert "Nothing found" in text_of(client.get("/search?q=nowhere"))
    assert client.get("/search").status_code == 200
    if "tickets.show" in app.view_functions:
        found = client.get(f"/search?q=%23{ticket.number}")
        assert found.location == f"/tickets/{ticket.number}"


def test_a_first_sign_says_what_is_meant(app):
    with unit_of_work():
        company = make.company("Fjord Dental")
        number = make.ticket(company, "The fjord is frozen").number
        make.contact(company, "Mira Fjord")
    client = signed_in(app, person("Agent"))

    def found(typed: str) -> str:
        return text_of(client.get("/search", query_string={"q": typed}))

    assert client.get("/search?q=%23" + str(number)).location == f"/tickets/{number}"
    people, tickets = found("@fjord"), found("#fjord")
    assert "Mira Fjord" in people
    assert "The fjord is frozen" not in people
    assert "The fjord is frozen" in tickets
    assert "Mira Fjord" not in tickets
    assert "Nothing found" in found("$fjord"), "invoices are not for agents"


def test_pages_and_actions_are_found_by_name_by_who_may_open_them(app):
    agent, admin = (signed_in(app, person(role)) for role in ("Agent", "Admin"))
    for browser, typed, page in (
        (agent, ">new tick", "/tickets/new"),
        (agent, "> week", "/time/week"),
        (admin, ">roles", "/roles/"),
    ):
        assert browser.get("/search", query_string={"q": typed}).location == page
    assert "Nothing found" in text_of(agent.get("/search?q=>roles"))
    offer = text_of(admin.get("/search?q=mail", headers={"HX-Request": "true"}))
    assert "Mailboxes" in offer
    offer = text_of(agent.get("/search?q=mail", headers={"HX-Request": "true"}))
    assert "Mailboxes" not in offer
    for path in re.findall(r'href="([^"]+)"', text_of(admin.get("/search?q=new"))):
        if path.startswith("/") and "new" in path:
            assert admin.get(path).status_code == 200, path


def test_approval_and_missing_facts_are_set(app):
    admin = signed_in(app, person("Admin"))
    nonce = nonce_of(admin.get("/settings/agency"))
    ways = {"nonce": nonce, "time_approval": "manager", "incomplete_payer": "block"}
    admin.post("/settings/agency", data=AGENCY | ways)
    agency = the_agency()
    assert (agency.time_approval, agency.incomplete_payer) == ("manager", "block")
    nonce = nonce_of(admin.get("/settings/agency"))
    refused = admin.post("/settings/agency", data=AGENCY | {"nonce": nonce, "time_approval": "x"})
    assert refused.status_code == 400
