"""The paper of an estimate: frozen with it, drawn once, the same bytes for all who may see it."""

import io
from dataclasses import replace

import pytest
from pypdf import PdfReader
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from app.core import jobs, storage
from app.core.db import db, unit_of_work
from app.core.errors import NotFoundError
from app.core.models import Agency, StoredFile
from app.estimates import papers
from app.estimates.models import Estimate, EstimatePaper
from app.estimates.rules import Line
from jobs import load_handlers
from tests import factories as make
from tests.estimates.conftest import HOUR, link
from tests.portal.test_viewing import looking_as
from tests.web.people import client_in, portal_account, signed_in, visitor
from tests.web.test_matrix import fingerprint

LINES = (
    Line(0, "time", "Design <of> #[the] logo", 0, 10 * HOUR),
    Line(0, "fixed", "Typeface", 20_000),
    Line(0, "fixed", "Print", 5_000, is_optional=True),
    Line(0, "fixed", "Film", 90_000, is_optional=True),
)


def one() -> Estimate:
    db.session.rollback()
    return db.session.scalars(select(Estimate)).one()


def rename_agency(name: str) -> None:
    db.session.execute(update(Agency).values(name=name))


def draw() -> int:
    """What the worker does; returns how many jobs there were."""
    load_handlers()
    return jobs.run_due(kinds=(papers.DRAW,))


def pdf() -> bytes:
    """The paper of the only estimate, once the worker has been there."""
    draw()
    return storage.read(papers.file_of(one()))


def words_of(pdf: bytes) -> str:
    pages = PdfReader(io.BytesIO(pdf)).pages
    text = " ".join(page.extract_text() for page in pages).replace("\u200b", "")
    return " ".join(text.split())


def test_the_paper_says_what_is_offered_and_then_what_was_approved(world):
    world.draft(*LINES, note="Two drafts are included.")
    world.send()
    said = words_of(pdf())
    for words in (
        f"Estimate #{world.number}, version 1",
        "for “New logo”",
        "Valid until",
        "Design <of> #[the] logo 10:00 100.00 1,000.00",
        "Optional, not in the total Print 50.00 Film 900.00",
        "VAT 19 % on 1,200.00 228.00",
        "Total EUR 1,428.00",
        "Two drafts are included.",
        "Mira Krog",
    ):
        assert words in said
    assert "Approved" not in said
    world.answer(chosen="3", seen="148750", purchase_order="4711")
    said = words_of(pdf())
    for words in (
        "Approved on",
        "(Europe/Berlin) by Mira Krog",
        "4711",
        "Print optional, chosen 50.00",
        "Was optional and is not chosen Film 900.00",
        "Total EUR 1,487.50",
    ):
        assert words in said


def test_it_is_drawn_by_a_job_once_and_stays_when_the_agency_moves(world):
    world.offer(*LINES)
    assert papers.file_of(one()) is None
    first = pdf()
    with unit_of_work():
        rename_agency("Another name")
        again = jobs.post(papers.DRAW, {"paper": db.session.scalar(select(EstimatePaper.id))})
    assert jobs.run(again) == {"drawn": 0}
    assert pdf() == first
    stored = select(StoredFile).where(StoredFile.media_type == "application/pdf")
    assert len(db.session.scalars(stored).all()) == 1


def test_of_two_who_draw_it_at_once_the_first_is_kept(world):
    world.offer(*LINES)
    waiting = papers.undrawn(db.session.scalars(select(EstimatePaper.id)).one())
    kept = pdf()
    with unit_of_work():
        papers.record(replace(papers.draw_and_file(waiting), sha256="0" * 64))
    assert pdf() == kept


def test_drawn_late_it_still_says_what_the_agency_was_when_it_was_sent(world):
    with unit_of_work():
        rename_agency("Old name")
    world.offer(*LINES)
    with unit_of_work():
        rename_agency("New name")
    said = words_of(pdf())
    assert "Old name" in said
    assert "New name" not in said


def test_the_same_content_gives_the_same_bytes(world):
    world.offer(*LINES)
    waiting = papers.undrawn(db.session.scalars(select(EstimatePaper.id)).one())
    assert papers.draw_and_file(waiting) == papers.draw_and_file(waiting)


def test_the_database_keeps_a_paper_as_it_is(world):
    world.offer(*LINES)
    pdf()
    for change in ("set content = '{}'", "set file_id = null", "set content_hash = 'x'"):
        with pytest.raises(IntegrityError), unit_of_work():
            db.session.execute(text(f"update estimate_paper {change}"))


