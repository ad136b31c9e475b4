"""The rules of the machine: identity, order, hostile input, chunks that are refused."""

from datetime import UTC, date

import pytest
from sqlalchemy import func, select, text

from app.companies import exports as companies
from app.companies.models import Company, Contact, Membership
from app.core import storage
from app.core.db import db, unit_of_work
from app.core.errors import RuleError, UnusableInputError
from app.core.export import csv_stream
from app.imports import applying, batches, commands, mending, plan
from app.imports.models import ImportBatch
from app.tickets import joining
from app.tickets.models import Ticket
from app.timelog import exports, importspan
from app.timelog.models import TimeEntry
from app.timelog.queries import overlapping
from app.timelog.work_types import add_work_type
from tests import factories as make
from tests.imports.bring import ACTOR, bring, counts, take_back, try_out


def names() -> list[str]:
    return list(db.session.scalars(select(Company.name).order_by(Company.id)))


def test_identity_of_companies(app) -> None:
    text_ = "Company;Ref\nACME Ltd;\nacme\u00a0 ltd ;\nACME Ltd.;\nTwin;1\nTwin;2\nTWIN;2\n"
    answer = bring("companies", text_)
    assert counts(answer) == (6, 4, 1, 1, 0)
    assert names() == ["ACME Ltd", "ACME Ltd.", "Twin", "TWIN"]
    conflict = bring("companies", "Company\nTwin\n")
    assert counts(conflict) == (1, 0, 0, 0, 1)
    assert "id" in conflict["errors"][0]["reason"]
    taken = bring("companies", "Company;Ref\nAcme LTD;7\n")
    assert counts(taken) == (1, 0, 1, 0, 0)
    other_source = bring("companies", "Company;Ref\nTwin;1\n", source="elsewhere")
    assert counts(other_source) == (1, 1, 0, 0, 0)


def test_an_id_given_twice_refuses_its_rows_and_never_drops_the_column(app) -> None:
    head = "Kundennr;Firma;Ort\n"
    bring("companies", head + "Z1;Alpha Eins;Köln\nZ2;Beta Zwei;Bonn\n")
    twice = head + "Z1;Alpha Neu;Köln\nZ1;Gamma Drei;Bonn\nZ2;Beta Neu;Bonn\n"
    guessed = try_out("companies", twice)
    assert "lines 2 and 3" in guessed["warnings"][0], "what was guessed is told"
    answer = bring("companies", twice, chosen={"Kundennr": "external_id"})
    assert counts(answer) == (3, 0, 1, 0, 2)
    assert [(row["line"], row["column"], row["value"]) for row in answer["errors"]] == [
        (2, "Kundennr", "Z1"), (3, "Kundennr", "Z1"),
    ]  # fmt: skip
    assert all("lines 2 and 3" in row["reason"] for row in answer["errors"])
    assert names() == ["Alpha Eins", "Beta Neu"]
    assert db.session.scalars(select(Company.extra)).all() == [{}, {}]


def test_a_second_row_of_one_record(app) -> None:
    text_ = "Company;Ref;Phone;Sector\nA;1;11;x\nA;1;11;\nA;1;22;y\n"
    answer = bring("companies", text_)
    assert counts(answer) == (3, 1, 1, 1, 0)
    company = db.session.scalars(select(Company)).one()
    assert (company.phone, company.extra) == ("22", {"Sector": "y"})
    assert counts(bring("companies", text_)) == (3, 0, 0, 3, 0)


def test_empty_cells_leave_what_is_there_and_text_stays_text(app) -> None:
    bring("companies", "Company;Ref;Phone;Note code\nNULL;007;0049 30;True\nN/A;;;\n")
    assert counts(bring("companies", "Company;Ref;Phone\nNULL;007;\n")) == (1, 0, 0, 1, 0)
    company = db.session.scalars(select(Company).where(Company.external_id == "007")).one()
    assert (company.name, company.phone) == ("NULL", "0049 30")
    assert company.extra == {"Note code": "True"}


