"""A real Chromium against a real server of this application, on this machine only.

def test_something(live, desk):
    page = desk("agent", width="phone", theme="dark")
    page.goto(live.url + "/tickets/")
    assert_accessible(page)
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from app.companies.account_models import PortalAccount
from app.core.db import db, unit_of_work
from app.factory import create_app
from app.tickets import client_commands, commands
from config import Settings
from tests import factories as make
from tests.conftest import Databases
from tests.portal.acting import STAFF, acting

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PAGE_WAS_LEFT = {"htmx:sendAbort", "htmx:afterRequest"}
"""What htmx says when a page that was asking something is left; failures are told otherwise."""
WIDTHS = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
LOOKS = [("desk", "light"), ("phone", "dark")]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


@dataclass(frozen=True)
class Live:
    """A served application and its address."""

    app: Flask
    url: str

    @contextmanager
    def database(self) -> Iterator[Any]:
        """One unit of work on the database behind the pages."""
        with self.app.app_context(), unit_of_work() as session:
            yield session


@pytest.fixture(scope="session")
def served_application(settings: Settings, worker_name: str) -> Iterator[Live]:
    """The application of this worker's browser tests, served with CSRF and cookies as in life."""
    folder = settings.data_dir / "served"
    url = settings.database_url.replace(f"app_{worker_name}", f"served_{worker_name}")
    own = replace(settings, database_url=url, data_dir=folder)
    app = create_app(own, overrides={"RATELIMIT_ENABLED": False})
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Live(app, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def live(served_application: Live, databases: Databases, worker_name: str) -> Live:
    """The served application over a fresh database, its agency set up."""
    app = served_application.app
    databases.fresh(f"served_{worker_name}")
    shutil.rmtree(app.extensions["settings"].data_dir, ignore_errors=True)
    with app.app_context(), unit_of_work():
        make.set_up_agency()
    return served_application


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for a worker; skipped with a reason where there is none, a failure in CI."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser")  # the first is cheapest
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        reason = "chromium is not installed"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """A function that opens a page: `open_page(width="phone", theme="dark", javascript=False)`.

    With `finger` it can be tapped (`page.touchscreen`).
    When the test ends, a page that logged an error or asked another host fails it.
    """
    contexts, troubles = [], []

    def opened(
        *,
        width: str = "desk",
        theme: str = "light",
        javascript: bool = True,
        finger: bool = False,
    ) -> Page:
        context = chromium.new_context(
            viewport=WIDTHS[width],
            color_scheme=theme,
            java_script_enabled=javascript,
            accept_downloads=True,
            has_touch=finger,
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console",
            lambda message: (
                troubles.append(message.text)
                if message.type == "error"
                and "status of 4" not in message.text
                and "ERR_INTERNET_DISCONNECTED" not in message.text  # a test took the line away
                and message.text not in PAGE_WAS_LEFT
                else None
            ),
        )
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith(("http://127.0.0.1:", "data:", "blob:"))
                else troubles.append(f"outside request: {request.url}")
            ),
        )
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def desk(live: Live, open_page: Callable[..., Page]) -> Callable[..., Page]:
    """A function that opens a page signed in with a role: `desk("billing", width="phone")`."""
    made: dict[str, str] = {}

    def signed_in(role: str, **how: Any) -> Page:
        if role not in made:
            with live.database():
                made[role] = make.user(role).username
        page = open_page(**how)
        page.goto(f"{live.url}/login/")
        page.fill("[name=username]", made[role])
        page.fill("[name=password]", make.PASSWORD)
        page.locator("form").filter(has=page.locator("[name=password]")).locator(
            "[type=submit]"
        ).first.click()
        page.wait_for_load_state("networkidle")
        assert "/login" not in page.url, "sign-in failed"
        return page

    return signed_in


@dataclass(frozen=True)
class Clients:
    """Two colleagues of Northwind; the first asked for something and was answered."""

    mira: int
    bo: int
    email: str
    number: int


@pytest.fixture
def clients(live) -> Clients:
    with live.database():
        company = make.company("Northwind Ltd", billing_street="1 Pier Road", billing_city="Oslo")
        mira, bo = make.contact(company, "Mira Krog"), make.contact(company, "Bo Lund")
        for contact in (mira, bo):
            account = PortalAccount(contact_id=contact.id, password=make.PASSWORD_HASH, epoch=1)
            db.session.add(account)
        db.session.flush()
        ticket = client_commands.open_request(
            actor=acting(mira), subject="The contact form is broken", text="Since Monday."
        )
        commands.reply(ticket, actor=STAFF, text="Which browser do you use?")
        commands.set_status(ticket, actor=STAFF, status=make.status("waiting"))
        return Clients(mira.id, bo.id, mira.emails[0].address, ticket.number)


@pytest.fixture
def portal(live, clients, open_page):
    """A function that opens a page on which Mira is signed in."""

    def opened(**how) -> Page:
        page = open_page(**how)
        page.goto(f"{live.url}/portal/sign-in")
        page.get_by_label("E-mail", exact=True).fill(clients.email)
        page.get_by_label("Password", exact=True).fill(make.PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_role("heading", name="Hello Mira Krog").wait_for()
        return page

    return opened


def assert_accessible(page: Page, *, everywhere: bool = False) -> None:
    """No WCAG 2.2 A or AA violation that axe knows, and no sideways scroll.

    Looks at the page as it stands; or `everywhere`, at both widths and in both themes, a page of
    which the dark one has only other colours.
    """
    size = page.viewport_size
    for width in WIDTHS.values() if everywhere else [size]:
        page.set_viewport_size(width)
        page.evaluate("scrollTo(0, 0)")  # a bar that stays makes what it half covers look too small
        assert _violations(page, {"type": "tag", "values": WCAG}) == []
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"
        assert not page.evaluate(wide), f"{page.url} scrolls sideways at {width['width']} px"
        if everywhere:
            _in_theme(page, "dark")
            assert _violations(page, {"type": "rule", "values": ["color-contrast"]}) == []
            _in_theme(page, "light")
    page.set_viewport_size(size)


# The colours are there when the next frame is drawn and what fades has faded.
SETTLED = """async () => {
  await new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  const fading = document.getAnimations().filter(each => each instanceof CSSTransition);
  await Promise.allSettled(fading.map(each => each.finished));
}"""


def _in_theme(page: Page, theme: str) -> None:
    page.emulate_media(color_scheme=theme)
    page.locator(f"html[data-bs-theme={theme}]").wait_for()
    page.evaluate(SETTLED)


def _violations(page: Page, what: dict[str, Any]) -> list[list[Any]]:
    """What axe finds: each rule's name and the elements; the rest of its answer is megabytes."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    return page.evaluate(
        """async what => {
             const options = {runOnly: what, resultTypes: ["violations"], preload: false};
             return (await axe.run(options)).violations.map(each =>
               [each.id, each.nodes.map(node => node.html.slice(0, 150))]);
           }""",
        what,
    )
