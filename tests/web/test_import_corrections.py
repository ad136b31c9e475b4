"""Refused rows corrected in place, choices of what is written, and undo, on the desk."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.companies.models import Company
from app.core import jobs
from app.core.db import db, unit_of_work
from app.desk import import_forms
from app.desk import imports as pages
from app.desk.fields import Fields
from app.imports.models import ImportBatch
from tests import factories as make
from tests.web.import_desk import fields_of, go_on, names, post, uploaded, words

SMALL = "Company;City;Currency\nÅse Øl;Bonn;EUR\nBo Ltd;Cork;GBP\nNoone;Rome;ZZZ\n"


REFUSED = (
    "Company;City;Currency;Phone\nAda;Bonn;ZZZ;1\nBo;Cork;EUR\n;Rome;EUR;3\nEve;Oslo;EUR;5;six\n"
)


def test_refused_rows_are_corrected_in_place_and_checked_again(clerk):
    url = uploaded(clerk, REFUSED)
    page = go_on(clerk, url, "mapping")
    assert "Rows 4 Created 1 Updated 0 Unchanged 0 Refused 3" in words(page)
    shown = fields_of(page)
    assert (shown["cell-2-0"], shown["cell-2-2"], shown["cell-5-4"]) == ("Ada", "ZZZ", "six")
    sent = {**shown, "cell-2-2": "NOK", "cell-4-0": "Noa", "cell-4-2": "YYY", "cell-5-4": ""}
    page = clerk.get(post(clerk, f"{url}/rows", **sent).location).text
    assert "3 corrected rows checked again" in page
    assert "Rows 4 Created 3 Updated 0 Unchanged 0 Refused 1" in words(page)
    assert fields_of(page)["cell-4-0"] == "Noa", "what was typed is there, though still refused"
    assert fields_of(page)["cell-4-2"] == "YYY"
    left = clerk.get(f"{url}/refused").text.splitlines()
    assert left[1].startswith("Noa;Rome;YYY;3;Currency: unknown currency")

    assert "Apply 3 rows" in go_on(clerk, url, "mapping"), "other columns keep what was corrected"
    go_on(clerk, url, "apply")
    assert names() == {"Ada", "Bo", "Eve"}
    assert db.session.scalars(select(Company.currency).where(Company.name == "Ada")).one() == "NOK"


def test_each_wrong_cell_of_a_row_shows_its_own_reason(clerk):
    url = uploaded(clerk, "Company;City;Currency;Email\n;Bonn;ZZZ;not-a-mail\n")
    page = go_on(clerk, url, "mapping")
    for name, said in (
        ("2", "unknown currency"),
        ("3", "not an e-mail address"),
    ):
        cell = re.search(rf'name="cell-2-{name}"[^>]* aria-describedby="([^"]+)"', page)
        assert cell, f"cell {name} is not marked"
        assert said in words(page.split(f'id="{cell[1]}"')[1].split("</p>")[0])
    assert 'name="cell-2-1"' in page.split("1 other cell</summary>")[1], "what is right is behind"


def test_untouched_rows_and_rows_that_are_not_refused_stay(clerk):
    url = uploaded(clerk, 'Company;Notes;Currency\nAda;"one\r\ntwo";ZZZ\nBo;x;EUR\n')
    page = go_on(clerk, url, "mapping")
    assert "Nothing was changed" in clerk.get(post(clerk, f"{url}/rows").location).text
    same = {"cell-2-0": "Ada", "cell-2-1": "one\r\ntwo", "cell-2-2": "ZZZ"}
    assert "Nothing was changed" in clerk.get(post(clerk, f"{url}/rows", **same).location).text
    again = post(clerk, f"{url}/rows", **{"cell-2-2": "typed", "cell-4-0": "Eve"})
    assert again.status_code == 422
    assert "Line 4 is not among the refused rows" in again.text
    assert fields_of(again.text)["cell-2-2"] == "typed"
    assert "one\r\ntwo</textarea>" in page


def test_a_large_file_is_checked_again_by_a_job(clerk, monkeypatch):
    url = uploaded(clerk, REFUSED)
    go_on(clerk, url, "mapping")
    monkeypatch.setattr(pages, "LARGE", 1)
    location = post(clerk, f"{url}/rows", **{"cell-2-2": "NOK", "cell-2-0": "Ada"}).location
    assert "Dry run of" in clerk.get(location).text
    jobs.run_due()
    db.session.expire_all()
    assert "Created 2 Updated 0 Unchanged 0 Refused 2" in words(clerk.get(location).text)


def test_only_new_ones_or_only_known_ones_and_empty_cells_that_clear(clerk):
    with unit_of_work():
        make.company("Bo", phone="9", billing_city="Rome")
    text = "Company;City;Phone\nAda;Bonn;1\nBo;;2\n"
    url = uploaded(clerk, text)
    page = words(go_on(clerk, url, "mapping", mode="create"))
    assert "Created 1 Updated 0 Unchanged 1 Refused 0" in page
    assert "Only create; what is there stays as it is." in page
    page = words(go_on(clerk, url, "mapping", mode="update", empty="clear"))
    assert "Created 0 Updated 1 Unchanged 0 Refused 1" in page
    assert "it is not there yet" in page
    page = words(go_on(clerk, url, "apply"))
    assert "An empty cell clears what stands there." in page
    db.session.expire_all()
    assert names() == {"Bo"}
    found = db.session.scalars(select(Company)).one()
    assert (found.phone, found.billing_city) == ("2", None)
    go_on(clerk, url, "undo")
    db.session.expire_all()
    found = db.session.scalars(select(Company)).one()
    assert (found.phone, found.billing_city) == ("9", "Rome")


def test_an_import_is_undone_within_thirty_days(clerk):
    url = uploaded(clerk, SMALL)
    go_on(clerk, url, "mapping")
    assert "Undo…" in go_on(clerk, url, "apply")
    with unit_of_work() as session:
        session.execute(
            update(ImportBatch).values(applied_at=ImportBatch.applied_at - timedelta(30, 1))
        )
    assert "Undo…" not in clerk.get(url).text
    assert "more than 30 days ago" in clerk.get(clerk.get(f"{url}/undo").location).text
    assert "more than 30 days ago" in clerk.get(post(clerk, f"{url}/undo").location).text
    assert names() == {"Bo Ltd", "Åse Øl"}


def test_the_undo_of_a_large_import_is_worked_out_by_a_job(clerk, monkeypatch):
    monkeypatch.setattr(pages, "UNDO_AT_ONCE", 1)
    url = uploaded(clerk, SMALL)
    go_on(clerk, url, "mapping")
    go_on(clerk, url, "apply")
    assert "Work it out" in clerk.get(f"{url}/undo").text
    location = post(clerk, f"{url}/undo/check").location
    assert "Working out the undo of clients.csv" in clerk.get(location).text
    jobs.run_due()
    db.session.expire_all()
    assert "2 what the import created" in words(clerk.get(location).text)
    assert names() == {"Bo Ltd", "Åse Øl"}
    assert "Undone: 2 deleted" in words(go_on(clerk, url, "undo"))


@pytest.mark.parametrize(("width", "opened"), [(3, 3), (60, 0)])
def test_a_row_refused_as_a_whole_opens_its_cells_where_they_are_few(width, opened):
    row = [str(at) for at in range(width)]
    refused = {"line": 2, "column": None, "reason": "no company is named here"}
    cells = import_forms.cells(row, row, refused, Fields({}))
    assert sum(cell.is_faulty for cell in cells) == opened
    assert len(cells) == width, "the others can still be corrected"
