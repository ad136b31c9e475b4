"""A number of a body is the number that is kept, however a program writes it."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api import answers
from app.api.reading import Figure
from app.tickets import intake
from app.tickets.intake import Field

COST = (Field("cost", "number", "Cost"),)


def read(figure: str) -> intake.Reading:
    return intake.read(COST, {"cost": answers.plain(Figure(figure))})


@given(st.integers(-(10**12) + 1, 10**12 - 1), st.integers(0, 6))
def test_a_number_keeps_its_value(digits, places):
    number = Decimal(digits).scaleb(-places)
    for written in (f"{number:f}", str(number), f"{number:e}"):
        reading = read(written)
        assert reading.faults == ()
        assert Decimal(reading.answers["cost"]) == number


@given(st.floats(-(10.0**9), 10.0**9).map(lambda number: round(number, 4)))
def test_a_number_of_a_program_is_read_as_it_writes_it(number):
    assert float(read(json.dumps(number)).answers["cost"]) == number


@pytest.mark.parametrize("odd", ["1e13", "1e999999999", "1e-999999999", "0.1234567", "1" * 40])
def test_what_does_not_fit_is_refused_as_on_the_form(odd):
    assert [text[:6] for _, text in read(odd).faults] == ["Cost: "]


def test_a_text_is_read_as_a_person_wrote_it():
    assert answers.plain("1.125") == "1.125"
