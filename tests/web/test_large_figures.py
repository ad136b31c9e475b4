"""Figures beyond all measure in the billing desk's forms: a sentence beside the field, all kept."""

import re

import pytest

from app.billing.models import ExtraLine, Payment, RateRule, Tax
from tests.web.month import account_of, count

NINES = "9" * 15
BEYOND = (NINES, "9" * 5000, "-" + NINES, "1.00000000001", "0." + "0" * 400 + "1")
KEPT = (ExtraLine, Payment, RateRule, Tax)


def told(answer, field):
    """What stands beside a field of a form that was refused."""
    assert answer.status_code == 422, answer.status_code
    found = re.search(rf'id="f-{field}-error">(.*?)</p>', answer.text, re.DOTALL)
    return re.sub("<.*?>", "", found[1]) if found else ""


@pytest.fixture
def preview(month):
    """Address of the preview of an account."""
    company_id, _ = month.company()
    return f"/billing/runs/{month.compiled()}/accounts/{account_of(company_id)}"


@pytest.mark.parametrize("figure", BEYOND)
def test_a_figure_beyond_all_measure_is_refused_beside_its_field(month, preview, figure):
    before = list(map(count, KEPT))
    line = {"text": "Licence", "unit": "pcs"}
    account_id = int(preview.rpartition("/")[2])
    for path, field, label, more in (
        (f"{preview}/lines", "unit_price", "Price", line | {"quantity": "3"}),
        (f"{preview}/lines", "quantity", "Quantity", line | {"unit_price": "7"}),
        (f"{preview}/discounts", "value", "Discount", {"text": "Thanks", "how": "amount"}),
        (f"{preview}/discounts", "value", "Discount", {"text": "Thanks", "how": "percent"}),
        ("/billing/payments", "amount", "Amount", {"account_id": account_id, "method": "Cash"}),
        ("/billing/rates", "rate", "Rate", {"currency": "EUR"}),
        ("/billing/taxes", "percent", "Per cent", {"name": "VAT"}),
        ("/billing/rates/copy", "percent", "Change in per cent", {"start": "2027-01-01"}),
    ):
        answer = month.post(path, **more, **{field: figure}, received_on="2026-04-01")
        said = told(answer, field)
        assert said.startswith(label + ":"), (path, field, said)
        assert len(said) < 120
        for kept in (figure, *more.values()):
            assert f'"{kept}"' in answer.text, (path, kept)
    assert list(map(count, KEPT)) == before


def test_what_each_is_in_bounds_and_together_is_not(month, preview):
    answer = month.post(f"{preview}/lines", text="All", quantity="9999999", unit_price="9999999")
    assert "Price: 9999999 times 9999999 is too much for one line" in told(answer, "unit_price")
    assert "A quantity of 0" in told(
        month.post(f"{preview}/lines", text="None", quantity="0", unit_price="1"), "quantity"
    )
    assert "above 0" in told(
        month.post(f"{preview}/discounts", text="T", how="percent", value="-1"), "value"
    )
    assert count(ExtraLine) == 0
    half = {"quantity": "600000", "unit_price": "1000000"}
    assert month.post(f"{preview}/lines", text="Half", **half).status_code == 302
    together = month.post(f"{preview}/lines", text="The other half", **half)
    assert together.status_code == 422
    assert "too much for one invoice" in together.text
    assert count(ExtraLine) == 1


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("minimum", "30:00", "at most a day"),
        ("increment", "25h", "at most a day"),
        ("priority", "99999999", "too large"),
        ("rate", "-1", "at least 0"),
    ],
)
def test_terms_of_a_rate_are_bounded_beside_their_fields(month, field, typed, said):
    terms = {"rate": "10", "rounding": "up"} | {field: typed}
    assert said in told(month.post("/billing/rates", **terms), field)
