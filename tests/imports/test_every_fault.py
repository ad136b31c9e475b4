"""A refused row tells all that is wrong with it at once, each fault by its column."""

import pytest

from app.imports.reasons import by_header
from tests.imports.bring import try_out

LONG = "x" * 301

ROWS = {
    "companies": ("Company;Currency;Email;Ref", f";ZZZ;no-mail;{LONG}", 4),
    "contacts": (
        "Name;Email;Phone;Time zone;External ID;Company",
        f"{LONG};no-mail;1.2E+10;Atlantis;{LONG};{LONG}",
        6,
    ),
    "time": (
        "User;Email;Client;Start date;Start time;Duration;Billable;Project;Task",
        f";no-mail;{LONG};31.02.2024;25:00;-1;perhaps;{LONG};{LONG}",
        8,
    ),
    "tickets": (
        "Number;Subject;Status;Priority;Opened;Resolved;Caller email;Company",
        f"7;{LONG};sleeping;purple;someday;never;no-mail;{LONG}",
        7,
    ),
}


@pytest.mark.parametrize("kind", ROWS)
def test_every_wrong_cell_of_a_row_is_told_at_once(app, kind) -> None:
    header, row, wrong = ROWS[kind]
    answer = try_out(kind, f"{header}\n{row}\n", date_order="dmy")
    (error,) = answer["errors"]
    told = by_header(header.split(";"), error["column"], error["reason"])
    assert len(told) == wrong, told
    assert all(told.values())


def test_the_span_of_a_row_tells_what_is_missing_at_once(app) -> None:
    answer = try_out("time", "User;Client;Date;Hours\nAna;A;;\n")
    (error,) = answer["errors"]
    assert "how long it took is missing" in error["reason"]
    assert "Date: when it was worked is missing" in error["reason"]
