"""Cells mean what they say; what cannot be read is refused with a reason, never guessed."""

import re
import unicodedata
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import RuleError
from app.core.language import OFFERED
from app.imports import moments, shape, values


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ACME Ltd", "acme  ltd ", True),
        ("ACME\u00a0Ltd", " acme ltd\u00a0", True),
        ("Café", "Cafe\u0301", True),
        ("STRASSE 1", "Straße 1", True),
        ("\ufeffACME", "acme", True),
        ("ACME Ltd", "ACME Ltd.", False),
        ("Area 5²", "Area 52", False),
    ],
)
def test_names_are_folded_for_comparing(one: str, other: str, same: bool) -> None:
    assert (values.fold_name(one) == values.fold_name(other)) is same


@given(st.text())
def test_folding_is_stable(text: str) -> None:
    folded = values.fold_name(text)
    assert values.fold_name(folded) == folded
    assert values.fold_name(unicodedata.normalize("NFD", text)) == folded
    assert values.fold_name(f" \u00a0{text}\t") == folded


@pytest.mark.parametrize(
    ("reader", "text", "expected"),
    [
        (values.currency, " eur ", "EUR"),
        (values.currency, "Euro - EUR", "EUR"),
        (values.currency, "BSD", "BSD"),
        (values.country, "de", "DE"),
        (values.country, "DEU", "DE"),
        (values.country, "Deutschland", "DE"),
        (values.country, "Pays-Bas", "NL"),
        (values.country, "Países Bajos", "NL"),
        (values.country, "Bahamas", "BS"),
        (values.country, "United States", "US"),
        (values.country, "USA", "US"),
        (values.country, "Czech Republic", "CZ"),
        (values.zone, "europe/amsterdam", "Europe/Amsterdam"),
        (values.zone, "UTC", "UTC"),
        (values.language, "de", "de"),
        (values.language, "de_AT", "de"),
        (values.language, "English (US)", "en"),
        (values.language, " Français ", "fr"),
        (values.language, "Französisch", "fr"),
        (values.language, "inglés", "en"),
        (values.language, "SPA", "es"),
        (values.email, " Ana@Example.COM ", "ana@example.com"),
        (values.phone, "0049 30 123", "0049 30 123"),
        (values.is_true, "Ja", True),
        (values.is_true, "Non", False),
        (values.is_true, "Sí", True),
        (values.is_true, "non-billable", False),
        (values.decimal, "1.234,50", Decimal("1234.50")),
        (values.decimal, "1,234.5", Decimal("1234.5")),
        (values.decimal, "1.234.567", Decimal(1234567)),
        (values.decimal, "-0,01", Decimal("-0.01")),
        (values.days, "Net 30", 30),
        (values.days, "Due on Receipt", 0),
        (values.tidy, "\u00a0NULL ", "NULL"),
    ],
)
def test_values_that_are_understood(reader, text, expected) -> None:
    assert reader(text) == expected


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (values.currency, "XYZ"),
        (values.currency, "EUR or USD"),
        (values.country, "Atlantis"),
        (values.zone, "Mars/Base"),
        (values.zone, "localtime"),
        (values.zone, "right/Europe/Paris"),
        (values.currency, "HRK"),  # withdrawn: no invoice can be written in it
        (values.language, "Klingon"),
        (values.language, "nl-NL"),
        (values.email, "nobody"),
        (values.email, "a@b"),
        (values.email, "a b@c.de"),
        (values.phone, "4.93012E+11"),
        (values.phone, "4,9E+11"),
        (values.is_true, "maybe"),
        (values.decimal, "1,2,3.4.5"),
        (values.decimal, "ten"),
        (values.days, "soon"),
        (moments.seconds, "-1:00"),
        (moments.seconds, "-0.5"),
        (moments.seconds, "1:75"),
        (moments.seconds, "lunch"),
        (partial(moments.seconds, unit="seconds"), "3,600"),  # an hour, or four seconds
        (partial(moments.seconds, unit="minutes"), "1.440"),
        (moments.time_of_day, "25:00"),
        (moments.time_of_day, "13:00 PM"),
        (moments.time_of_day, "7"),
    ],
)
def test_values_that_are_refused_with_a_reason(reader, text) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        reader(text)


def test_every_language_of_clients_is_read_by_code_and_own_name() -> None:
    assert values.LANGUAGES.keys() == OFFERED.keys()
    with pytest.raises(ValueError, match="no language of clients") as refused:
        values.language("xx")
    for code, name in OFFERED.items():
        assert values.language(code.upper()) == values.language(name) == code
        assert re.search(rf"\b{code}\b", str(refused.value))


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("01:04:00", "hours", 3840),
        ("00:00:02", "hours", 2),
        ("1:30", "hours", 5400),
        ("27:00:00", "hours", 97200),
        ("0,01", "hours", 36),
        ("20,0", "hours", 72000),
        ("0.333", "hours", 1199),
        (".5", "hours", 1800),
        ("1h 30m", "hours", 5400),
        ("90 min", "hours", 5400),
        ("1,5 Std", "hours", 5400),
        ("90", "minutes", 5400),
        ("90", "seconds", 90),
    ],
)
def test_lengths_of_time(text: str, unit: str, expected: int) -> None:
    assert moments.seconds(text, unit) == expected