def test_parents_come_in_any_order(app) -> None:
    text_ = "Company;Parent;Ref\nChild;Top;c\nTop;;t\nLost;Nowhere;l\nA;B;a\nB;A;b\n"
    answer = bring("companies", text_)
    assert counts(answer) == (5, 2, 0, 0, 3)
    assert [error["line"] for error in answer["errors"]] == [4, 5, 6]
    child = db.session.scalars(select(Company).where(Company.name == "Child")).one()
    assert child.parent is not None
    assert child.parent.name == "Top"
    moved = bring("companies", "Company;Parent;Ref\nTop 2;;u\nChild;Top 2;c\n")
    assert counts(moved) == (2, 1, 1, 0, 0)
    take_back(moved["batch"])
    db.session.expire_all()
    child = db.session.scalars(select(Company).where(Company.name == "Child")).one()
    assert child.parent is not None
    assert child.parent.name == "Top"
    take_back(answer["batch"])
    assert names() == []


HOSTILE = [
    ("ragged", "Company;City\nA;B;C\nB;x\n", (2, 1, 0, 0, 1), "3 cells, the header 2"),
    ("short", "City;Company\nx\ny;B\n", (2, 1, 0, 0, 1), "needs is missing"),
    ("nameless", "Company;City\n ;x\n", (1, 0, 0, 0, 1), "name is empty"),
    ("long", f"Company;City\n{'n' * 300};x\n", (1, 0, 0, 0, 1), "300 characters"),
    ("long cell", f"Company;City\nA;{'n' * 300}\n", (1, 0, 0, 0, 1), "300 characters"),
    ("currency", "Company;Currency\nA;XYZ\n", (1, 0, 0, 0, 1), "ISO 4217"),
    ("zone", "Company;Time zone\nA;Mars/Base\n", (1, 0, 0, 0, 1), "unknown time zone"),
    ("country", "Company;Country\nA;Atlantis\n", (1, 0, 0, 0, 1), "ISO 3166"),
    ("phone", "Company;Phone\nA;4.93E+11\n", (1, 0, 0, 0, 1), "scientific"),
    ("email", "Company;Email\nA;nobody\n", (1, 0, 0, 0, 1), "e-mail"),
    ("header again", "Company;City\nCompany;City\nA;x\n", (2, 1, 0, 0, 1), "repeats the header"),
]


@pytest.mark.parametrize(
    ("content", "expected", "reason"), [row[1:] for row in HOSTILE], ids=[row[0] for row in HOSTILE]
)
def test_hostile_rows_are_refused_with_line_column_and_value(app, content, expected, reason):
    tried = try_out("companies", content)
    answer = bring("companies", content)
    assert counts(tried) == counts(answer) == expected
    assert tried["errors"] == answer["errors"]
    assert reason in answer["errors"][0]["reason"]
    assert answer["errors"][0]["line"] == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "empty"),
        (b"\x00\x01\x02" * 90, "not text"),
        ("Foo;Bar\n1;2\n", "'Foo', 'Bar'"),
        ('Company\n"A\n', "never closed"),
    ],
)
def test_unusable_files_leave_nothing(app, content, reason) -> None:
    with pytest.raises(UnusableInputError, match=reason):
        bring("companies", content)
    assert db.session.scalar(select(func.count()).select_from(ImportBatch)) == 0


def test_names_that_look_like_formulas_and_markup_stay_text(app) -> None:
    wild = [
        "=cmd|' /C calc'!A0",
        "<script>alert(1)</script>",
        "'; drop table company; --",
        "{{7*7}}",
    ]
    quoted = "".join(f'"{name}"\n' for name in wild)
    answer = bring("companies", "Company\n" + quoted)
    assert counts(answer) == (4, 4, 0, 0, 0)
    assert names() == wild


def test_missing_trailing_cells_are_flagged(app) -> None:
    answer = bring("companies", "Company;City;Sector\nA;Bonn\nB\n")
    assert counts(answer) == (2, 2, 0, 0, 0)
    assert any("2 rows lack trailing cells" in warning for warning in answer["warnings"])


