"""What an import of time asks to be looked at."""

from datetime import UTC, datetime

from app.core import clock
from tests.imports.bring import counts, try_out


def test_rows_of_days_to_come_are_named(app):
    file = (
        "Person,Client,Date,Hours\n"
        "Ada,Fjord,2026-03-10,1\nAda,Fjord,2026-03-11,1\nAda,Fjord,2026-12-03,2\n"
    )
    with clock.frozen(datetime(2026, 3, 10, 12, tzinfo=UTC)):
        answer = try_out("time", file)
        assert counts(answer) == (3, 3, 0, 0, 0)
        (told,) = answer["warnings"]
    assert told.startswith("The day of 1 row (line 4) lies in the future")
