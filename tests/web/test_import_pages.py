"""Imports on the desk: upload, columns, dry run, apply; and what bad files are told."""

import io
import re
from datetime import UTC, datetime

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select, update

from app.companies.models import Company
from app.core import jobs
from app.core.db import db, unit_of_work
from app.core.forms import new_nonce
from app.core.models import Agency
from app.desk import imports as pages
from app.imports.models import ImportBatch
from app.staff.models import Staff
from app.timelog.models import TimeEntry
from tests import factories as make
from tests.web.import_desk import fields_of, go_on, names, post, send, uploaded, words
from tests.web.people import person, signed_in

SMALL = "Company;City;Currency\nÅse Øl;Bonn;EUR\nBo Ltd;Cork;GBP\nNoone;Rome;ZZZ\n"


NIGHT = datetime(2026, 3, 1, 19, 30, tzinfo=UTC)


HOSTILE = "<script>alert(1)</script>"


def test_a_file_goes_in_and_comes_out_again(clerk):
    with unit_of_work():
        make.company("Bo Ltd")
    url = uploaded(clerk, SMALL)
    columns = words(clerk.get(f"{url}/mapping").text)
    assert "Åse Øl" in columns
    assert "semicolon, header on line 1" in columns
    dry = go_on(clerk, url, "mapping")
    assert names() == {"Bo Ltd"}
    assert "Apply 2 rows" in dry
    assert "Rows 3 Created 1 Updated 1 Unchanged 0 Refused 1" in words(dry)
    assert "4 Currency unknown currency" in words(dry)
    assert fields_of(dry)["cell-4-2"] == "ZZZ"
    assert "Cork" in words(clerk.get(f"{url}?rows=updated").text)
    assert "Åse Øl" in words(clerk.get(f"{url}?rows=created").text)

    refused = clerk.get(f"{url}/refused")
    assert refused.data.decode().splitlines()[0] == "Company;City;Currency;Refused because"
    assert len(refused.data.decode().splitlines()) == 2

    result = go_on(clerk, url, "apply")
    assert names() == {"Bo Ltd", "Åse Øl"}
    assert "Applied" in result
    assert clerk.get(f"{url}/refused").data == refused.data
    assert "Åse Øl" in clerk.get(f"{url}?rows=created").text
    assert "clients.csv" in clerk.get("/imports/").text

    assert "1 what the import created" in words(clerk.get(f"{url}/undo").text)
    assert names() == {"Bo Ltd", "Åse Øl"}
    undone = go_on(clerk, url, "undo")
    assert names() == {"Bo Ltd"}
    assert "Undone: 1 deleted, 1 restored." in words(undone)
    gone = clerk.get(f"{url}?rows=created").text
    assert "Åse Øl" in gone, "what is deleted is told by the name that it had"
    assert "/company/" not in gone.lower().partition("<table")[2]
    assert clerk.get(f"{url}/undo").status_code == 302


def test_rows_changed_since_are_kept_and_the_page_says_why(clerk):
    url = uploaded(clerk, SMALL)
    go_on(clerk, url, "mapping")
    go_on(clerk, url, "apply")
    with unit_of_work():
        company = db.session.scalars(select(Company).where(Company.name == "Bo Ltd")).one()
        company.phone, company.version = "+353 21 1", company.version + 1
    assert "it was changed since the import" in clerk.get(f"{url}/undo").text
    undone = words(go_on(clerk, url, "undo"))
    assert "1 deleted, 0 restored, 1 kept: line 3: it was changed since the import" in undone
    assert "Undone in part" in undone
    assert names() == {"Bo Ltd"}


def test_what_would_be_written_is_told_in_words_for_people(clerk):
    url = uploaded(clerk, "Kundennr;Firma;Ort\nZ1;Alpha;Bonn\n")
    assert "generic:" not in clerk.get(f"{url}/mapping").text
    page = words(go_on(clerk, url, "mapping"))
    assert "External ID Z1" in page
    assert "Name key" not in page
    assert "generic:" not in page
    go_on(clerk, url, "apply")
    url = uploaded(clerk, "Kundennr;Firma;Ort\nZ1;Beta;Bonn\n")
    page = words(go_on(clerk, url, "mapping"))
    assert "Name Alpha → becomes Beta" in page
    assert "Name key" not in page