def test_the_refused_rows_come_back_as_a_file_to_correct(app) -> None:
    raw = "Firma;Land;Währung\nMüller;DE;EUR\nŁódź;Nirgendwo;EUR\nPoznań;PL;XXY\n".encode("cp1250")
    answer = bring("companies", raw)
    assert counts(answer) == (3, 1, 0, 0, 2)
    with unit_of_work():
        errors = mending.error_file(answer["batch"]).decode("cp1250")
    lines = errors.splitlines()
    assert lines[0] == "Firma;Land;Währung;Refused because"
    assert lines[1].startswith("Łódź;Nirgendwo;EUR;Land: unknown country")
    corrected = errors.replace("Nirgendwo", "PL").replace("XXY", "PLN").encode("cp1250")
    again = bring("companies", corrected)
    assert counts(again) == (2, 2, 0, 0, 0)
    assert again["mapping"]["Refused because"] == ""
    assert db.session.scalars(select(Company.extra).where(Company.name == "Poznań")).one() == {}


def test_refused_rows_are_no_formulas_and_come_back_as_they_were(app) -> None:
    answer = bring("companies", "Company;City;Phone;Currency\n=1+1;'=x;+49 30;ZZZ\nBo;-;1;YYY\n")
    with unit_of_work():
        errors = mending.error_file(answer["batch"]).decode()
    assert errors.splitlines()[1].startswith("'=1+1;''=x;'+49 30;ZZZ;")
    again = bring("companies", errors.replace("ZZZ", "EUR"))
    assert counts(again) == (2, 1, 0, 0, 1)
    with unit_of_work():
        last = mending.error_file(again["batch"]).decode()
    assert last.splitlines()[0] == "Company;City;Phone;Currency;Refused because"
    assert counts(bring("companies", last.replace("YYY", "EUR"))) == (1, 1, 0, 0, 0)
    found = db.session.execute(
        select(Company.name, Company.billing_city, Company.phone).order_by(Company.id)
    )
    assert [tuple(row) for row in found] == [("=1+1", "'=x", "+49 30"), ("Bo", "-", "1")]


def test_a_corrected_mapping_is_remembered_for_these_headers(app) -> None:
    text_ = "Trading as;Legal name;Colour\nFoo;Foo Ltd;red\n"
    chosen = {"Trading as": "name", "Legal name": "extra", "Colour": ""}
    answer = bring("companies", text_, chosen=chosen)
    assert answer["mapping"] == chosen
    again = bring("companies", text_)
    assert again["mapping"] == chosen
    assert counts(again) == (1, 0, 0, 1, 0)


def test_a_chunk_that_the_database_refuses_is_halved(app, monkeypatch) -> None:
    monkeypatch.setattr(applying, "CHUNK", 4)
    with unit_of_work() as session:
        session.execute(
            text(
                "create function no_seven() returns trigger language plpgsql as $$ begin"
                " if new.name = 'N7' then raise exception 'seven is out' using errcode ="
                " 'check_violation'; end if; return new; end $$;"
                "create trigger no_seven before insert on company for each row"
                " execute function no_seven()"
            )
        )
    answer = bring("companies", "Company\n" + "".join(f"N{n}\n" for n in range(1, 11)))
    assert counts(answer) == (10, 9, 0, 0, 1)
    assert answer["errors"][0]["line"] == 8
    assert "seven is out" in answer["errors"][0]["reason"]
    assert len(names()) == 9


def test_people_on_the_way_are_known_by_mail_or_by_name_in_their_company(app) -> None:
    head = "Company;Contact name;Contact email\n"
    rows = "A;Ana;ana@x.org\nB;Ana;ANA@x.org\nA;Bo;\nA;bo;\nB;Bo;\n"
    answer = bring("companies", head + rows)
    assert counts(answer) == (5, 2, 0, 3, 0)
    assert answer["contacts_created"] == 3
    assert db.session.scalar(select(func.count()).select_from(Membership)) == 4
    again = bring("companies", head + rows)
    assert again["contacts_created"] == 0
    take_back(answer["batch"])
    assert db.session.scalar(select(func.count()).select_from(Contact)) == 0


def test_tickets_that_stay_as_they_are_make_nobody_in_another_company(app) -> None:
    rows = "Number;Subject;Requester\n1;One;Bo\n2;Two;Ada\n"
    assert bring("tickets", rows, company_name="Apple")["contacts_created"] == 2
    again = bring("tickets", rows, company_name="Apple Inc.")
    assert counts(again) == (2, 0, 0, 2, 0)
    assert again["contacts_created"] == 0
    assert db.session.scalar(select(func.count()).select_from(Contact)) == 2


