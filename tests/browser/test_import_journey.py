"""An import in a real browser: a list pasted, its columns corrected, a dry run, applied, undone."""

import pytest
from sqlalchemy import select

from app.companies.models import Company
from app.core import jobs
from app.core.db import db
from app.imports.models import ImportBatch
from jobs import load_handlers
from tests.browser.conftest import LOOKS, WIDTHS, assert_accessible

pytestmark = pytest.mark.browser

ROWS = "Firm;City;Currency\nÅse Øl;Bonn;EUR\nBo Ltd;Cork;GBP\nNoone;Rome;ZZZ\n"
LONG = "Unbroken" * 20


def work(live):
    """What the worker beside the server would do."""
    load_handlers()
    with live.app.app_context():
        jobs.run_due()


def names(live):
    with live.database():
        return sorted(db.session.scalars(select(Company.name)))


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_a_list_goes_in_and_out_again(live, desk, width, theme):
    page = desk("Billing", width=width, theme=theme)
    page.goto(f"{live.url}/imports/")
    page.get_by_label("Or paste from a spreadsheet").fill(ROWS)
    assert_accessible(page)
    page.get_by_role("button", name="Go on to the columns").click()
    page.get_by_label("Meaning of Currency").wait_for()
    assert_accessible(page)
    page.get_by_label("Meaning of Firm").select_option(label="Name")
    page.get_by_role("button", name="Dry run").click()
    page.get_by_text("unknown currency").wait_for()
    assert_accessible(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the refused rows").click()
    assert "Refused because" in download.value.path().read_text("utf-8")
    page.get_by_label("Currency", exact=True).fill("NOK")
    page.get_by_role("button", name="Check again").click()
    page.get_by_text("1 corrected row checked again").wait_for()
    page.get_by_role("link", name="To create").click()
    page.get_by_text("Åse Øl").wait_for()
    assert names(live) == []
    page.get_by_role("button", name="Apply 3 rows").click()
    page.get_by_role("progressbar").wait_for()
    assert_accessible(page)
    work(live)
    page.locator(".status", has_text="Applied").wait_for()
    assert_accessible(page)
    assert names(live) == ["Bo Ltd", "Noone", "Åse Øl"]
    page.get_by_role("link", name="Undo…").click()
    page.get_by_role("button", name="Undo the import").wait_for()
    assert_accessible(page)
    page.get_by_role("button", name="Undo the import").click()
    page.get_by_role("progressbar").wait_for()
    work(live)
    page.get_by_text("Undone: 3 deleted").wait_for()
    assert page.locator("main").count() == 1
    assert_accessible(page)
    assert names(live) == []


def test_it_works_by_keyboard_alone_and_without_scripts(live, desk, tmp_path):
    file = tmp_path / f"{LONG}.csv"
    file.write_text(f"Name;City\n{LONG};Cork\n", "utf-8")
    page = desk("Billing", width="phone", javascript=False)
    page.goto(f"{live.url}/imports/")
    page.get_by_label("A file").set_input_files(file)
    page.get_by_role("button", name="Go on to the columns").press("Enter")
    page.get_by_role("button", name="Dry run").press("Enter")
    page.get_by_role("button", name="Apply 1 row").press("Enter")
    page.get_by_role("heading", name="Companies from").wait_for()
    work(live)
    page.locator(".status", has_text="Applied").wait_for()
    assert names(live) == [LONG]


@pytest.mark.parametrize("width", WIDTHS)
def test_open_dates_and_long_names_stay_within_the_page(live, desk, width):
    page = desk("Billing", width=width)
    page.goto(f"{live.url}/imports/")
    page.get_by_text("Time", exact=True).click()
    rows = f"Person,Client,Date,Hours,{LONG}\nAna,{LONG},03/04/2026,1.5,{LONG}\n"
    page.get_by_label("Or paste from a spreadsheet").fill(rows)
    page.get_by_role("button", name="Go on to the columns").click()
    page.get_by_role("button", name="Dry run").click()
    page.get_by_text("Which comes first, the day or the month?").wait_for()
    assert_accessible(page)
    page.get_by_label("Dates").select_option("dmy")
    page.get_by_role("button", name="Dry run").click()
    page.get_by_role("heading", name="Dry run of").wait_for()
    assert_accessible(page)
    with live.database():
        assert db.session.scalars(select(ImportBatch.state)).one() == "checked"