def test_the_dry_run_of_time_says_whose_when_and_how_long(clerk):
    with unit_of_work():
        make.company("Bo")
    rows = (
        "Person,Client,Project,Start,End,Description\n"
        "Ana Ruiz,Bo,Site,2026-03-05T08:30:00Z,2026-03-05T10:45:30Z,Cabling\n"
        "Ana Ruiz,Cy,,2026-03-06T09:00:00Z,2026-03-06T10:00:00Z,Cabling\n"
    )
    seen = words(go_on(clerk, uploaded(clerk, rows, kind="time"), "mapping"))
    assert "Day 2026-03-05 Person Ana Ruiz Company Bo Project Site Duration 2:15:30" in seen
    assert "Day 2026-03-06 Person Ana Ruiz Company Cy Duration 1:00" in seen


def test_the_dry_run_of_tickets_and_contacts_says_whose_they_are(app, clerk):
    agent = signed_in(app, person("Agent"))
    rows = "Number,Subject,Client,Requester,Opened\nT-7,Printer,Bo,Mira Kern,2026-03-04T08:00:00Z\n"
    seen = words(go_on(agent, uploaded(agent, rows, kind="tickets"), "mapping"))
    assert "Number T-7 Company Bo" in seen
    assert "Opened at 2026-03-04 08:00 UTC" in seen
    assert "Requester Mira Kern" in seen
    rows = "Name,Company,Email\nMira Kern,Bo,mira@bo.example\n"
    seen = words(go_on(agent, uploaded(agent, rows, kind="contacts"), "mapping"))
    assert "Email mira@bo.example Company Bo" in seen


def test_a_company_put_under_another_is_told_by_names(clerk):
    url = uploaded(clerk, "Company;Parent\nAlpha;\nBeta;\nGamma;Alpha\n")
    assert "Gamma Part of Alpha" in words(go_on(clerk, url, "mapping"))
    go_on(clerk, url, "apply")
    url = uploaded(clerk, "Company;Parent\nGamma;Beta\nDelta;\nBeta;Delta\n")
    dry = words(go_on(clerk, url, "mapping"))
    assert "Part of Alpha → becomes Beta" in dry
    assert "Part of – → becomes Delta" in dry
    go_on(clerk, url, "apply")
    done = words(clerk.get(f"{url}?rows=updated").text)
    assert "Part of Alpha → becomes Beta" in done
    assert "Part of – → becomes Delta" in done


def test_pasted_rows_are_read_like_a_file(clerk):
    answer = post(clerk, "/imports/", kind="companies", pasted="Company\tCity\r\nBo\tCork\r\n")
    url = answer.location.removesuffix("/mapping")
    assert "header on line 1" in clerk.get(f"{url}/mapping").text
    go_on(clerk, url, "mapping")
    go_on(clerk, url, "apply")
    assert names() == {"Bo"}


def test_times_are_told_in_the_zone_of_the_reader(clerk):
    url = uploaded(clerk, SMALL)
    with unit_of_work():
        db.session.execute(update(Staff).values(zone="Pacific/Kiritimati"))
        db.session.execute(update(ImportBatch).values(created_at=NIGHT))
    assert "2 Mar 2026, 09:30" in clerk.get("/imports/").text
    go_on(clerk, url, "mapping")
    go_on(clerk, url, "apply")
    with unit_of_work():
        db.session.execute(update(ImportBatch).values(applied_at=NIGHT))
    assert "2 Mar 2026, 09:30" in clerk.get(url).text


def test_a_column_can_be_corrected_and_that_is_remembered(clerk):
    text = "Firm name xyz;Where\nBo;Cork\n"
    url = uploaded(clerk, text)
    page = clerk.get(f"{url}/mapping").text
    assert "No column was recognised as name" in page
    again = post(clerk, f"{url}/mapping")
    assert again.status_code == 422
    assert "Say which column it is" in again.text
    both = post(clerk, f"{url}/mapping", **{"column-0": "name", "column-1": "name"})
    assert "“Firm name xyz” and “Where” are both Name" in both.text
    go_on(clerk, url, "mapping", **{"column-0": "name", "column-1": "billing_city"})
    go_on(clerk, url, "apply")
    assert names() == {"Bo"}
    url = uploaded(clerk, text)
    page = clerk.get(f"{url}/mapping").text
    assert "These headers were imported before" in page
    assert "The same file was imported before" in page
    sent = {"column-0": "extra", "column-1": "name"}
    assert "Apply 1 row" in go_on(clerk, url, "mapping", **sent)
    go_on(clerk, url, "apply")
    assert names() == {"Bo", "Cork"}