def test_contacts(app) -> None:
    text_ = (
        "First name;Last name;E-mail;Firma;Telefon;Rolle im Haus\n"
        "Ana;Ruiz;ana@x.org;Fjord;12;CEO\nBo;Li;;Fjord;;\nBo;Li;;Fjord;7;\n;;;Fjord;;\n"
    )
    answer = bring("contacts", text_)
    assert counts(answer) == (4, 2, 1, 0, 1)
    assert answer["companies_created"] == 1
    assert counts(bring("contacts", text_)) == (4, 0, 0, 3, 1)
    moved = bring("contacts", "Name;Email;Company\nAna Ruiz-Gil;ana@x.org;Berg\n")
    assert counts(moved) == (1, 0, 1, 0, 0)
    ana = db.session.scalars(select(Contact).where(Contact.name == "Ana Ruiz-Gil")).one()
    assert {each.company.name for each in ana.memberships} == {"Fjord", "Berg"}
    take_back(answer["batch"])
    assert db.session.scalars(select(Contact.name)).all() == ["Ana Ruiz-Gil"]


BAD_TIME = [
    ("Ana;A;2024-03-31;-1", "negative"),
    ("Ana;A;2024-03-31;26", "24 hours"),
    ("Ana;A;2024-02-31;1", "no such date"),
    ("Ana;A;someday;1", "not a date"),
    (";A;2024-03-31;1", "nobody is named"),
    ("Ana;;2024-03-31;1", "--company"),
    ("Ana;A;2024-03-31;", "missing"),
]


@pytest.mark.parametrize(("row", "reason"), BAD_TIME)
def test_bad_time_is_refused(app, row, reason) -> None:
    answer = bring("time", f"User;Client;Date;Hours\n{row}\n")
    assert counts(answer) == (1, 0, 0, 0, 1)
    assert reason in answer["errors"][0]["reason"]
    assert answer["companies_created"] == answer["staff_created"] == 0


def test_a_circle_of_companies_names_the_parent_of_each_row(app) -> None:
    answer = bring("companies", "Company;Parent\nA;B\nB;A\nC;\n")
    assert [(row["line"], row["column"], row["value"]) for row in answer["errors"]] == [
        (2, "Parent", "B"),
        (3, "Parent", "A"),
    ]
    assert answer["created"] == 1


def test_a_duration_above_start_to_end_is_refused_and_one_below_is_told(app) -> None:
    head = "User;Client;Start;End;Duration\n"
    rows = (
        "Ana;A;2024-03-29 11:00;2024-03-29 11:30;00:45\n"
        "Bo;A;2024-03-29 11:00;2024-03-29 11:30;00:30:59\n"
        "Cy;A;2024-03-29 11:00;2024-03-29 11:30;00:29:30\n"
        "Di;A;2024-03-29 11:00;2024-03-29 11:30;00:15\n"
    )
    answer = bring("time", head + rows)
    [error] = answer["errors"]
    assert (error["line"], error["column"], error["value"]) == (2, "Duration", "00:45")
    assert error["reason"] == importspan.LONGER
    [told] = [warning for warning in answer["warnings"] if "from start to end" in warning]
    assert "1 row (line 5)" in told
    seconds = select(TimeEntry.recorded_seconds).order_by(TimeEntry.id)
    assert db.session.scalars(seconds).all() == [1859, 1770, 900]
    rounded = bring("time", head + rows.splitlines()[0], chosen={"End": ""})
    assert counts(rounded) == (1, 1, 0, 0, 0), "as the refusal says"


def test_a_length_that_is_refused_is_named_by_the_column_that_tells_it(app) -> None:
    rows = (
        "Ana;A;2024-03-29 11:00;2024-03-29 11:30;;45\n"
        "Ana;A;2024-03-29 11:00;;;4500\n"
        "Ana;A;2024-03-29 11:00;2024-03-31 11:00;;\n"
    )
    errors = bring("time", f"User;Client;Start;End;Duration;Minutes\n{rows}")["errors"]
    assert [(row["column"], row["value"]) for row in errors] == [
        ("Minutes", "45"),
        ("Minutes", "4500"),
        ("End", "2024-03-31 11:00"),
    ]


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("Start;End", "2026-03-29 02:30;2026-03-29 03:30"),
        ("Date;Start time;End time", "2026-03-29;02:30;03:30"),
    ],
)
def test_a_time_that_clocks_skip_is_refused(app, head, row) -> None:
    """It would be moved to where the other end is, and the hour be gone."""
    file = f"User;Client;{head}\nAna;A;{row}\n"
    [error] = bring("time", file, zone="Europe/Berlin")["errors"]
    assert "clocks skip 02:30 on that day in Europe/Berlin" in error["reason"]
    assert counts(bring("time", file, zone="Europe/London")) == (1, 1, 0, 0, 0)


