"""Every route, asked for real by every role; and what holds for every route alike."""

import ast
import re
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
from flask import request
from flask_appbuilder import ModelView
from sqlalchemy import text

from app import menu, roles
from app.billing.commands.payments import record_payment
from app.billing.models import BillingRun
from app.communications import inbox
from app.companies.account_models import Registration
from app.core import jobs
from app.core.audit import SYSTEM
from app.core.crud import DeskModelView
from app.core.db import db, unit_of_work
from app.desk import role_words
from app.factory import create_app
from app.imports import commands as imports
from app.tickets import commands as tickets
from app.tickets import logins
from app.tickets.queue_models import CannedReply
from app.vault.sealing import Secret
from tests import factories as make
from tests.automation.making import acted_on
from tests.billing.issued import issued
from tests.conftest import ROOT, TESTING
from tests.web.matrix import ORDER, OWN_VALUES, ROUTES, VALUES
from tests.web.people import client_in, person, portal_account, signed_in, visitor

# Bearer tokens protect these; a browser never sends one by itself.
WITHOUT_FORM_TOKEN = {"SecurityApi.login", "SecurityApi.refresh", "RequestApi.post"}
SIGNING_IN = {"AuthDBView.login", "door.sign_in", "door.code"}
SIGNING_OUT = {"AuthDBView.logout", "door.sign_out"}
PUBLIC_FILES = {"static", "appbuilder.static", "assets.serve"}
# Papers of our own, and the logo, which is drawn in a sandbox: they may be looked at by themselves.
SHOWN_FILES = {"billing.invoice_pdf", "estimates.paper", "settings.logo"}
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}


@dataclass(frozen=True)
class Route:
    """One method of one rule, with an address to ask for."""

    method: str
    endpoint: str
    url: str

    @property
    def key(self) -> str:
        return f"{self.method} {self.endpoint}"


def routes_of(app) -> list[Route]:
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            values = {
                part: OWN_VALUES.get(rule.endpoint, {}).get(part, VALUES.get(part, "1"))
                for part in rule.arguments
            }
            url = app.url_map.bind("localhost").build(rule.endpoint, values, force_external=False)
            found += [
                Route(method, rule.endpoint, url) for method in rule.methods - {"HEAD", "OPTIONS"}
            ]
    return sorted(found, key=lambda route: (route.method != "GET", route.key))


@pytest.fixture
def world(app):
    """One row of each kind; their ids are 1, which is what VALUES asks for."""
    with unit_of_work():
        target = person("Agent", email="target@example.com")
        assert target.id == VALUES["user_id"]
        company = make.company("Fjord Dental")
        contact = make.contact(company)
        ticket = make.ticket(company, requester_id=contact.id)
        logins.hand_over(ticket, actor=SYSTEM, label="Website", url="", secret=Secret("u", "p"))
        make.department()
        make.work_type()
        make.policy()
        db.session.add(Registration(email="ada@example.org", name="Ada", state="pending"))
        colleague = make.staff("Bea")
        tickets.attach(ticket, actor=SYSTEM, files=[tickets.Upload("a.txt", b"a")])
        make.entry(company, by=colleague, ticket_id=ticket.id, state="draft")
        mail = db.session.execute(
            text(
                "insert into mail (dedupe_key, message_id, recipient, subject, body) values "
                "('k', '<m@example.com>', 'a@example.com', 'Invoice', 'Dear') returning id"
            )
        )
        assert mail.scalar_one() == VALUES["mail_id"]
        assert jobs.post("demo.load") == VALUES["job_id"]
        acted_on(ticket)
        account = make.account(company)
        document = issued(account)
        db.session.add(BillingRun(through=document.through, state="ready"))
        make.rate()
        db.session.add(CannedReply(name="Thanks", text="Thank you."))
        make.mailbox("support@desk.example")
        inbox.store(b"From: a@example.com\n\nhello")
        imports.upload(SYSTEM, "companies", b"Name\nBo", file_name="a.csv")
        record_payment(
            SYSTEM,
            account_id=account.id,
            amount_minor=100,
            received_on=document.issued_on,
            method="cash",
        )
    return app