@given(st.integers(0, 86_400 * 3))
def test_a_length_of_time_survives_writing(total: int) -> None:
    text = f"{total // 3600:02}:{total // 60 % 60:02}:{total % 60:02}"
    assert moments.seconds(text) == total


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10:23:52 AM", time(10, 23, 52)),
        ("12:00 am", time(0)),
        ("12:05 p.m.", time(12, 5)),
        ("2pm", time(14)),
        ("14h05", time(14, 5)),
        ("23:59:59", time(23, 59, 59)),
        ("8:30 Uhr", time(8, 30)),
    ],
)
def test_times_of_day(text: str, expected: time) -> None:
    assert moments.time_of_day(text) == expected


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2024-03-04", "mdy", date(2024, 3, 4)),
        ("03/04/2024", "dmy", date(2024, 4, 3)),
        ("03/04/2024", "mdy", date(2024, 3, 4)),
        ("29-02-2016", "dmy", date(2016, 2, 29)),
        ("4.3.24", "mdy", date(2024, 3, 4)),
        ("4. März 2024", "dmy", date(2024, 3, 4)),
        ("4 août 2024", "dmy", date(2024, 8, 4)),
        ("4 de mayo de 2024", "dmy", date(2024, 5, 4)),
        ("Mar 4, 2024", "dmy", date(2024, 3, 4)),
        ("04-Dec-2024", "dmy", date(2024, 12, 4)),
    ],
)
def test_dates(text: str, order: str, expected: date) -> None:
    assert moments.local_date(text, order) == expected


@pytest.mark.parametrize("text", ["13/15/2024", "30-02-2024", "45000", "yesterday", "2024-13-01"])
def test_dates_that_do_not_exist(text: str) -> None:
    with pytest.raises(ValueError, match="date"):
        moments.local_date(text, "dmy")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-04T09:23:52Z", datetime(2024, 3, 4, 9, 23, 52, tzinfo=UTC)),
        ("2024-03-04 10:23:52+01:00", datetime(2024, 3, 4, 9, 23, 52, tzinfo=UTC)),
        ("29-02-2016 06:38", datetime(2016, 2, 29, 5, 38, tzinfo=UTC)),
        ("2024-07-01 12:00:00.250", datetime(2024, 7, 1, 10, tzinfo=UTC)),
        ("2024-03-31 02:30", datetime(2024, 3, 31, 1, 30, tzinfo=UTC)),
        ("04/03/2024, 2:05 PM", datetime(2024, 3, 4, 13, 5, tzinfo=UTC)),
    ],
)
def test_moments_are_kept_in_utc(text: str, expected: datetime) -> None:
    assert moments.moment(text, "dmy", ZoneInfo("Europe/Amsterdam")) == expected


def test_a_day_whose_midnight_clocks_skip_is_read_where_no_time_is_told() -> None:
    santiago = ZoneInfo("America/Santiago")
    read = partial(moments.moment, order="dmy", zone=santiago, refuse_skipped=True)
    assert read("2026-09-06") == datetime(2026, 9, 6, 4, tzinfo=UTC)
    with pytest.raises(ValueError, match="clocks skip 00:00"):
        read("2026-09-06 00:00")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["03/04/2024", "15/04/2024"], "dmy"),
        (["03/04/2024", "04/15/2024"], "mdy"),
        (["13/15/2024", "10/15/2024"], "mdy"),
        (["29-02-2016 06:38", "02-03-2016 12:06"], "dmy"),
        (["2024-03-04", ""], "dmy"),
        (["03.04.2024"], "dmy"),
        (["05/05/2024"], "dmy"),
    ],
)
def test_the_order_of_dates_is_decided_by_all_of_them(cells, expected) -> None:
    order = moments.DateOrder()
    for line, cell in enumerate(cells, start=2):
        order.see(line, cell)
    assert order.settle() == expected


@pytest.mark.parametrize(
    "cells", [["03/04/2024"], ["03/04/2024", "13/01/2024", "01/13/2024"]], ids=["either", "both"]
)
def test_dates_that_stay_open_are_asked_for(cells) -> None:
    order, told = moments.DateOrder(), moments.DateOrder("mdy")
    for line, cell in enumerate(cells, start=2):
        order.see(line, cell)
        told.see(line, cell)
    with pytest.raises(RuleError, match="--date-order"):
        order.settle()
    assert told.settle() == "mdy"


def test_ragged_rows() -> None:
    assert shape.fit(["a", "b"], 2, frozenset({0})) == (["a", "b"], 0)
    assert shape.fit(["a"], 3, frozenset({0})) == (["a", "", ""], 2)
    with pytest.raises(ValueError, match="3 cells, the header 2"):
        shape.fit(["a", "b", "c"], 2, frozenset())
    with pytest.raises(ValueError, match="needs is missing"):
        shape.fit(["a"], 2, frozenset({1}))
    assert shape.repeats_header(["Name", "City "], ("Name", "City"))
    assert not shape.repeats_header(["ACME", "City"], ("Name", "City"))


def test_every_country_of_the_real_files_is_known(shared_data) -> None:
    for name, codec in (
        ("companies_cp1250_tab.txt", "cp1250"),
        ("companies_utf8_semicolon.csv", "utf-8"),
    ):
        text = (shared_data / "companies-gleif" / name).read_text(codec)
        mark = "\t" if codec == "cp1250" else ";"
        codes = {row.split(mark)[1] for row in text.splitlines()[1:]}
        assert {values.country(code) for code in codes} == codes


@pytest.mark.parametrize(
    ("text", "term"), [("30", 30), ("Net 30", 30), ("NET-30", 30), ("Due on receipt", 0)]
)
def test_a_payment_term_is_days(text, term):
    assert values.days(text) == term


@pytest.mark.parametrize("text", ["-7", " -7 days", "\u22127", "Net -30", "2/10 net 30", "soon"])
def test_what_is_no_payment_term_is_refused(text):
    with pytest.raises(ValueError, match="unknown payment term"):
        values.days(text)
