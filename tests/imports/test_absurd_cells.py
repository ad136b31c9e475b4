"""A cell that no field can hold refuses its row, by line, column and value; the others come in."""

import pytest

from app.core.db import unit_of_work
from tests import factories as make
from tests.imports.bring import bring, counts, try_out

DIGITS = "9" * 5_000
EARLY, LATE = "0001-01-01 00:00:00+14:00", "9999-12-31T23:59:59-14:00"
TIME = {"Person": "Ana", "Client": "Bo", "Date": "2026-03-04", "Hours": "1"}
SPAN = {"Person": "Ana", "Client": "Bo", "Start": "2026-03-04 10:00", "End": "2026-03-04 11:00"}
TICKET = {"Number": "7", "Subject": "Printer", "Client": "Bo", "Opened": "2026-03-04 10:00"}
OWN_COMPANY = {"Name": "Bo", "Tallydesk id": ""}
OWN_TIME = {**TIME, "Tallydesk id": "", "Billable seconds": ""}

ABSURD = [
    ("companies", OWN_COMPANY, "Tallydesk id", DIGITS),
    ("companies", OWN_COMPANY, "Tallydesk id", "9" * 20),
    ("companies", {"Name": "Bo", "Payment terms": "30"}, "Payment terms", f"net {DIGITS}"),
    ("time", OWN_TIME, "Tallydesk id", DIGITS),
    ("time", OWN_TIME, "Tallydesk id", "9" * 20),
    ("time", OWN_TIME, "Billable seconds", DIGITS),
    *(
        ("time", TIME, "Hours", figure)
        for figure in (DIGITS, "9" * 40, f"{DIGITS}m", "9" * 30 + " min", "99999999h", "9" * 25)
    ),
    *(("time", SPAN, column, at) for column in ("Start", "End") for at in (EARLY, LATE)),
    *(("tickets", TICKET, "Opened", at) for at in (EARLY, LATE, "9999-12-31T23:59:59Z")),
]


@pytest.mark.parametrize(
    ("kind", "row", "column", "value"),
    ABSURD,
    ids=[f"{kind}-{column}-{value[:14]}-{len(value)}" for kind, _, column, value in ABSURD],
)
def test_a_cell_that_no_field_can_hold_refuses_its_row(app, kind, row, column, value):
    with unit_of_work():
        make.set_up_agency()
    lines = [row, {**row, column: value}]
    content = "\n".join(",".join(each) for each in (row, *(line.values() for line in lines)))
    told = try_out(kind, content)
    assert counts(told) == (2, 1, 0, 0, 1)
    (refused,) = told["errors"]
    assert (refused["line"], refused["column"]) == (3, column)
    assert refused["value"] == value[:200]
    assert "limit" not in refused["reason"]
    assert counts(bring(kind, content)) == (2, 1, 0, 0, 1)


def test_digits_of_other_scripts_are_figures(app):
    with unit_of_work():
        make.set_up_agency()
    row = {**OWN_TIME, "Billable seconds": "٣٦٠٠"}
    answer = bring("time", "\n".join((",".join(row), ",".join(row.values()))))
    assert counts(answer) == (1, 1, 0, 0, 0)


@pytest.mark.parametrize(
    "row",
    [
        {**OWN_TIME, "Billable seconds": "1800"},
        {**OWN_TIME, "Billable seconds": "0"},
        {**TIME, "Person": "ß" * 200},
    ],
    ids=["part", "none", "letters that grow"],
)
def test_what_the_dry_run_takes_the_database_takes(app, row):
    with unit_of_work():
        make.set_up_agency()
    content = "\n".join((",".join(row), ",".join(row.values())))
    assert counts(try_out("time", content)) == counts(bring("time", content)) == (1, 1, 0, 0, 0)
