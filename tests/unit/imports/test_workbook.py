"""A workbook is read as the text that a person sees in it, and never as a bomb."""

import io
import re
import zipfile
from datetime import date, datetime, time, timedelta

import pytest
from openpyxl import Workbook

from app.core.errors import UnusableInputError
from app.imports import workbook


def saved(*rows, formats=(), title="Clients"):
    book = Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    for place, pattern in formats:
        book.active[place].number_format = pattern
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def read(content: bytes) -> str:
    return workbook.as_table(io.BytesIO(content)).read().decode()


def test_cells_are_text_as_a_person_sees_them() -> None:
    content = saved(
        ["Name", "Ref", "Phone", "Since", "At", "Hours", "Share", "Yes"],
        [
            "Åse; Øl\nBonn", "007", 4930123456789, date(2026, 3, 1),
            datetime(2026, 3, 1, 9, 5), timedelta(hours=26, minutes=3), 0.1, True,
        ],
        [],
        ["Bo", 7, 1.0, time(9, 5), None, "=1+1", 1e-7, "=cmd"],
        formats=[("B4", "00000"), ("E2", "yyyy-mm-dd hh:mm"), ("F2", "[h]:mm:ss")],
    )  # fmt: skip
    assert read(content).splitlines() == [
        "Name,Ref,Phone,Since,At,Hours,Share,Yes",
        "Åse; Øl Bonn,007,4930123456789,2026-03-01,2026-03-01 09:05:00,26:03:00,0.1,TRUE",
        "",
        "Bo,00007,1,09:05:00,,,0.0000001",
    ]


def test_other_files_stay_as_they_are() -> None:
    assert read(b"Name;City\nBo;Cork\n") == "Name;City\nBo;Cork\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (saved(), "holds no cell"),
        (saved(["x"] * (workbook.MOST_COLUMNS + 1)), "Row 1 of the sheet 'Clients' has more"),
    ],
)
def test_what_no_list_can_be_is_refused(content, reason) -> None:
    with pytest.raises(UnusableInputError, match=reason):
        read(content)


def test_a_workbook_that_unpacks_to_too_much_is_never_opened() -> None:
    file = io.BytesIO(saved(["Name"], ["Bo"]))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb.bin", b"\0" * (workbook.MOST_UNPACKED + 1))
    assert len(file.getvalue()) < 200_000
    with pytest.raises(UnusableInputError, match="unpacks to more than 64 MB"):
        read(file.getvalue())


def test_rows_of_which_only_a_far_empty_cell_is_named_are_not_gone_through(monkeypatch) -> None:
    """Some kilobytes of them are a thousand million cells: minutes of the page that reads them."""
    monkeypatch.setattr(workbook, "MOST_CELLS", 200_000)
    rows = "".join(f'<row r="{number}"><c r="XFD{number}"/></row>' for number in range(1, 51))
    content = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(saved(["x"]))) as book,
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for part in book.namelist():
            text = book.read(part).decode()
            if part == "xl/worksheets/sheet1.xml":
                text = re.sub("<sheetData>.*</sheetData>", f"<sheetData>{rows}</sheetData>", text)
            archive.writestr(part, text)
    with pytest.raises(UnusableInputError, match="more than 200,000 cells"):
        read(content.getvalue())


def test_a_damaged_workbook_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;")
    with pytest.raises(UnusableInputError, match="cannot be read"):
        read(file.getvalue())
