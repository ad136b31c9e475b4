"""What lines say beside their figures: purchase orders, texts of one's own, sums in words."""

import pytest

from app.billing.engine.explain import explain_alone
from app.billing.engine.facts import ExtraLine, LineKey
from app.billing.engine.orders import common_order, ordered
from app.billing.engine.texts import key_of, reworded
from app.core.formats import NO_BREAK
from tests.unit.billing.facts import compiled, entry, rule

TOGETHER = "counts together rounded to the nearest 0:10 h; by itself this entry is 0:10 h."
FEE = ExtraLine("fixed", "Licence", amount_minor=5000, id=7, order="4711")


@pytest.mark.parametrize(
    ("order", "ending"), [("", ""), ("4711", ", PO 4711"), ("po-12", ", po-12"), ("P1", ", PO P1")]
)
def test_a_line_ends_with_the_order_it_was_ordered_by(order: str, ending: str) -> None:
    assert ordered(order) == ending


@pytest.mark.parametrize(
    ("orders", "extras", "common"),
    [
        ({}, (), ""),
        ({1: "4711"}, (), "4711"),
        ({1: "4711"}, (FEE,), "4711"),
        ({1: "4712"}, (FEE,), ""),
        ({}, (FEE,), ""),
        ({2: "4711"}, (), ""),
    ],
)
def test_an_order_is_the_document_s_where_all_lines_have_it(
    orders: dict[int, str], extras: tuple[ExtraLine, ...], common: str
) -> None:
    entries = [entry(1)]
    document = compiled(entries, extras=extras).document
    assert common_order(document, entries, extras, orders) == common


def test_a_document_without_lines_was_ordered_by_nobody() -> None:
    document = compiled([]).document
    assert common_order(document, [], (FEE,), {1: "4711"}) == ""


def test_a_text_finds_its_line_and_waits_for_it_else() -> None:
    document = compiled([entry(1), entry(2, ticket_id=2)], extras=(FEE,)).document
    first = document.lines[0]
    there = ExtraLine("text", "Cabling", id=8, of=key_of(first))
    gone = ExtraLine("text", "Painting", id=9, of=LineKey("Ticket 9", "100", "VAT 20 S"))
    said, used = reworded(document, (there, gone))
    assert [line.text for line in said.lines] == ["Cabling", "Ticket 2", "Licence"]
    assert (said.lines[0].was, said.lines[0].extra_id, used) == ("Ticket 1", 8, {8})
    assert key_of(said.lines[0]) == key_of(first), "it is known by what was compiled"
    assert reworded(document, (FEE,)) == (document, frozenset())


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({}, ""),
        (
            {"minimum_seconds": 900, "increment_seconds": 300, "rounding": "up"},
            "An entry counts at least 0:15 h, rounded up to whole steps of 0:05 h: 0:15 h billed.",
        ),
        (
            {"increment_seconds": 600, "rounding": "nearest", "unit": "ticket"},
            f"All time of a ticket on one invoice {TOGETHER}",
        ),
        (
            {"increment_seconds": 600, "rounding": "nearest", "unit": "ticket-day"},
            f"All time of a ticket on one day on one invoice {TOGETHER}",
        ),
    ],
)
def test_what_an_entry_comes_to_alone_is_told_step_by_step(
    terms: dict[str, object], said: str
) -> None:
    told = explain_alone(425, 400, rule(rate="90", **terms))
    assert told[0] == "Real time 0:07:05 h, of which 0:06:40 h are billable."
    assert told[1:-1] == ([said] if said else [])
    assert told[-1].endswith(
        f"at EUR{NO_BREAK}90.00 an hour come to EUR{NO_BREAK}"
        + ("22.50." if "minimum_seconds" in terms else "15.00." if terms else "10.00.")
    )
