"""Pages about rules: what is refused, what clients never read, and tags beside them."""

import pytest

from app.automation import commands, queries
from app.core import forms
from app.core.db import unit_of_work
from app.tickets import commands as tickets
from jobs import load_handlers
from tests import factories as make
from tests.automation.making import ADMIN, AGENT, do, on, when, work
from tests.web.people import client_in, person, portal_account, signed_in


@pytest.fixture
def manager(app):
    load_handlers()
    with unit_of_work():
        make.set_up_agency()
    return signed_in(app, person("Manager"))


def sent(**fields):
    return {"nonce": forms.new_nonce(), **fields}


NOTE = {"event": "opened", "a-0-kind": "note", "a-0-text": "Hello"}


def test_what_somebody_else_changed_meanwhile_is_not_written_over(manager):
    with unit_of_work():
        rule = commands.save(
            actor=ADMIN, name="One", definition=when("opened", then=[do("note", text="a")])
        )
        rule_id, opened_at = rule.id, rule.number
    with unit_of_work():
        commands.save(
            actor=ADMIN, name="One", rule_id=rule_id,
            definition=when("opened", then=[do("note", text="b")]),
        )  # fmt: skip
    answer = manager.post(f"/rules/{rule_id}/save", data=sent(name="One", number=opened_at, **NOTE))
    assert answer.status_code == 422
    assert "Somebody else changed" in answer.text
    assert queries.current(rule_id).definition.actions[0].values["text"] == "b"


def test_the_same_again_makes_no_version_and_a_form_sent_twice_one_rule(manager):
    form = sent(name="Greet", **NOTE)
    for _ in range(2):
        assert manager.post("/rules/save", data=form).status_code == 302
    (current,) = queries.every()
    manager.post(f"/rules/{current.rule.id}/save", data=sent(name="Greet", **NOTE))
    assert [each.number for each in queries.versions(current.rule.id)] == [1]
    manager.post(
        f"/rules/{current.rule.id}/save", data=sent(name="Greet", **(NOTE | {"stops": "y"}))
    )
    tried = manager.get(f"/rules/{current.rule.id}?from=March&to=2026-03-31").text
    assert "“March” to “2026-03-31” cannot be read as days" in tried
    versions = queries.versions(current.rule.id)
    assert [each.number for each in versions] == [2, 1]
    assert "Person" in versions[0].changed_by


def test_every_mistake_is_told_at_once_with_its_place(manager):
    answer = manager.post(
        "/rules/save",
        data=sent(
            **{
                "name": " ",
                "event": "opened",
                "c-0-field": "score",
                "c-0-op": "at_most",
                "c-0-value": "9",
                "c-1-field": "company",
                "c-1-op": "is",
                "c-1-value_text": "Nobody Ltd",
                "a-0-kind": "assign",
                "a-0-staff": "77",
            }
        ),
    )
    assert answer.status_code == 422
    for words in (
        "The name is empty",
        "Condition 1 (rating): it is known only when a client rates the result",
        "Condition 1 (rating): write a whole number from 1 to 5.",
        "Condition 2 (company): “Nobody Ltd” is no choice",
        "Action 1 (give it to a person): there is no such person any more",
    ):
        assert words in answer.text
    assert 'value="Nobody Ltd"' in answer.text


def test_alternatives_and_business_hours_are_kept_and_said(manager):
    form = {
        "name": "Look",
        "event": "waited",
        "s-hours": "8",
        "s-since": "client",
        "s-counted": "business",
        "o-0-field": "priority",
        "o-0-op": "is",
        "o-0-value": "urgent",
        "o-1-field": "tag",
        "o-1-op": "has",
        "o-1-value": "VIP",
        **{key: value for key, value in NOTE.items() if key != "event"},
    }
    saved = manager.post("/rules/save", data=sent(**form))
    shown = manager.get(saved.location).text
    assert (
        "When 8 business hours are over since the client wrote, and nobody answered, and at least "
        "one of these holds: (1) the priority is urgent or (2) the ticket has the tag “vip”, then"
    ) in shown
    (current,) = queries.every()
    edited = manager.get(f"/rules/{current.rule.id}/edit").text
    assert "Alternative 2: tags" in edited
    dropped = manager.post("/rules/draft", data=form | {"do": "drop-alternative:0"}).text
    assert "Alternative 1: tags" in dropped
    wrong = manager.post("/rules/save", data=sent(**(form | {"o-1-value": ""}))).text
    assert "Alternative 2 (tags): nothing is chosen to compare with" in wrong


def test_a_draft_keeps_nothing(manager):
    assert "it sets off no other rule" in manager.get("/rules/new").text
    for do_ in (
        "add-condition",
        "add-alternative",
        "drop-alternative:0",
        "add-action",
        "words",
        "try",
        "drop-action:0",
        "up-action:7",
    ):
        answer = manager.post("/rules/draft", data={**NOTE, "do": do_, "new-condition": "tag"})
        assert answer.status_code in {200, 422}, do_
    assert queries.every() == []


def test_a_broken_rule_is_not_switched_on(manager):
    with unit_of_work():
        anna = make.staff("Anna")
        rule = commands.save(
            actor=ADMIN,
            name="To Anna",
            definition=when("opened", then=[do("assign", staff=anna.id)]),
        )
        rule_id = rule.id
    with unit_of_work():
        make.db.session.merge(anna).archived_at = make.NOON
    assert manager.post(f"/rules/{rule_id}/change", data=sent(do="on")).status_code == 302
    assert "Anna is archived" in manager.get(f"/rules/{rule_id}").text
    assert not queries.current(rule_id).rule.is_on
    removed = manager.post(f"/rules/{rule_id}/change", data=sent(do="remove"))
    assert removed.status_code == 302
    assert manager.get(f"/rules/{rule_id}").status_code == 404


def test_clients_read_the_agency_and_never_the_name_of_a_rule(app, manager):
    with unit_of_work():
        company = make.company()
        ana = make.contact(company)
        done = make.status("resolved").id
        on(when("opened", then=[
            do("set_status", status=done), do("note", text="Inside"), do("add_tag", tag="hushhush"),
        ]), "Difficult clients")  # fmt: skip
        ticket = tickets.open_ticket(
            actor=AGENT, subject="Help", company_id=company.id, requester_id=ana.id
        )
        number = ticket.number
    portal_account(ana)
    work()
    page = client_in(app, ana).get(f"/portal/requests/{number}").text
    assert "Fjord &amp; Partners" in page
    for hidden in ("Difficult", "Inside", "hushhush"):
        assert hidden not in page
    assert "Rule “<bdi>Difficult clients</bdi>”" in manager.get(f"/tickets/{number}").text


def test_tags_are_written_cleaned_and_found(manager):
    with unit_of_work():
        ticket = make.ticket(make.company(), "Paper jam")
        number, version = ticket.number, ticket.version
    manager.post(
        f"/tickets/{number}/fields", data={"tags": " VIP,  vip, Paper  jam ", "version": version}
    )
    assert tickets.queries.locked(number).tags == ["paper jam", "vip"]
    tickets.queries.db.session.rollback()
    assert "Paper jam" in manager.get("/tickets/?view=all&tag=VIP").text
    assert "No ticket matches" in manager.get("/tickets/?view=all&tag=other").text
    answer = manager.post(f"/tickets/{number}/fields", data={"tags": "x" * 41})
    assert answer.status_code == 422
    assert "at most 40 fit" in answer.text
