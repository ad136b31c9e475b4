"""Optional lines: the client chooses, the server sums; frozen and billed as approved."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from app.billing import queries as billing
from app.billing.engine.compile import compile_account
from app.billing.engine.facts import ExtraLine as EngineLine
from app.billing.engine.facts import Policy, Tax
from app.billing.engine.rates import RateCard
from app.billing.engine.timeline import Timeline
from app.billing.models import ExtraLine
from app.communications.action_models import ActionRequest
from app.companies.models import Contact
from app.core import clock
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.estimates import commands, rules
from app.estimates import queries as estimates
from app.estimates.models import Estimate
from app.estimates.rules import Line
from app.estimates.sums import Part, summed
from tests import factories as make
from tests.estimates.conftest import HOUR, link
from tests.web.people import client_in, person, signed_in, visitor

TODAY = clock.today()
CHOICE = (
    Line(0, "time", "Design", 0, 10 * HOUR),
    Line(0, "fixed", "Typeface", 20_000),
    Line(0, "time", "Training", 0, 2 * HOUR, is_optional=True),
    Line(0, "fixed", "Print", 5_000, is_optional=True),
)
BASE, WITH_TRAINING, WITH_ALL = 142_800, 166_600, 172_550


def newest() -> Estimate:
    db.session.rollback()
    return db.session.scalars(select(Estimate).order_by(Estimate.version.desc())).first()


def waiting() -> list[tuple[str, Decimal]]:
    db.session.rollback()
    rows = select(ExtraLine).filter_by(document_id=None, removed_at=None).order_by(ExtraLine.id)
    return [(row.text, row.unit_price) for row in db.session.scalars(rows)]


@given(
    st.lists(st.integers(-5_000, 10**7).filter(bool), min_size=1, max_size=8),
    st.sampled_from(["7.7", "19", "0", "8.25"]),
    st.sampled_from(["category", "line"]),
    st.sampled_from(["exclusive", "inclusive"]),
    st.sampled_from([0, 5]),
)
def test_sums_are_those_of_an_invoice_with_these_lines(amounts, percent, scope, prices, step):
    policy = Policy(tax_scope=scope, prices=prices, cash_step_minor=step)
    tax = Tax("VAT", Decimal(percent))
    document = compile_account(
        [],
        currency="CHF",
        card=RateCard([], currency="CHF", parents={}),
        taxes=Timeline([TODAY], [tax]),
        tax_day=TODAY,
        policy=policy,
        extras=[EngineLine("fixed", "x", amount, id=at) for at, amount in enumerate(amounts)],
    ).document
    found = summed([Part("fixed", 0, amount, tax) for amount in amounts], policy)
    assert (found.net_minor, found.tax_minor, found.rounding_minor) == (
        document.net_minor,
        document.tax_minor,
        document.rounding_minor,
    )
    assert found.total_minor == document.payable_minor


@given(st.lists(st.sampled_from(["1", "3", " 3", "", "7", "x", "03"])))
def test_only_lines_that_are_optional_can_be_ticked(typed):
    wrong = {text.strip() for text in typed} - {"", "1", "3"}
    if wrong:
        with pytest.raises(RuleError, match="not optional, or gone"):
            rules.chosen_keys(typed, [1, 3])
    else:
        found = rules.chosen_keys(typed, [1, 3])
        assert found == sorted({int(text) for text in typed if text})


def test_an_offer_is_not_of_optional_lines_only_nor_takes_one_off():
    lines = [Line(1, "fixed", "x", -5, is_optional=True)]
    said = rules.draft_problems(lines, note="", valid_until=TODAY, today=TODAY)
    assert [each.split(":")[0] for each in said] == ["Every line is optional", "Line 1"]


def test_what_is_optional_is_priced_by_itself_and_in_no_sum(world):
    with unit_of_work():  # at least two hours, for all work of the ticket together
        make.rate("100", company_id=world.company.id, unit="ticket", minimum_seconds=7_200)
    lines = [Line(0, "time", "Look", 0, 600), Line(0, "time", "More", 0, 600, is_optional=True)]
    draft = world.draft(*lines)
    assert [line.amount_minor for line in draft.lines] == [20_000, 20_000]
    assert (draft.net_minor, draft.work_seconds, draft.work_minor) == (20_000, 7_200, 20_000)


def test_without_a_tick_only_what_is_offered_in_any_case_is_approved(world):
    estimate = world.offer(*CHOICE)
    assert estimate.total_minor == BASE
    world.answer()
    found = newest()
    assert (found.chosen, found.total_minor, found.work_seconds) == ([], BASE, 10 * HOUR)
    assert found.action.answer["estimate"] == found.content_hash
    assert [text for text, _ in waiting()] == [f"#{world.number} Typeface"]


def test_what_is_ticked_is_frozen_with_its_hash_burns_and_is_billed(world):
    world.offer(*CHOICE)
    world.answer(chosen="3 4", seen=str(WITH_ALL), purchase_order="4711")
    found = newest()
    assert (found.chosen, found.total_minor) == ([3, 4], WITH_ALL)
    assert (found.work_seconds, found.work_minor) == (12 * HOUR, 120_000)
    assert found.taxes[0]["tax_minor"] == found.tax_minor
    answer = found.action.answer
    assert answer["estimate"] == rules.content_hash(commands.content_of(found))
    assert answer["estimate"] != found.content_hash
    assert waiting() == [
        (f"#{world.number} Typeface, PO 4711", Decimal(200)),
        (f"#{world.number} Print, PO 4711", Decimal(50)),
    ]
    assert world.burn().seconds == 12 * HOUR
    for change in ("chosen = '{3}'", "net_minor = 1", "purchase_order = 'other'", "chosen = '{}'"):
        with pytest.raises(IntegrityError), unit_of_work():
            db.session.execute(text(f"update estimate set {change}"))


@pytest.mark.parametrize(
    "change",
    [
        "chosen = '{1}', net_minor = 1",  # a line that is not optional
        "net_minor = 1, tax_minor = 0",  # nothing chosen
    ],
)
def test_the_database_lets_an_approval_change_no_other_figures(world, change):
    world.offer(*CHOICE)
    approve = f"update estimate set state = 'approved', ended_at = now(), {change}"
    with pytest.raises(IntegrityError), unit_of_work():
        db.session.execute(text(approve))


def test_nobody_approves_another_total_than_was_seen(world):
    world.offer(*CHOICE)
    for more in (
        {"chosen": "3", "seen": str(BASE)},
        {"chosen": "3"},
        {"seen": str(WITH_ALL)},
        {"chosen": "1", "seen": str(BASE)},
    ):
        with pytest.raises(RuleError):
            world.answer(**more)
    assert world.states() == ["sent"]
    db.session.rollback()
    assert db.session.scalars(select(ActionRequest.state)).all() == ["asked"]


def test_ticking_changes_the_total_on_the_server_and_approves_nothing(world):
    path = link(world.offer(*CHOICE))
    browser = visitor(world.app)
    page = browser.get(path).get_data(as_text=True)
    assert "without what is optional" in page
    ticked = browser.get(f"{path}?chosen=3&chosen=99").get_data(as_text=True)
    assert "with 1 of 2 optional lines" in ticked
    assert f'name="seen" value="{WITH_TRAINING}"' in ticked
    posted = browser.post(path, data={"do": "total", "chosen": ["3", "4"]})
    assert posted.status_code == 200
    assert f'name="seen" value="{WITH_ALL}"' in posted.get_data(as_text=True)
    assert world.states() == ["sent"]
    fields = {"do": "answer", "name": "Mira", "chosen": "3", "seen": str(BASE)}
    late = browser.post(path, data=fields)
    assert late.status_code == 422
    page = late.get_data(as_text=True)
    assert "With what is ticked it comes to EUR" in page
    assert f'name="seen" value="{WITH_TRAINING}"' in page
    assert browser.post(path, data=fields | {"seen": str(WITH_TRAINING)}).status_code == 200
    assert newest().chosen == [3]


def test_the_next_version_begins_with_what_was_chosen_as_part_of_it(world):
    world.offer(*CHOICE)
    world.answer(chosen="3", seen=str(WITH_TRAINING))
    with unit_of_work():
        commands.offer_again(world.ticket(), actor=world.ada)
    found = newest()
    assert [(line.text, line.is_optional) for line in found.lines[2:]] == [
        ("Training", False),
        ("Print", True),
    ]
    world.send()
    world.answer(chosen="4", seen=str(WITH_ALL))
    changes = estimates.versions(world.ticket_id)[0].changes
    assert {change.what for change in changes} == {"same"}, "nor does choosing change an offer"


def test_a_purchase_order_is_needed_where_the_client_has_one_and_goes_with_the_work(world):
    with unit_of_work():
        world.ticket().company.purchase_order = "4500-1"
    path = link(world.offer(*CHOICE))
    browser = visitor(world.app)
    page = browser.get(path).get_data(as_text=True)
    assert 'value="4500-1"' in page
    refused = browser.post(path, data={"do": "answer", "purchase_order": " "})
    assert refused.status_code == 422
    assert "The purchase order is missing" in refused.get_data(as_text=True)
    done = browser.post(path, data={"do": "answer", "purchase_order": "4500-2"})
    assert "4500-2" in done.get_data(as_text=True)
    db.session.rollback()
    assert world.ticket().purchase_order == "4500-2"
    called = billing.names([world.ticket_id]).tickets[world.ticket_id]
    assert called == f"#{world.number} New logo, PO 4500-2", "as the lines of its time are called"
    assert waiting() == [(f"#{world.number} Typeface, PO 4500-2", Decimal(200))]


def test_the_purchase_order_of_another_payer_is_neither_shown_nor_asked_for(world):
    with unit_of_work():
        payer = make.company("Holding", purchase_order="SECRET-9")
        make.tax("19", of=payer)
        make.bill_to(world.ticket().company, payer)
    path = link(world.offer(*CHOICE))
    assert "SECRET-9" not in visitor(world.app).get(path).get_data(as_text=True)
    assert visitor(world.app).post(path, data={"do": "answer"}).status_code == 200


@pytest.mark.parametrize(
    ("why", "words", "kept"),
    [
        ("price", "", "Too expensive."),
        ("price", "Half would do", "Too expensive: Half would do"),
        ("other", "We sold it", "We sold it"),
        ("", "We wait", "We wait"),
    ],
)
def test_why_it_is_declined_is_chosen_or_written(world, why, words, kept):
    path = link(world.offer())
    fields = {"do": "decline", "why": why, "text": words, "again": "y"}
    assert visitor(world.app).post(path, data=fields).status_code == 200
    found = newest()
    assert (found.reason, found.asks_again) == (kept, True)


def test_the_reason_chosen_is_told_in_the_language_of_who_reads_it(world):
    path = link(world.offer())
    fields = {"do": "decline", "why": "price", "text": "100 % zu viel\r\nleider"}
    assert visitor(world.app).post(path, data=fields).status_code == 200
    assert newest().reason == "Too expensive: 100 % zu viel\nleider"
    with unit_of_work():
        db.session.execute(update(Contact).values(language="de"))
    mira = client_in(world.app, world.mira)
    own = f"/portal/actions/{newest().action_id}"
    for where in (f"/portal/requests/{world.number}", own):
        page = mira.get(where).get_data(as_text=True)
        assert "Zu teuer: 100 % zu viel\nleider" in page
        assert "Too expensive" not in page
    desk = signed_in(world.app, person("Agent")).get(f"/tickets/{world.number}")
    assert "Too expensive: 100 % zu viel" in desk.get_data(as_text=True)