def test_of_an_hour_that_clocks_show_twice_the_end_is_the_one_that_fits(app) -> None:
    rows = (
        "Ana;A;2026-10-25 01:30;2026-10-25 02:30;02:00\n"
        "Bo;A;2026-10-25 01:30;2026-10-25 02:30;01:00\n"
        "Cy;A;2026-10-25 02:50;2026-10-25 02:10;00:20\n"
        "Di;A;2026-10-25 02:50;2026-10-25 02:10;00:45\n"
    )
    answer = bring("time", "User;Client;Start;End;Duration\n" + rows, zone="Europe/Berlin")
    assert [(row["line"], row["reason"]) for row in answer["errors"]] == [(5, importspan.LONGER)]
    found = db.session.execute(select(TimeEntry.ended_at, TimeEntry.recorded_seconds)).all()
    assert [(at.astimezone(UTC).strftime("%H:%M"), seconds) for at, seconds in found] == [
        ("01:30", 7200),
        ("00:30", 3600),
        ("01:10", 1200),
    ]


def test_time_that_ends_before_it_begins_or_overlaps(app) -> None:
    head = "User;Client;Start;End\n"
    rows = (
        "Ana;A;2024-03-31 10:00;2024-03-31 09:00\n"
        "Ana;A;2024-03-31 10:00;2024-03-31 11:00\n"
        "Ana;A;2024-03-31 10:30;2024-03-31 12:00\n"
        "Bo;A;2024-03-31 10:30;2024-03-31 12:00\n"
    )
    answer = bring("time", head + rows, zone="Europe/Amsterdam")
    assert counts(answer) == (4, 3, 0, 0, 1)
    assert "before it began" in answer["errors"][0]["reason"]
    first, second, third = db.session.scalars(select(TimeEntry).order_by(TimeEntry.id))
    monday = date(2024, 3, 25)
    assert overlapping(first.staff_id, monday) == {first.id, second.id}
    assert overlapping(third.staff_id, monday) == set()
    assert any("overlap" in warning for warning in answer["warnings"])


def test_equal_rows_of_time_are_told_apart_by_their_ordinal(app) -> None:
    rows = "User;Client;Date;Hours\n" + "Ana;A;2024-03-31;1\n" * 3
    answer = bring("time", rows)
    assert counts(answer) == (3, 3, 0, 0, 0)
    assert counts(bring("time", rows + "Ana;A;2024-03-31;1\n")) == (4, 1, 0, 3, 0)


def test_dates_that_stay_open_are_asked_for_before_anything_is_kept(app) -> None:
    with pytest.raises(RuleError, match="--date-order"):
        bring("time", "User;Client;Date;Hours\nAna;A;03/04/2024;1\n")
    assert db.session.scalar(select(func.count()).select_from(ImportBatch)) == 0


