"""A file's own way of writing is found, and every row knows the line where it begins."""

import csv
import io
import json
import re
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import UnusableInputError
from app.imports import dialect as dialects
from app.imports import mapping
from app.imports.values import fold_name


def read(raw: bytes | str, kind: str = "companies", **chosen):
    stream = io.BytesIO(raw if isinstance(raw, bytes) else raw.encode())
    found = dialects.sniff(stream, is_known=partial(mapping.knows, kind), **chosen)
    return found, list(dialects.rows(stream, found))


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_usual_dialect(mark: str, end: str, codec: str) -> None:
    text = end.join([f"Firma{mark}PLZ{mark}Ort", f"Müller{mark}01067{mark}Dresden", ""])
    found, rows = read(text.encode(codec))
    assert (found.delimiter, found.header_line, found.line_end) == (mark, 1, end)
    assert found.headers == ("Firma", "PLZ", "Ort")
    assert rows == [(2, ["Müller", "01067", "Dresden"])]


def test_line_breaks_in_cells_and_blank_rows_keep_the_physical_lines() -> None:
    _, rows = read('Name,City\r\n"A\r\nB","x"\r\n\r\n,\r\nC,y\r\n')
    assert rows == [(2, ["A\r\nB", "x"]), (6, ["C", "y"])]


def test_titles_above_the_header_are_passed_over() -> None:
    text = 'Report,2024-01-01\n"",""\nCUSTOMERS,\nCompany,City,Phone,Phone\nACME,Bonn,1,2\n'
    found, rows = read(text)
    assert found.header_line == 4
    assert found.headers == ("Company", "City", "Phone", "Phone (2)")
    assert found.repeated == ("Phone (2)",)
    assert rows == [(5, ["ACME", "Bonn", "1", "2"])]


def test_a_header_of_unknown_words_is_the_first_full_row() -> None:
    found, rows = read("My list\nFoo;Bar;Baz\n1;2;3\n4;5;6\n")
    assert (found.delimiter, found.header_line, len(rows)) == (";", 2, 2)


def test_decimal_commas_do_not_make_a_comma_file() -> None:
    found, _ = read("Datum;Kunde;Stunden\n1.3.2024;A;1,5\n2.3.2024;B;2,25\n", "time")
    assert found.delimiter == ";"


def test_one_column_of_names_with_commas() -> None:
    _, rows = read("Company\nFoo, Inc.\nBar, Ltd.\n")
    assert [cells for _, cells in rows] == [["Foo, Inc."], ["Bar, Ltd."]]


def test_excel_names_its_delimiter() -> None:
    found, rows = read("sep=;\r\nCompany;City\r\nA, B;Bonn\r\n")
    assert (found.delimiter, found.header_line) == (";", 2)
    assert rows == [(3, ["A, B", "Bonn"])]


def test_backslashes_are_text_unless_they_protect_quotes() -> None:
    _, rows = read('Name,Note\n"C:\\dir\\\\\\","a ""quoted"" word"\n')
    assert rows[0][1] == ["C:\\dir\\\\\\", 'a "quoted" word']
    found, rows = read('Name,Note,City\n"The \\"Old, Inn\\"",a,b\n"Plain",c,d\n')
    assert found.escape == "\\"
    assert rows[0][1] == ['The "Old, Inn"', "a", "b"]


def test_a_header_line_and_marks_can_be_chosen() -> None:
    raw = b"Company,City\nName,Ort\nACME,Bonn\n"
    found, _ = read(raw)
    moved = dialects.at_header(io.BytesIO(raw), found, 2)
    assert moved.headers == ("Name", "Ort")
    assert list(dialects.rows(io.BytesIO(raw), moved)) == [(3, ["ACME", "Bonn"])]
    assert dialects.banner(io.BytesIO(raw), moved) == [(1, ["Company", "City"])]
    with pytest.raises(UnusableInputError, match="Line 9"):
        dialects.at_header(io.BytesIO(raw), found, 9)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'Name,City\nA,x\n"B,y\nC,z\n', "Line 3: a quotation mark opens"),
        (b'Name,City\nA,"x', "Line 2: a quotation mark opens"),
        (b"Name\n" + b"a" * 200_000 + b"\n", "Line 2: a cell is longer"),
    ],
)
def test_unreadable_rows_stop_the_file_and_name_the_line(raw: bytes, reason: str) -> None:
    with pytest.raises(UnusableInputError, match=reason):
        read(raw)


def test_bytes_that_the_chosen_encoding_lacks_are_refused() -> None:
    with pytest.raises(UnusableInputError, match="not utf-8 throughout"):
        read("Name\nMüller\n".encode("cp1252"), encoding="utf-8")


FOLDERS = ["companies-gleif", "companies-sp500", "accounting-exports"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_figures_of_the_real_files(shared_data, folder: str) -> None:
    expected = json.loads((shared_data / folder / "expected.json").read_text("utf-8"))
    for name, figures in expected.items():
        raw = (shared_data / folder / name).read_bytes()
        found, rows = read(raw)
        mark = "\t" if figures["delimiter"] == "TAB" else figures["delimiter"]
        headers = [header.removesuffix(" (2)") for header in found.headers]
        assert found.encoding == figures["encoding"].removesuffix("-sig"), name
        assert (found.delimiter, headers) == (mark, figures["header"]), name
        assert len(rows) == figures["data_rows"], name
        assert [rows[0][1], rows[-1][1]] == [figures["first_row"], figures["last_row"]], name
        at = headers.index(figures["name_column"])
        names = [cells[at] for _, cells in rows]
        assert len(set(names)) == figures["distinct_names_exact"], name
        folded = len(set(map(fold_name, names)))
        assert folded == figures["distinct_names_casefold_collapsed"], name


def test_the_real_time_and_ticket_exports_are_even(shared_data) -> None:
    for path in sorted((shared_data / "time-exports").glob("*.csv")):
        found, rows = read(path.read_bytes(), "time")
        assert (found.delimiter, found.header_line) == (",", 1), path.name
        short = [line for line, cells in rows if len(cells) != len(found.headers)]
        assert short == (
            [2] if path.name.endswith("clockify_time_entries_import_test_7.csv") else []
        )
    incidents = (shared_data / "incidents-servicenow" / "incident_events.csv").read_bytes()
    assert len(read(incidents, "tickets")[1]) == 2988


TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\n"), max_size=8
) | st.sampled_from(["=1+1", "'=1+1", "''@x", "+49 30 1", "-1", " =x", "\t=x", "＝1", "'", "a'b"])


@given(rows=st.lists(st.tuples(TEXT, TEXT), max_size=5), twice=st.booleans())
def test_refused_rows_are_no_formulas_and_come_back_as_they_were(rows, twice) -> None:
    dialect = replace(read("Name;City\nA;B\n")[0], encoding="utf-8")
    wanted = [["Ada", *row] for row in rows]
    dialect = replace(dialect, headers=("Name", "=City", "Zip"))
    raw = dialects.refused(dialect, [(row, "City: why") for row in wanted])
    for cells in csv.reader(io.StringIO(raw.decode(), newline=""), delimiter=";"):
        assert not any(re.match(r"[\s\x00-\x1f]*[=+\-@|%＝＋－＠]", cell) for cell in cells)
    found, back = read(raw, encoding="utf-8", delimiter=";")
    if twice:
        raw = dialects.refused(found, [(row, "City: again") for _, row in back])
        found, back = read(raw, encoding="utf-8", delimiter=";")
    assert found.headers == ("Name", "=City", "Zip", "Refused because")
    assert [row[:-1] for _, row in back] == wanted