def test_a_file_of_which_no_row_was_taken_was_not_imported_before(clerk):
    text = "Company;Currency\nNoone;ZZZ\n"
    url = uploaded(clerk, text)
    go_on(clerk, url, "mapping")
    go_on(clerk, url, "apply")
    assert (
        "The same file was imported before"
        not in clerk.get(f"{uploaded(clerk, text)}/mapping").text
    )


def test_an_id_in_doubt_is_told_on_the_columns_and_can_be_chosen(clerk):
    text = "Kundennr;Firma\nZ1;Alpha Neu\nZ1;Gamma Drei\nZ2;Beta\n"
    url = uploaded(clerk, text)
    page = words(clerk.get(f"{url}/mapping").text)
    assert "Z1 stands beside different names (lines 2 and 3)" in page
    page = words(go_on(clerk, url, "mapping", **{"column-0": "extra", "column-1": "name"}))
    assert "Created 3" in page
    assert "was not taken for an id. If it is one, say so in the columns" in page
    page = words(go_on(clerk, url, "mapping", **{"column-0": "external_id", "column-1": "name"}))
    assert "Created 1 Updated 0 Unchanged 0 Refused 2" in page
    assert "lines 2 and 3 give this id different names" in page


def test_a_guess_left_as_it_is_stays_one_on_the_page_and_the_command_line(clerk, cli, tmp_path):
    """The rows that speak against the id come after those the columns are guessed by."""
    rows = [f"C{n};Firma {n}" for n in range(200)] + ["X1;Alpha", "X1;Beta"]
    text = "Kundennr;Firma\n" + "\n".join(rows) + "\n"
    kept = tmp_path / "a.csv"
    kept.write_text(text)
    dry = ("companies", "import", str(kept), "--dry-run")
    assert (cli(*dry)["created"], cli(*dry)["refused"]) == (202, 0)
    url = uploaded(clerk, text)
    sent = {"column-0": "external_id", "column-1": "name"}
    assert chosen_on(clerk.get(f"{url}/mapping").text) == sent
    page = words(go_on(clerk, url, "mapping", **sent))
    assert "Created 202 Updated 0 Unchanged 0 Refused 0" in page
    assert "was not taken for an id. If it is one, say so in the columns" in page
    go_on(clerk, url, "apply")
    again = cli(*dry)
    assert (again["unchanged"], again["refused"]) == (202, 0)

    url = uploaded(clerk, text)
    go_on(clerk, url, "mapping", **sent)
    assert chosen_on(clerk.get(f"{url}/mapping").text) == sent | {"column-0": "extra"}
    for _ in range(2):  # what was chosen once holds when the form is sent once more
        assert "Refused 2" in words(go_on(clerk, url, "mapping", **sent))
        assert chosen_on(clerk.get(f"{url}/mapping").text) == sent


def chosen_on(page):
    """What each column is shown to mean."""
    found = r'<select[^>]*name="(column-\d+)"[^>]*>.*?<option value="([^"]*)" selected'
    return dict(re.findall(found, page, re.DOTALL))


def test_a_choice_taken_back_is_forgotten(clerk):
    text = "Name;City\nBo;Cork\n"
    url = uploaded(clerk, text)
    go_on(clerk, url, "mapping", **{"column-1": "notes"})
    go_on(clerk, url, "apply")
    url = uploaded(clerk, text)
    assert "These headers were imported before" in clerk.get(f"{url}/mapping").text
    go_on(clerk, url, "mapping", **{"column-1": "billing_city"})
    go_on(clerk, url, "apply")
    url = uploaded(clerk, text)
    assert "These headers were imported before" not in clerk.get(f"{url}/mapping").text


def test_the_file_can_be_read_in_another_way(clerk):
    url = uploaded(clerk, "Clients of 2026\nCompany;City\nŁódź AB;Bonn\n".encode("cp1250"))
    page = clerk.get(f"{url}/mapping").text
    assert "Clients of 2026" in page
    sent = {"encoding": "cp1252", "delimiter": ";", "header_line": "2"}
    assert post(clerk, f"{url}/dialect", **sent).status_code == 302
    assert "£ódŸ AB" in clerk.get(f"{url}/mapping").text
    sent |= {"encoding": "cp1250"}
    post(clerk, f"{url}/dialect", **sent)
    assert "Łódź AB" in clerk.get(f"{url}/mapping").text
    post(clerk, f"{url}/dialect", **sent | {"header_line": "99"})
    assert "Line 99 begins no row" in clerk.get(f"{url}/mapping").text
    post(clerk, f"{url}/dialect", **sent | {"encoding": "rot13"})
    assert "none of the choices" in clerk.get(f"{url}/mapping").text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "The file is empty"),
        (b"PK\x03\x04" + b"\x00" * 50, "an archive or a damaged workbook"),
        (bytes(range(256)) * 20, "The file is not text"),
        ('Name;City\nBo;"Cork\n', "never closed"),
    ],
)
def test_a_file_that_is_no_table_is_told_so_and_nothing_is_kept(clerk, content, said):
    answer = send(clerk, content)
    if answer.status_code == 302:
        answer = post(clerk, answer.location)
    assert answer.status_code == 422
    assert said in answer.text
    assert names() == set()