def test_events_of_one_number_are_one_ticket(app) -> None:
    head = "Number;Subject;State;Client;Caller;Opened at;Updated at;sys_mod_count\n"
    rows = (
        "I1;Help;Closed;A;Ana;2024-03-01 10:00;2024-03-03 10:00;2\n"
        "I1;Help;New;A;Ana;2024-03-01 10:00;2024-03-01 10:00;0\n"
        "I1;Help;Awaiting User Info;A;Ana;2024-03-01 10:00;2024-03-02 10:00;1\n"
        "I2;Else;?;A;?;2024-03-01 10:00;?;0\nI3;Odd;Quantum;A;;;;0\n"
    )
    answer = bring("tickets", head + rows)
    assert counts(answer) == (5, 2, 2, 0, 1)
    assert "unknown state" in answer["errors"][0]["reason"]
    ticket = db.session.scalars(select(Ticket).where(Ticket.external_id == "I1")).one()
    assert (ticket.category, ticket.last_seq, ticket.requester.name) == ("completed", 3, "Ana")
    assert ticket.closed_at is not None
    assert counts(bring("tickets", head + rows)) == (5, 0, 0, 4, 1)

    later = "I1;Help;Active;A;Ana;2024-03-01 10:00;2024-03-04 10:00;3\n"

    assert counts(bring("tickets", head + rows + later)) == (6, 0, 1, 4, 1)
    db.session.expire_all()
    ticket = db.session.scalars(select(Ticket).where(Ticket.external_id == "I1")).one()
    assert (ticket.category, ticket.closed_at, ticket.last_seq) == ("open", None, 4)

    with unit_of_work():
        into = make.ticket(ticket.company)
        joining.merge(ticket, into, actor=ACTOR)
    newer = "I1;Help;Active;A;Ana;2024-03-01 10:00;2024-03-05 10:00;4\n"
    again = bring("tickets", head + newer)
    assert counts(again) == (1, 0, 0, 0, 1)
    assert "merged into another ticket" in again["errors"][-1]["reason"]


def test_a_batch_can_be_checked_corrected_and_applied_from_a_page(app) -> None:
    raw = "Company;City\nÅse;Bonn\nBo;\n".encode()
    with unit_of_work():
        batch = commands.upload(ACTOR, "companies", raw, file_name="x.csv")
        number = batch.id
        checked = commands.check(number)
    assert checked["batch"] == number
    assert checked["examples"]["created"][0]["name"] == "Åse"
    with unit_of_work():
        commands.correct(number, options=batch_options(), chosen={"City": ""})
        assert batches.batch_of(number).mapping == {"Company": "name", "City": ""}
    assert names() == []
    assert storage.root().exists()


def batch_options():
    from app.imports.importer import Options

    return Options()


def test_a_nul_spoils_its_row_and_no_other(app) -> None:
    for content in (
        b"Company;City\nA;Bonn\nB\x00;Cork\nC;Oslo\n",
        "Company;City\nA;Bonn\nB\x00;Cork\nC;Oslo\n".encode("utf-16"),
    ):
        answer = try_out("companies", content)
        assert counts(answer) == (3, 2, 0, 0, 1)
        error = answer["errors"][0]
        assert (error["line"], error["column"], error["value"]) == (3, "Company", "B\ufffd")
        assert "NUL" in error["reason"]


def test_a_file_that_is_no_text_names_the_line(app) -> None:
    with pytest.raises(UnusableInputError, match="line 2 holds control characters"):
        try_out("companies", b"Company;City\n\x00\x01\x02;\n")


def test_letters_that_turn_the_reading_direction_are_left_out_and_counted(app) -> None:
    answer = bring("companies", "Company;City\nevil\u202eknab.exe;Bonn\n\u2067Bo\u2069;Cork\n")
    assert names() == ["evilknab.exe", "Bo"]
    assert [told for told in answer["warnings"] if "left out of 2 rows (line 2, 3)" in told]
    assert counts(bring("companies", "Company\nBo\n")) == (1, 0, 0, 1, 0)


def test_the_work_type_of_imported_time_is_found_by_name_or_kept(app) -> None:
    with unit_of_work():
        make.set_up_agency()
        remote = add_work_type(actor=ACTOR, name="Remote support").id
    text_ = (
        "Firm;Technician;Date worked;Hrs;Service\n"
        "Bo;Ada;2026-05-04;1;remote  SUPPORT\nBo;Ada;2026-05-05;1;Magic\nBo;Ada;2026-05-06;1;\n"
    )
    assert counts(bring("time", text_)) == (3, 3, 0, 0, 0)
    entries = db.session.scalars(select(TimeEntry).order_by(TimeEntry.work_date)).all()
    assert [entry.work_type_id for entry in entries] == [remote, None, None]
    assert [entry.extra for entry in entries] == [{}, {"Service": "Magic"}, {}]
    headers, rows = exports.entries()
    again = b"".join(csv_stream(headers, rows))
    assert counts(bring("time", again)) == (3, 0, 0, 3, 0)


