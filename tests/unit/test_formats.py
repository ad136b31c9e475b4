"""The house style of figures: one way everywhere, no digit lost, nothing that breaks in two."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import filters, formats
from app.core.money import EXPONENTS, to_minor
from app.imports import values
from reports import frames, theme
from reports.receivables import receivables_by_age
from reports.workload import hours_by_billability


def test_countries_are_offered_by_name_and_all_understood():
    assert ("NO", "Norway") in formats.countries()
    assert formats.country("NO") == "Norway"
    assert formats.country("") == ""
    codes = {code for code, _ in formats.countries()}
    assert {values.country(code) for code in codes} == codes


def test_amounts_stand_behind_their_currency_with_thousands_apart():
    assert formats.amount(1234567, "EUR") == "EUR\u00a012,345.67"
    assert formats.amount(-1234567, "JPY") == "JPY\u00a0−1,234,567"
    assert formats.money(5, "KWD") == "0.005"
    assert formats.money(99999, "EUR") == "999.99"


def test_counts_hours_and_rates_are_written_alike():
    assert formats.grouped(1234567) == "1,234,567"
    assert formats.grouped(Decimal("-1234.5")) == "−1,234.5"
    assert formats.hours(1234 * 3600 + 90) == "1,234:01"
    assert formats.exact_hours(1234 * 3600 + 90) == "1,234:01:30"
    assert formats.price(Decimal(1250), "EUR") == "1,250.00"
    assert formats.price(Decimal("0.0125"), "EUR") == "0.0125"
    assert formats.price(None, "EUR") == ""


def test_a_rate_of_nothing_is_written_and_no_rate_is_not():
    assert filters.price(Decimal(0), "EUR") == "0.00"
    assert filters.price("0.00", "EUR") == "0.00"
    assert (filters.price("", "EUR"), filters.price(None, "EUR")) == ("", "")


def test_letters_have_months_in_full():
    days = {code: formats.long_day(date(2026, 4, 30), code) for code in ("en", "de", "fr", "es")}
    assert days == {
        "en": "30 April 2026",
        "de": "30. April 2026",
        "fr": "30 avril 2026",
        "es": "30 de abril de 2026",
    }
    assert formats.long_day(date(2026, 4, 1), "fr") == "1er avril 2026"
    assert formats.day(date(2026, 4, 1), "fr") == "1er avr. 2026"
    assert formats.day(date(2026, 4, 11), "fr") == "11 avr. 2026"


def test_an_instant_is_a_day_and_a_clock_of_24_hours_in_a_zone():
    at = datetime(2026, 11, 22, 12, 1, tzinfo=UTC)
    codes = ("en", "en-XA", "de", "fr", "es")
    said = {code: formats.instant(at, "Europe/Berlin", code) for code in codes}
    assert said["en"] == "22 Nov 2026, 13:01"
    assert said["de"] == "22. Nov. 2026, 13:01"
    assert said["fr"] == "22 nov. 2026, 13:01"
    assert said["es"] == "22 nov 2026, 13:01"
    assert said["en-XA"].endswith(" 2026, 13:01")
    said = {code: formats.long_instant(at, "Europe/Berlin", code) for code in codes}
    assert said["en"] == "22 November 2026, 13:01"
    assert said["de"] == "22. November 2026, 13:01"
    assert said["fr"] == "22 novembre 2026 à 13:01"
    assert said["es"] == "22 de noviembre de 2026, 13:01"
    assert formats.instant(at, "Pacific/Kiritimati") == "23 Nov 2026, 02:01"
    assert formats.instant(None) == "–"
    assert formats.time_of_day(at, "Asia/Kolkata", "de") == "17:31"
    assert formats.typed_instant(at, "Europe/Berlin") == "2026-11-22T13:01"
    assert formats.typed_instant(None, "UTC") == ""


@pytest.mark.parametrize(
    ("language", "day", "euros", "dinars"),
    [
        ("en", "5 Mar 2026", "1,234,567.89", "1,234.567"),
        ("de", "5. März 2026", "1.234.567,89", "1.234,567"),
        ("fr", "5 mars 2026", "1\u202f234\u202f567,89", "1\u202f234,567"),
        ("es", "5 mar 2026", "1.234.567,89", "1.234,567"),
        ("sv", "5 mars 2026", "1\u00a0234\u00a0567,89", "1\u00a0234,567"),
        ("de-CH", "5. März 2026", "1’234’567.89", "1’234.567"),
    ],
)
def test_a_language_changes_the_signs_and_the_names_of_months(language, day, euros, dinars):
    assert formats.day(date(2026, 3, 5), language) == day
    assert formats.money(123456789, "EUR", language) == euros
    assert formats.money(1234567, "KWD", language) == dinars
    yen = formats.money(-1234567, "JPY", language)
    assert yen == "−" + euros[:-3], "without decimals, behind a minus sign"
    assert formats.hours(1234 * 3600, language) == euros[:5] + ":00"


def test_files_have_a_size_in_whole_kilobytes_or_tenths_of_megabytes():
    assert [formats.size(octets) for octets in (9, 1500, 999_999)] == ["1 kB", "2 kB", "1000 kB"]
    assert formats.size(25_350_000, "de") == "25,4 MB"


@given(st.integers(-(10**15), 10**15), st.sampled_from(sorted(EXPONENTS)))
def test_an_amount_reads_back_to_the_last_unit_and_never_breaks(minor, currency):
    written = formats.amount(minor, currency)
    code, _, digits = written.partition(formats.NO_BREAK)
    plain = digits.replace(",", "").replace(formats.MINUS, "-")
    assert (code, to_minor(plain, currency)) == (currency, minor)
    assert " " not in written


def test_charts_say_what_pages_say():
    hover = receivables_by_age(
        frames.AGEING.frame([("1-30", 1234567, 2)]), currency="EUR", exponent=2
    )
    texts = [mark.text for mark in hover.marks]
    assert formats.amount(1234567, "EUR") in texts
    assert formats.amount(1234567, "EUR") in hover.takeaway
    seconds = 1234 * 3600 + 90
    worked = hours_by_billability(frames.HOURS.frame([("a", seconds, 0)]), {"a": "March"})
    assert worked.series[0].marks[0].text == f"{formats.exact_hours(seconds)} h"
    for name in ("light", "dark"):
        assert theme.template(name)["layout"]["separators"] == ".,"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ada <b>Bold</b>", "AB"),
        ("mira Kovač", "MK"),
        ("Ann Mary (Sales) Øst", "AØ"),
        ("“Bo”", "B"),
        ("3com", "3"),
        ("<> --", "?"),
        ("", "?"),
    ],
)
def test_initials_are_letters_and_digits_alone(name, shown):
    assert formats.initials(name) == shown