def test_every_route_has_a_row_and_every_row_a_route(application):
    routes = {route.key for route in routes_of(application)}
    assert sorted(routes - ROUTES.keys()) == [], "add these to tests/web/matrix.py"
    assert sorted(ROUTES.keys() - routes) == [], "these rows have no route any more"


def verdict(answer, route: Route) -> str:
    """The letter of the matrix that an answer deserves."""
    asks = route.endpoint not in SIGNING_OUT and any(
        door in (answer.location or "") for door in ("/login/", "/portal/sign-in")
    )
    if asks or answer.status_code == 401:
        return "s"
    return "n" if answer.status_code == 403 else "y"


@pytest.mark.parametrize("role", ORDER)
def test_each_role_gets_what_the_matrix_says_with_safe_headers(world, role):
    user = None if role == "anonymous" else person(role, email=f"{role.lower()}@example.com")
    wrong = []
    for route in routes_of(world):
        row = ROUTES[route.key]
        expected = row[ORDER.index(role)]
        client = signed_in(world, db.session.merge(user)) if user else visitor(world)
        answer = client.open(route.url, method=route.method)
        got = verdict(answer, route)
        if route.endpoint in SIGNING_IN and expected == "p":
            got = "y"
        missing = answer.status_code == 404 and not row.endswith("?") and expected in "py"
        if got != expected.replace("p", "y") or answer.status_code in {405, 500} or missing:
            wrong.append(f"{route.key}: {expected} expected, got {answer.status_code}")
        if route.endpoint not in SIGNING_OUT:
            wrong += [f"{route.key}: {fault}" for fault in header_faults(answer, route)]
        db.session.expire_all()
    assert wrong == []


@pytest.mark.parametrize("role", ["requester", "manager"])
def test_a_client_is_nobody_on_the_desk_and_to_the_api(world, role):
    """Whatever a client's session holds, in whichever cookie it is sent."""
    with unit_of_work():
        contact = make.contact(make.company("Northwind"), role=role)
    portal_account(contact)
    wrong = []
    for route in routes_of(world):
        if route.endpoint.startswith(("portal.", "door.")):
            continue
        browser = client_in(world, contact)
        with browser.session_transaction("/portal/") as theirs:
            held = dict(theirs)
        with browser.session_transaction("/") as session:
            session.update(held)
        expected = ROUTES[route.key][ORDER.index("anonymous")].replace("p", "y")
        got = verdict(browser.open(route.url, method=route.method), route)
        if got != expected and route.endpoint not in SIGNING_IN:
            wrong.append(f"{route.key}: {expected} expected, got {got}")
        db.session.expire_all()
    assert wrong == []


@contextmanager
def another(settings, **overrides):
    """Another application over the same database, its connections closed afterwards."""
    made = create_app(settings, overrides=TESTING | overrides)
    try:
        yield made
    finally:
        with made.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def guarded(world, settings):
    """The application with the form token, which other tests go without."""
    with another(settings, WTF_CSRF_ENABLED=True) as made:
        yield made


def test_nothing_is_changed_without_the_form_token(guarded):
    admin = person("Admin")
    wrong = []
    for route in routes_of(guarded):
        if route.method == "GET" or route.endpoint in WITHOUT_FORM_TOKEN:
            continue
        answer = signed_in(guarded, admin).open(route.url, method=route.method)
        if answer.status_code != 400:
            wrong.append(f"{route.key}: {answer.status_code}")
    assert wrong == []


def fingerprint() -> dict[str, str]:
    """A hash of the rows of each table."""
    tables = db.session.scalars(
        text("select tablename from pg_tables where schemaname = 'public' order by 1")
    ).all()
    query = " union all ".join(
        f"select '{name}', md5(coalesce(string_agg(t::text, '|' order by t::text), '')) "
        f"from {name} t"
        for name in tables
    )
    found = {row[0]: row[1] for row in db.session.execute(text(query))}
    db.session.rollback()
    return found


