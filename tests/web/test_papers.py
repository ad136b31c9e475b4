"""PDFs on the desk: given as they are stored, drawn by jobs alone, awaited on a page."""

import io
import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.billing.documents import stored
from app.core import clock, jobs, storage
from app.core.db import unit_of_work
from app.core.models import Job
from tests.billing.issued import issued
from tests.web.test_matrix import fingerprint


@pytest.fixture
def undrawn(month):
    """Two invoices that nobody drew: their job is lost."""
    with unit_of_work():
        return issued().id, issued().id


def drawn() -> int:
    """What the worker does; returns how many jobs there were."""
    return jobs.run_due(kinds=(stored.RENDER,))


def test_looking_at_an_invoice_draws_nothing_and_says_so(month, undrawn):
    path = f"/billing/invoices/{undrawn[0]}.pdf?download=1"
    before = fingerprint()
    waits = month.get(path)
    assert (waits.status_code, waits.headers["Retry-After"]) == (202, "5")
    assert "The PDF is being drawn" in waits.text
    assert 'http-equiv="refresh"' in waits.text
    assert month.get(path, headers={"HX-Request": "true"}).text.count("hx-get") == 1
    assert fingerprint() == before
    assert drawn() == 0
    for _ in range(5):  # however impatient
        assert month.post(path).location == path
    assert 1 <= drawn() <= 2
    there = month.get(path, headers={"HX-Request": "true"}).text
    assert "hx-get" not in there
    assert path in there
    served = month.get(path)
    assert served.data == storage.read(stored.pdf_of(undrawn[0]))
    assert served.data.startswith(b"%PDF")
    assert "attachment" in served.headers["Content-Disposition"]


def test_a_drawing_that_was_given_up_says_why_and_can_be_tried_again(month, undrawn):
    path = f"/billing/invoices/{undrawn[0]}.pdf"
    month.post(path)
    reason = "The disk is full: make room."
    with unit_of_work() as session:
        session.execute(update(Job).values(state="dead", last_error=reason))
    page = month.get(path)
    assert f"could not be drawn: {reason}" in page.text
    assert "hx-get" not in month.get(path, headers={"HX-Request": "true"}).text
    assert "refresh" not in page.text
    assert "being drawn" in month.get(f"/billing/invoices/{undrawn[1]}.pdf").text
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        month.post(path)
    assert "being drawn" in month.get(path).text


def test_a_pack_is_given_once_all_in_it_are_drawn(month, undrawn):
    path = "/billing/invoices.zip?issued_from=2026-01-01"
    assert "2 of 2 documents" in month.get(path).text
    stored.get_or_render(undrawn[1])
    waits = month.get(path)
    assert waits.status_code == 202
    assert "1 of 2 documents is still being drawn" in waits.text
    assert month.post(path).location == path
    assert drawn() == 1
    packed = zipfile.ZipFile(io.BytesIO(month.get(path).data))
    assert len(packed.namelist()) == 2
    assert {packed.read(name)[:4] for name in packed.namelist()} == {b"%PDF"}
    assert month.get("/billing/invoices/4711.pdf").status_code == 404
