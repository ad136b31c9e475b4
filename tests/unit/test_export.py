"""Exports: typed, streamed, and text that could begin a formula stays text."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from zipfile import ZipFile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import export, formulas

PREFIXES = ("=", "+", "-", "@", "|", "%", "\t", "\r", "＝", "＋", "－", "＠")
ATTACK = "cmd|' /C calc'!A0"


def read_csv(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def written_csv(headers, rows) -> list[list[str]]:
    return read_csv(b"".join(export.csv_stream(headers, rows)))


def written_xlsx(headers, rows) -> list[list[object]]:
    with export.xlsx_file(headers, rows) as file:
        book = openpyxl.load_workbook(io.BytesIO(file.read()))
    return [list(row) for sheet in book for row in sheet.iter_rows(values_only=True)]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("before", ["", " ", "\u00a0"])
def test_text_that_begins_a_formula_is_guarded_in_cells_headers_and_lists(prefix, before):
    text = f"{before}{prefix}{ATTACK}"
    rows = written_csv([text], [[text], [["a", text]], [[text, "b"]]])
    guarded = [rows[0][0], rows[1][0], rows[3][0]]
    assert all(cell.startswith("'") for cell in guarded)
    assert formulas.unguarded(rows[1][0]) == text
    assert rows[2][0] == f"a; {text}"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_workbook_holds_no_formula_and_no_link(prefix):
    text = f"{prefix}{ATTACK}"
    with export.xlsx_file([text, "link"], [[text, "https://example.com/"]]) as file:
        data = io.BytesIO(file.read())
    with ZipFile(data) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    book = openpyxl.load_workbook(data)
    assert {cell.data_type for row in book.active.iter_rows() for cell in row} <= {"s", "inlineStr"}


def test_figures_stay_figures_and_dates_stay_dates():
    at = datetime(2026, 3, 31, 14, 5, tzinfo=UTC)
    row = [-5, Decimal("-1147.50"), date(2026, 3, 31), at, True, None, ["a", "b"]]
    headers = list("abcdefg")
    told = written_csv(headers, [row])[1]
    assert told == ["-5", "-1147.50", "2026-03-31", "2026-03-31T14:05:00+00:00", "yes", "", "a; b"]
    cells = written_xlsx(headers, [row])[1]
    assert cells[:3] == [-5, -1147.5, datetime(2026, 3, 31)]
    assert cells[3] == datetime(2026, 3, 31, 14, 5)
    assert cells[4:] == ["yes", None, "a; b"]


def test_a_cell_with_a_foreign_delimiter_stays_one_quoted_cell():
    line = b"".join(export.csv_stream(["h"], [["a;=1+1"]])).decode("utf-8-sig").splitlines()[1]
    assert line == '"a;=1+1"'


@given(st.text())
def test_a_guarded_text_reads_back_as_it_was(text):
    assert formulas.unguarded(formulas.guarded(text)) == text


@given(st.sampled_from(PREFIXES), st.text())
def test_what_was_guarded_never_begins_a_formula(prefix, text):
    assert formulas.guarded(prefix + text).startswith("'")


def test_controls_and_lone_surrogates_are_left_out():
    assert written_csv(["h"], [["a\x00\x07\ud800b"]])[1] == ["ab"]
    assert written_xlsx(["h"], [["a\x00\x07\ud800b"]])[1] == ["ab"]


def test_a_long_text_is_cut_in_a_workbook_and_says_so():
    text = written_xlsx(["h"], [["x" * 40_000]])[1][0]
    assert len(text) == export.MOST_TEXT
    assert text.endswith("[cut]")
    assert written_csv(["h"], [["x" * 40_000]])[1] == ["x" * 40_000]


def test_more_rows_than_a_sheet_holds_go_on_in_the_next(monkeypatch):
    monkeypatch.setattr(export, "MOST_ROWS", 11)
    with export.xlsx_file(["h"], ([number] for number in range(25))) as file:
        book = openpyxl.load_workbook(io.BytesIO(file.read()))
    assert [sheet.max_row for sheet in book] == [11, 11, 6]


def test_a_csv_leaves_in_pieces():
    pieces = export.csv_stream(["h"], (["x" * 1000] for _ in range(1000)))
    first = next(pieces)
    assert export.CHUNK < len(first) < 2 * export.CHUNK


def test_a_download_is_named_and_typed():
    response = export.download("csv", 'a "b"\r\nc', ["h"], [["é"]])
    assert response.mimetype == "text/csv"
    assert "attachment" in response.headers["Content-Disposition"]
    assert "\n" not in response.headers["Content-Disposition"]
    assert read_csv(response.get_data()) == [["h"], ["é"]]