def test_looking_changes_nothing(world):
    client = signed_in(world, person("Admin"))
    db.session.rollback()
    before = fingerprint()
    wrong = []
    for route in routes_of(world):
        if route.method != "GET":
            continue
        client.get(route.url)
        after = fingerprint()
        wrong += [f"{route.key}: {name}" for name in before if before[name] != after[name]]
        before = after
    assert wrong == []


def header_faults(answer, route: Route) -> list[str]:
    found = [name for name, value in SECURITY_HEADERS.items() if answer.headers.get(name) != value]
    policy = answer.headers.get("Content-Security-Policy", "")
    if not ("default-src 'none'" in policy and "frame-ancestors 'none'" in policy):
        found.append("Content-Security-Policy")
    if answer.status_code == 200 and answer.mimetype not in ("text/html", "application/json"):
        found += file_faults(answer, route, policy)
    if "script-src" in policy and not re.search(r"script-src 'self' 'nonce-[\w-]{22}'", policy):
        found.append("script-src")
    cached = answer.headers.get("Cache-Control", "")
    if route.endpoint in PUBLIC_FILES:
        if "Set-Cookie" in answer.headers or "Cookie" in answer.headers.get("Vary", ""):
            found.append("a file with a cookie")
    elif "no-store" not in cached or "Cookie" not in answer.headers.get("Vary", ""):
        found.append(f"Cache-Control {cached}")
    return found


def file_faults(answer, route: Route, policy: str) -> list[str]:
    """A file runs nothing; by itself only plain text and what is our own is shown."""
    found = []
    if answer.mimetype != "application/pdf" and "sandbox" not in policy:
        found.append(f"{answer.mimetype} without a sandbox")
    forced = answer.headers.get("Content-Disposition", "").startswith("attachment")
    harmless = answer.mimetype == "text/plain" or route.endpoint in {*PUBLIC_FILES, *SHOWN_FILES}
    if not forced and not harmless:
        found.append(f"{answer.mimetype} is shown in a page's place")
    return found


def test_scripts_of_a_page_carry_the_nonce_of_its_policy(app):
    person("Agent")
    answer = visitor(app).get("/login/")
    nonce = re.search(r"'nonce-([\w-]+)'", answer.headers["Content-Security-Policy"]).group(1)
    scripts = re.findall(r"<script\b[^>]*>", answer.get_data(as_text=True))
    assert scripts
    assert all(f'nonce="{nonce}"' in script for script in scripts)
    again = visitor(app).get("/login/").headers["Content-Security-Policy"]
    assert nonce not in again


def test_every_list_and_form_names_its_columns(application):
    wanted = {f"{kind}_columns" for kind in ("list", "show", "add", "edit", "search", "order")}
    stock = set(ModelView.__mro__) | {DeskModelView}
    lacking = []
    for view in application.appbuilder.baseviews:
        if not isinstance(view, ModelView):
            continue
        own = {name for kind in set(type(view).__mro__) - stock for name in vars(kind)}
        lacking += [f"{type(view).__name__}.{name}" for name in sorted(wanted - own)]
    assert lacking == []


def pairs_in_code(application) -> set[tuple[str, str]]:
    """Every permission that the menu, a page of ours, a FAB screen or `may(...)` asks for."""
    found = {(item.verb, item.resource) for group in menu.MENU for item in group.items}
    for view in application.view_functions.values():
        if hasattr(view, "permission"):
            found.add(view.permission)
    for view in application.appbuilder.baseviews:
        exposed = getattr(view, "base_permissions", None) or []
        if getattr(view, "class_permission_name", None) in roles.PERMISSIONS:
            found |= {(name.removeprefix("can_"), view.class_permission_name) for name in exposed}
    for path in (ROOT / "app").rglob("*.py"):
        found |= asked_in(ast.parse(path.read_text()))
    for path in (ROOT / "app" / "templates").rglob("*.html"):
        found |= set(re.findall(r"\bmay\(['\"](\w+)['\"], ?['\"](\w+)['\"]\)", path.read_text()))
    return found