def test_nothing_chosen_is_told_beside_the_field(clerk):
    answer = post(clerk, "/imports/", kind="companies")
    assert answer.status_code == 422
    assert "Choose a file, or paste rows" in answer.text
    assert "Error: Imports" in answer.text


def test_ragged_rows_are_refused_by_line_and_reason(clerk):
    url = uploaded(clerk, "City;Name\nCork;Bo\nRome\nBonn;Al;too;many\n")
    page = words(go_on(clerk, url, "mapping"))
    assert "the row has 1 cell, the header 2" in page
    assert "the row has 4 cells, the header 2: 2 delimiters too many" in page


def test_hostile_names_are_text_on_every_page(clerk):
    evil = f"{HOSTILE}.csv"
    url = uploaded(
        clerk,
        f'Name;City;{HOSTILE}\n{HOSTILE};=1+1;x\n"=cmd|x";{HOSTILE};\nBo;"{HOSTILE}" a;zz\n',
        name=evil,
    )
    seen = [clerk.get(f"{url}/mapping").text, go_on(clerk, url, "mapping")]
    seen += [clerk.get(f"{url}?rows={rows}").text for rows in ("created", "refused")]
    seen += [go_on(clerk, url, "apply"), clerk.get(f"{url}?rows=created").text]
    seen += [clerk.get("/imports/").text, clerk.get(f"{url}/undo").text]
    assert HOSTILE in names()
    assert all(HOSTILE not in page for page in seen)
    assert all("&lt;script&gt;" in page for page in seen)


def test_time_whose_dates_are_open_is_asked_about(clerk):
    with unit_of_work():
        make.staff("Ana Ruiz")
    rows = "Person,Client,Date,Hours\nAna Ruiz,Bo,03/04/2026,1.5\n"
    url = uploaded(clerk, rows, kind="time")
    asked = post(clerk, f"{url}/mapping", zone="Mars/Base")
    assert "Time zone “Mars/Base”" in asked.text
    asked = post(clerk, f"{url}/mapping")
    assert asked.status_code == 422
    assert "Which comes first, the day or the month?" in asked.text
    assert "--date-order" not in asked.text
    assert "1 company made on the way (Bo), 1:30 h of time" in words(
        go_on(clerk, url, "mapping", date_order="mdy", billable="n", state="submitted")
    )
    go_on(clerk, url, "apply")
    entry = db.session.scalars(select(TimeEntry)).one()
    assert entry.work_date.isoformat() == "2026-03-04"
    assert (entry.billable_seconds, entry.state) == (0, "submitted")


def test_the_company_of_rows_without_one(clerk):
    with unit_of_work():
        make.staff("Ana Ruiz")
        make.company("Fjord Dental")
    url = uploaded(clerk, "Person,Date,Hours\nAna Ruiz,2026-03-04,1\n", kind="time")
    wrong = post(clerk, f"{url}/mapping", company_text="12345", source="s" * 61).text
    assert "There is no company" in wrong
    assert wrong.count("at most 60") == 2, "above the form and beside the field"
    go_on(clerk, url, "mapping", company_text="fjord dental")
    go_on(clerk, url, "apply")
    entry = db.session.scalars(select(TimeEntry)).one()
    assert entry.company.name == "Fjord Dental"


