"""Every wrong cell of a row keeps its own reason."""

from hypothesis import given
from hypothesis import strategies as st

from app.imports.reasons import by_header, joined

HEADERS = ("Name", "E-mail", "E-mail (2)", "Terms: days", "x.*")


@given(st.lists(st.sampled_from(HEADERS), min_size=1, unique=True))
def test_reasons_told_together_are_taken_apart(wrong):
    faults = {header: f"{header!r} is wrong; say why: because" for header in wrong}
    assert by_header(HEADERS, wrong[0], joined(list(faults.items()))) == faults


def test_the_row_as_a_whole_blames_no_cell():
    assert by_header(HEADERS, None, "the row has 1 cell, the header 2") == {}


def test_two_reasons_of_one_cell_stand_together():
    told = joined([("Name", "too long"), ("E-mail", "no address"), ("E-mail", "too long")])
    assert by_header(HEADERS, "Name", told)["E-mail"] == "no address; too long"