def asked_in(tree: ast.AST) -> set[tuple[str, str]]:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {
        tuple(argument.value for argument in call.args)
        for call in calls
        if getattr(call.func, "id", getattr(call.func, "attr", "")) in {"may", "requires"}
        and len(call.args) == 2
        and all(isinstance(argument, ast.Constant) for argument in call.args)
    }


def test_every_permission_asked_for_exists(application):
    assert sorted(pairs_in_code(application) - roles.EVERYTHING) == []


def test_every_permission_is_asked_for(application):
    """None is granted in vain; a part whose page in the menu is not there yet is left out."""
    absent = {
        item.resource
        for group in menu.MENU
        for item in group.items
        if item.endpoint not in application.view_functions
    }
    unused = roles.EVERYTHING - pairs_in_code(application)
    assert sorted(pair for pair in unused if pair[1] not in absent) == []


def test_every_fab_screen_asks_for_a_permission_of_ours(application):
    strangers = [
        type(view).__name__
        for view in application.appbuilder.baseviews
        if isinstance(view, ModelView) and view.class_permission_name not in roles.PERMISSIONS
    ]
    assert strangers == []


def test_every_permission_has_plain_words(application):
    assert role_words.RESOURCES.keys() == roles.PERMISSIONS.keys()
    phrases = [words for _, words in role_words.all_in_words()]
    assert len(set(phrases)) == len(phrases) == len(roles.EVERYTHING)
    assert set(role_words.SPECIAL) <= roles.EVERYTHING
    specials = {
        (verb, resource)
        for resource in roles.PERMISSIONS
        for verb, _ in role_words.specials_of(resource)
    }
    assert specials == set(role_words.SPECIAL)


def test_no_page_is_without_a_guard(application):
    """A page of ours says whom it is for; the few public ones are those of the matrix."""
    public = {key.split()[1] for key, row in ROUTES.items() if row.startswith("p")}
    fab = {"SecurityApi.refresh", "DeskOpenApi.get"}
    for endpoint, view in application.view_functions.items():
        blueprint = application.blueprints.get(endpoint.rpartition(".")[0])
        by_fab = blueprint is not None and blueprint.import_name.startswith("flask_appbuilder")
        by_portal = blueprint is not None and blueprint.name == "portal"
        guarded = hasattr(view, "permission") or by_fab or by_portal
        assert guarded or endpoint in public | fab or view_is_fab(view), endpoint


def view_is_fab(view) -> bool:
    return hasattr(getattr(view, "__self__", None), "appbuilder")


def test_strange_hosts_and_huge_bodies_are_refused(app):
    person("Agent")
    client = visitor(app)
    assert client.get("/login/", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/login/", headers={"Host": "localhost:8080"}).status_code == 200
    huge = client.post("/login/", data={"username": "x" * (26 * 1024 * 1024)})
    assert huge.status_code == 413
    assert "25 MB" in huge.get_data(as_text=True)
    garbled = client.post(
        "/login/", data=b"x" * 26 * 1024 * 1024, content_type="multipart/form-data; boundary=none"
    )
    assert garbled.status_code == 413


def test_a_failure_shows_a_number_and_no_details(settings):
    with another(settings, PROPAGATE_EXCEPTIONS=False) as broken:

        @broken.get("/broken")
        def fail() -> str:
            raise ValueError("select secret from vault")

        page = visitor(broken).get("/broken")
    assert page.status_code == 500
    shown = page.get_data(as_text=True)
    assert "vault" not in shown
    assert "ValueError" not in shown
    assert re.search(r'class="mono">[0-9a-f]{8}<', shown)


def test_a_hardened_installation_is_strict(settings):
    seen = []
    forged = {"Host": "desk.example.com", "X-Forwarded-For": "6.6.6.6, 10.0.0.9"}
    outside = replace(settings, public_url="https://desk.example.com", proxy_hops=1)
    with another(outside) as hard:
        assert hard.config["SESSION_COOKIE_SECURE"]
        hard.before_request_funcs[None].insert(0, lambda: seen.append(request.remote_addr))
        answer = visitor(hard).get("/login/", headers=forged)
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert seen == ["10.0.0.9"]