def test_what_is_only_created_leaves_all_that_is_there_alone(app) -> None:
    bring("companies", "Company;Ref;Phone;Contact email\nTop;t;1;\nOld;o;2;\n")
    text_ = (
        "Company;Ref;Phone;Parent;Contact email\n"
        "Old;o;9;Top;eve@x.org\nNew;n;3;Top;bo@x.org\nNew;n;4;Top;\nLost;l;5;Nowhere;\n"
    )
    assert counts(try_out("companies", text_, mode="create")) == (4, 1, 1, 1, 1)
    assert counts(bring("companies", text_, mode="create")) == (4, 1, 1, 1, 1)
    found = {company.name: company for company in db.session.scalars(select(Company))}
    assert (found["Old"].phone, found["Old"].parent_id, found["Old"].version) == ("2", None, 1)
    assert (found["New"].phone, found["New"].parent_id) == ("4", found["Top"].id)
    assert list(db.session.scalars(select(Contact.name))) == ["bo@x.org"]


def test_what_is_only_updated_makes_nothing(app) -> None:
    bring("companies", "Company;Ref;Phone\nOld;o;2\n")
    text_ = "Company;Ref;Phone\nOld;o;9\nNew;n;3\nNew;n;4\n"
    assert counts(try_out("companies", text_, mode="update")) == (3, 0, 1, 0, 2)
    answer = bring("companies", text_, mode="update")
    assert counts(answer) == (3, 0, 1, 0, 2)
    assert {error["reason"] for error in answer["errors"]} == {plan.ABSENT}
    assert names() == ["Old"]
    time = bring("time", "Client;User;Date;Hours\nNobody;Ada;2026-05-04;1\n", mode="update")
    assert (counts(time), time["companies_created"]) == ((1, 0, 0, 0, 1), 0)
    assert names() == ["Old"]


def test_empty_cells_clear_where_that_is_chosen_and_undo_brings_it_back(app) -> None:
    bring("companies", "Company;Ref;Phone;Notes;Sector\nA;1;11;hello;x\n")
    before = list(exports_of_companies())
    text_ = "Company;Ref;Phone;Notes;Sector\nA;1;;;\nA;1;11;;\nB;2;;;\n"
    assert counts(try_out("companies", text_, empty="clear")) == (3, 1, 2, 0, 0)
    answer = bring("companies", text_, empty="clear")
    assert counts(answer) == (3, 1, 2, 0, 0)
    first, second = db.session.scalars(select(Company).order_by(Company.id))
    assert (first.phone, first.notes, first.extra) == ("11", "", {})
    assert (second.phone, second.extra) == (None, {})
    assert counts(bring("companies", text_, empty="clear"))[1] == 0
    take_back(answer["batch"])
    assert list(exports_of_companies()) == before


def test_languages_come_in_go_out_and_are_taken_back(app) -> None:
    """Of companies and contacts; one that clients cannot read is an extra field, and told."""
    bring("companies", "Company;Sprache\nA;Deutsch\nB;\n")
    assert counts(bring("companies", b"".join(exports_of_companies()))) == (2, 0, 0, 2, 0), (
        "out and in is no change"
    )
    answer = bring("companies", "Company;Language\nA;fr-CA\nB;English\nC;Klingon\n")
    assert counts(answer) == (3, 1, 2, 0, 0)
    assert "The language of 1 row (line 4) is none that clients can read" in str(answer["warnings"])
    klingon = db.session.scalars(select(Company).where(Company.name == "C")).one()
    assert (klingon.language, klingon.extra) == (None, {"Language": "Klingon"})
    languages = select(Company.name, Company.language).order_by(Company.name)
    assert db.session.execute(languages).all() == [("A", "fr"), ("B", "en"), ("C", None)]
    take_back(answer["batch"])
    assert db.session.execute(languages).all() == [("A", "de"), ("B", None)]
    bring("contacts", "Name;Email;Company;Idioma\nAna;ana@x.org;A;español\n")
    told = bring("contacts", "Name;Email;Company;locale\nAna;ana@x.org;A;de_DE\n")
    assert counts(told) == (1, 0, 1, 0, 0)
    assert db.session.scalars(select(Contact.language)).one() == "de"
    take_back(told["batch"])
    assert db.session.scalars(select(Contact.language)).one() == "es"


def exports_of_companies():
    headers, rows = companies.companies()
    return csv_stream(headers, rows)