def test_one_of_before_there_were_papers_is_drawn_when_somebody_asks(world):
    world.offer(*LINES)
    db.session.execute(text("set tallydesk.unlock = 'demo'"))
    db.session.execute(text("delete from estimate_paper"))
    db.session.execute(text("delete from job where kind = 'estimates.draw'"))
    db.session.execute(text("reset tallydesk.unlock"))
    db.session.commit()
    browser = signed_in(world.app, world.user)
    path = f"/tickets/{world.number}/estimate/1.pdf"
    waits = browser.get(path)
    assert (waits.status_code, waits.headers["Retry-After"]) == (202, "5")
    assert draw() == 0
    for _ in range(5):  # however impatient
        assert browser.post(path).location == path
    assert 1 <= draw() <= 3
    assert browser.get(path).data.startswith(b"%PDF")


def test_one_that_failed_is_drawn_when_somebody_asks_later(world):
    path = f"{link(world.offer(*LINES))}/estimate.pdf"
    db.session.execute(text("update job set state = 'dead'"))
    db.session.commit()
    browser = visitor(world.app)
    before = fingerprint()
    assert "Look again" in browser.get(path).get_data(as_text=True)
    assert fingerprint() == before
    assert browser.post(path).location == path
    assert draw() == 1
    assert browser.get(path).data.startswith(b"%PDF")


def test_a_draft_has_none(world):
    draft = world.draft(*LINES)
    with pytest.raises(NotFoundError):
        papers.file_of(draft)
    browser = signed_in(world.app, world.user)
    assert browser.get(f"/tickets/{world.number}/estimate/1.pdf").status_code == 404


def test_desk_portal_and_link_give_the_same_file_to_those_who_see_the_estimate(world):
    estimate = world.offer(*LINES)
    draw()
    path = f"/portal/estimates/{estimate.id}.pdf"
    by_link = visitor(world.app).get(f"{link(estimate)}/estimate.pdf")
    mira = client_in(world.app, world.mira)
    in_portal = mira.get(path)
    browser = signed_in(world.app, world.user)
    on_desk = browser.get(f"/tickets/{world.number}/estimate/1.pdf")
    assert by_link.data == in_portal.data == on_desk.data
    assert by_link.data.startswith(b"%PDF")
    for answer in (by_link, in_portal):
        disposition = answer.headers["Content-Disposition"]
        assert disposition == f"attachment; filename=estimate-{world.number}-1.pdf"
    for page in (
        mira.get(f"/portal/requests/{world.number}"),
        mira.get(f"/portal/actions/{estimate.action_id}"),
    ):
        assert path in page.get_data(as_text=True)
    assert "/estimate.pdf" in visitor(world.app).get(link(estimate)).get_data(as_text=True)
    assert "/estimate/1.pdf" in browser.get(f"/tickets/{world.number}/estimate").get_data(True)
    assert client_in(world.app, world.vera).get(path).status_code == 200


def test_others_do_not_get_it(world):
    estimate = world.offer(*LINES)
    with unit_of_work():
        stranger = make.contact(make.company("Other"), "Sam", role="approver")
    portal_account(stranger)
    path = f"/portal/estimates/{estimate.id}.pdf"
    for contact in (world.bo, stranger):
        assert client_in(world.app, contact).get(path).status_code == 404
    assert visitor(world.app).get(path).status_code == 302
    mailed = link(estimate)
    forged = mailed[:-1] + ("b" if mailed.endswith("a") else "a")
    assert visitor(world.app).get(f"{forged}/estimate.pdf").status_code == 404


def test_who_looks_as_a_client_reads_a_paper_that_is_drawn_and_has_none_drawn(world):
    estimate_id = world.offer(*LINES).id
    path = f"/portal/estimates/{estimate_id}.pdf"
    looking = looking_as(world.app, world.mira)
    waits = looking.get(path)
    assert waits.status_code == 202
    assert "<form" not in waits.get_data(as_text=True).partition("<h1>")[2]
    assert looking.post(path).status_code == 403
    drawn = pdf()
    assert looking.get(path).data == drawn


def test_the_paper_is_in_the_language_of_who_pays_as_it_is_frozen(world):
    with unit_of_work():
        make.set_up_agency(language="fr")
    world.draft(*LINES)
    world.send()
    said = words_of(pdf())
    for words in (
        f"Devis #{world.number}, version 1",
        "pour « New logo »",
        "Valable jusqu'au",
        "10:00 100,00 1 000,00",
        "En option, non comprise dans le total Print 50,00 Film 900,00",
        "Total EUR 1 428,00",
    ):
        assert words in said.replace("’", "'")
    with unit_of_work():
        make.set_up_agency(language="es")
    world.answer(chosen="3", seen="148750")
    said = words_of(pdf())
    assert "Aprobado el" in said
    assert "opcional, elegido" in said