def test_a_large_file_is_checked_by_a_job(clerk):
    lines = [f"Company number {number};{'x' * 60}" for number in range(6000)]
    content = "\n".join(["Name;Remark", *lines])
    assert len(content) > pages.LARGE
    url = uploaded(clerk, content)
    post(clerk, f"{url}/mapping")
    page = clerk.get(url).text
    assert "Dry run of clients.csv" in page
    assert '<meta http-equiv="refresh"' in page
    part = clerk.get(url, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    jobs.run_due()
    db.session.expire_all()
    assert clerk.get(url, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert "Apply 6" in clerk.get(url).text
    assert names() == set()
    assert "Previous" in clerk.get(f"{url}?rows=created&page=2").text


def test_a_second_press_and_a_late_correction_do_nothing_twice(clerk):
    url = uploaded(clerk, SMALL)
    go_on(clerk, url, "mapping")
    nonce = new_nonce()
    for _ in range(2):
        assert clerk.post(f"{url}/apply", data={"nonce": nonce}).location == url
    jobs.run_due()
    assert db.session.scalar(select(func.count()).select_from(Company)) == 2
    late = post(clerk, f"{url}/mapping")
    assert late.location == url
    assert "only one not applied yet can be read anew" in clerk.get(url).text
    assert db.session.scalars(select(ImportBatch.state)).one() == "applied"


def test_who_may_look_may_not_always_act(app, clerk):
    url = uploaded(clerk, SMALL)
    manager = signed_in(app, person("Manager"))
    pages_ = [manager.get(f"{url}/mapping"), manager.get("/imports/")]
    assert {page.status_code for page in pages_} == {200}
    assert all("Dry run</button>" not in page.text for page in pages_)
    assert manager.get(f"{url}/undo").status_code == 403
    for step in ("mapping", "dialect", "apply", "undo"):
        assert post(manager, f"{url}/{step}").status_code == 403


def test_agents_undo_what_they_imported_and_nothing_else(app, clerk):
    theirs = uploaded(clerk, SMALL)
    agent = signed_in(app, person("Agent"))
    assert "Dry run</button>" in agent.get(f"{theirs}/mapping").text
    go_on(clerk, theirs, "mapping")
    assert "Undo…" in go_on(clerk, theirs, "apply")
    assert "Undo…" not in agent.get(theirs).text
    assert agent.get(f"{theirs}/undo").status_code == 403
    assert post(agent, f"{theirs}/undo").status_code == 403
    own = uploaded(agent, "Company\nOther Ltd\n")
    go_on(agent, own, "mapping")
    assert "Undo…" in go_on(agent, own, "apply")
    assert "Undone: 1 deleted" in words(go_on(agent, own, "undo"))
    assert "Other Ltd" not in names()


REFUSED = (
    "Company;City;Currency;Phone\nAda;Bonn;ZZZ;1\nBo;Cork;EUR\n;Rome;EUR;3\nEve;Oslo;EUR;5;six\n"
)


def test_a_workbook_goes_in_by_its_first_sheet(clerk):
    book = Workbook()
    for row in (["Company", "Ref", "Currency"], ["Ada", "007", "EUR"], [], ["Bo", "8", "ZZZ"]):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    url = uploaded(clerk, file.getvalue(), name="clients.xlsx")
    page = words(go_on(clerk, url, "mapping"))
    assert "Rows 2 Created 1 Updated 0 Unchanged 0 Refused 1" in page
    assert "4 Currency unknown currency" in page
    go_on(clerk, url, "apply")
    assert db.session.scalars(select(Company.external_id)).all() == ["007"]


def test_who_may_not_approve_time_imports_none_as_approved(clerk, app):
    with unit_of_work():
        db.session.get(Agency, 1).time_approval = "manager"
    agent = signed_in(app, person("Agent", email="ida@example.com"))
    rows = "Client,Person,Date,Hours\nBo Ltd,Ana Ruiz,2026-03-04,1\n"
    url = uploaded(agent, rows, kind="time")
    post(agent, f"{url}/apply")  # as it was read, with no option chosen
    page = agent.get(f"{url}/mapping").text
    assert "approved, which you may not do" in page
    assert 'value="approved"' not in page
    assert post(agent, f"{url}/mapping", state="approved").status_code == 422
    go_on(agent, url, "mapping")
    go_on(agent, url, "apply")
    assert db.session.scalars(select(TimeEntry.state)).all() == ["submitted"]


def test_where_nobody_approves_time_an_agent_imports_it_as_approved(clerk, app):
    agent = signed_in(app, person("Agent", email="ida@example.com"))
    rows = "Client,Person,Date,Hours\nBo Ltd,Ana Ruiz,2026-03-04,1\n"
    url = uploaded(agent, rows, kind="time")
    go_on(agent, url, "mapping")
    go_on(agent, url, "apply")
    assert db.session.scalars(select(TimeEntry.state)).all() == ["approved"]
