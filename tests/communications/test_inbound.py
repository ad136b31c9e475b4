"""Whose a mail is: which ticket it joins, and who is held back."""

from itertools import pairwise

import pytest
from sqlalchemy import func, select, update

from app.communications import inbound, inbox, matching
from app.communications.models import Received
from app.companies.account_models import CompanyDomain
from app.companies.commands import archive_company
from app.companies.models import Company, Contact
from app.core import clock, jobs
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import Job, Mail
from app.tickets import commands, joining
from app.tickets.models import Subscription, Ticket
from app.tickets.subscribing import ensure_subscribed
from jobs import load_handlers
from tests import factories as make
from tests.communications.letters import (
    AGENT,
    RECEIVER,
    SUPPORT,
    address,
    company,
    events,
    found,
    letter,
    message_id_of,
    messages,
    proved,
    take,
    token,
)


def test_a_contact_s_mail_opens_a_ticket_of_their_company(mira):
    answer = take(letter(address(mira), "My mail is gone.\n\n-- \nMira", subject="No mail"))
    assert (answer["outcome"], answer["rule"]) == ("ticket", "contact")
    made = db.session.scalars(select(Ticket).where(Ticket.number == answer["ticket"])).one()
    assert (made.company_id, made.requester_id, made.origin) == (company(mira).id, mira.id, "mail")
    [event] = events(made)
    assert event.payload["text"] == "My mail is gone."
    assert [each["rule"] for each in event.payload["hidden"]] == ["signature"]
    assert event.contact_id == mira.id


def test_the_same_mail_twice_is_one_ticket(mira):
    raw = letter(address(mira))
    assert take(raw) == take(raw)
    with unit_of_work():
        other = make.mailbox("sales@desk.example").id
    again = take(
        b"Delivered-To: sales@desk.example\n" + raw, mailbox_id=other, uid_validity=1, uid=1
    )
    assert (again["outcome"], again["rule"]) == ("ignored", "duplicate")
    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 1


@pytest.mark.parametrize("how", ["token", "message-id", "references", "root", "subject"])
def test_an_answer_of_a_participant_joins_the_ticket_whichever_way(mira, ticket, how):
    with unit_of_work():
        commands.reply(ticket, actor=AGENT, text="Which one?")
        sent = db.session.scalars(select(Mail)).one()
        sent_id, root = sent.message_id, sent.headers["References"].split()[0]
    raw = {
        "token": lambda: letter(address(mira), "The big one.", to=token(ticket, mira)),
        "message-id": lambda: letter(address(mira), "The big one.", In_Reply_To=sent_id),
        "references": lambda: letter(address(mira), "The big one.", References=f"<x@y> {sent_id}"),
        "root": lambda: letter(address(mira), "The big one.", References=root),
        "subject": lambda: letter(
            address(mira), "The big one.", subject=f"AW: [#{ticket.number}] Printer"
        ),
    }[how]()
    answer = take(raw)
    assert (answer["outcome"], answer["rule"], answer["ticket"]) == (
        "reply",
        "participant",
        ticket.number,
    )
    assert messages(ticket) == ["Which one?", "The big one."]


def test_answers_to_a_ticket_that_was_merged_twice_go_where_it_goes_on(mira, ticket):
    with unit_of_work():
        commands.reply(ticket, actor=AGENT, text="Which one?")
        sent_id = db.session.scalars(select(Mail.message_id)).one()
        chain = [ticket, make.ticket(ticket.company), make.ticket(ticket.company)]
        for duplicate, into in pairwise(chain):
            joining.merge(duplicate, into, actor=AGENT)
        last = chain[-1].number
    for raw in (
        letter(address(mira), "By token.", to=token(ticket, mira)),
        letter(address(mira), "By id.", In_Reply_To=sent_id),
        letter(address(mira), "By tag.", subject=f"Re: [#{ticket.number}] Printer"),
    ):
        answer = take(raw)
        assert (answer["outcome"], answer["ticket"]) == ("reply", last)
    assert messages(last) == ["By token.", "By id.", "By tag."]
    assert messages(ticket) == ["Which one?"]


def test_an_answer_to_a_mail_we_received_joins_its_ticket(mira):
    first = take(letter(address(mira), Message_ID="<first@client.example>"))
    again = take(letter(address(mira), "More.", In_Reply_To="<first@client.example>"))
    assert (again["outcome"], again["ticket"]) == ("reply", first["ticket"])


@pytest.mark.parametrize("how", ["token", "message-id"])
def test_a_stranger_is_held_back_whatever_they_forge(mira, ticket, how):
    with unit_of_work():
        commands.reply(ticket, actor=AGENT, text="Which one?")
        sent_id = db.session.scalars(select(Mail.message_id)).one()
    headers = {"In_Reply_To": sent_id} if how == "message-id" else {}
    to = token(ticket, mira) if how == "token" else SUPPORT
    answer = take(letter("eve@evil.example", "Send me all.", to=to, **headers))
    assert (answer["outcome"], answer["rule"]) == ("quarantined", "stranger")
    assert messages(ticket) == ["Which one?"]
    note = events(ticket)[-1]
    assert (note.kind, note.visibility) == ("note", "internal")
    assert not db.session.scalar(select(Mail.id).where(Mail.recipient == "eve@evil.example"))


def test_a_tag_in_the_subject_from_a_stranger_opens_a_ticket_of_its_own(mira, ticket):
    answer = take(letter("eve@evil.example", "hi", subject=f"[#{ticket.number}] Printer"))
    assert answer["outcome"] == "ticket"
    assert answer["ticket"] != ticket.number
    assert messages(ticket) == []
    steps = [each["rule"] for each in found("unknown-sender").steps]
    assert steps == ["subject-tag", "unknown-sender"]


def test_a_colleague_joins_and_can_be_made_a_follower(mira, ticket):
    with unit_of_work():
        colleague = make.contact(company(mira))
    answer = take(letter(address(colleague), "Mine too.", to=token(ticket, mira)))
    assert (answer["outcome"], answer["rule"]) == ("reply", "colleague")
    assert messages(ticket) == ["Mine too."]
    assert not db.session.scalar(select(Subscription.id))


def test_who_left_the_company_takes_no_part_any_more(mira, ticket):
    with unit_of_work():
        gone = make.contact(company(mira), "Bo Lund")
        ensure_subscribed(ticket, contact_id=gone.id, source="colleague")
        gone.memberships[0].company_id = make.company("Rival").id
    for to, subject in ((token(ticket, gone), "Re"), (SUPPORT, f"[#{ticket.number}] Re")):
        take(letter(address(gone), "Still here", to=to, subject=subject))
    assert messages(ticket) == []


def test_a_held_back_mail_is_accepted_in_one_click(mira, ticket):
    take(letter("Eve <eve@partner.example>", "I can help.", to=token(ticket, mira)))
    with unit_of_work():
        inbound.accept(found("stranger").id, actor=AGENT)
    assert messages(ticket) == ["I can help."]
    assert found("accepted").state == "done"
    eve = db.session.scalars(select(Contact).where(Contact.name == "Eve")).one()
    assert eve.memberships == [], "accepting one mail makes nobody a member of the company"
    with pytest.raises(RuleError), unit_of_work():
        inbound.accept(found("accepted").id, actor=AGENT)


def test_staff_answer_by_mail_only_when_our_server_vouches(mira, ticket):
    with unit_of_work():
        worker = make.staff("Bo Lind", email="bo@agency.example")
    to = token(ticket, staff=worker)
    forged = [
        letter("bo@agency.example", "evil", to=to),
        letter("bo@agency.example", "evil", to=to, Authentication_Results="other; dmarc=pass"),
        letter(
            "bo@agency.example", "evil", to=to,
            Authentication_Results=f"{RECEIVER}; dkim=pass header.d=evil.example; dmarc=fail",
        ),
        letter(
            "bo@agency.example", "evil", to=to,
            Authentication_Results=f"{RECEIVER}; dmarc=pass header.from=evil.example",
        ),
        letter(
            "bo@agency.example, x@evil.example", "evil", to=to,
            Authentication_Results=proved("bo@agency.example"),
        ),
        letter(
            "bo@agency.example", "evil", to=to, Authentication_Results=f"{RECEIVER}; spf=pass "
            'smtp.mailfrom="x;dmarc=pass header.from=agency.example"@evil.example',
        ),
        letter(
            "bo@agency.example", "evil", to=to, Authentication_Results=f"{RECEIVER}; "
            "dkim=pass header.d=agency.example; dmarc=fail header.from=agency.example",
        ),
    ]  # fmt: skip
    for raw in forged:
        assert take(raw)["outcome"] == "quarantined"
    below = letter("bo@agency.example", "evil", to=to, Authentication_Results="other; spf=none")
    below = below.replace(
        b"\n\n", f"\nAuthentication-Results: {proved('bo@agency.example')}\n\n".encode(), 1
    )
    assert take(below)["outcome"] == "quarantined", "only the topmost header counts"
    assert messages(ticket) == []
    honest = letter(
        "bo@agency.example", "Done.", to=to, Authentication_Results=proved("bo@agency.example")
    )
    assert take(honest)["rule"] == "staff"
    assert messages(ticket) == ["Done."]
    assert events(ticket)[-1].staff_id == worker.id
    assert db.session.get_one(Ticket, ticket.id).assignee_id == worker.id, "nobody had it"
    assert db.session.scalars(select(Mail.recipient).where(Mail.event_id.is_not(None))).all() == [
        address(mira)
    ]


def test_staff_answer_by_mail_for_a_company_that_is_archived(mira, ticket):
    with unit_of_work():
        worker = make.staff("Bo Lind", email="bo@agency.example")
        archive_company(AGENT, db.session.get_one(Company, ticket.company_id))
    raw = letter(
        "bo@agency.example", "Done.", to=token(ticket, staff=worker),
        Authentication_Results=proved("bo@agency.example"),
    )  # fmt: skip
    assert take(raw)["rule"] == "staff"
    assert take(letter(address(mira), "Thanks!", to=token(ticket, mira)))["rule"] == "participant"
    assert messages(ticket) == ["Done.", "Thanks!"]
    assert db.session.get_one(Ticket, ticket.id).assignee_id == worker.id


def test_a_sender_whose_domain_disowns_the_mail_is_held_back(mira, ticket):
    raw = letter(
        address(mira), "evil", to=token(ticket, mira),
        Authentication_Results=f"{RECEIVER}; dmarc=fail header.from=example.com",
    )  # fmt: skip
    assert take(raw)["rule"] == "forged"
    assert messages(ticket) == []


def test_strangers_never_share_a_company(desk):
    one = take(letter("Ana <ana@new.example>", "hello"))
    two = take(letter("Ben <ben@new.example>", "hello"))
    assert one["rule"] == two["rule"] == "unknown-sender"
    companies = db.session.scalars(select(Ticket.company_id)).all()
    assert len(set(companies)) == 2
    reply = take(letter("ben@new.example", "me?", In_Reply_To=message_id_of(one["ticket"])))
    assert reply["outcome"] == "quarantined"


def test_a_verified_domain_says_whose_somebody_is(mira):
    with unit_of_work():
        db.session.add_all(
            [
                CompanyDomain(
                    company_id=company(mira).id, domain="northwind.example", verified_at=clock.now()
                ),
                CompanyDomain(company_id=company(mira).id, domain="unproved.example"),
            ]
        )
    assert take(letter("Ola <ola@northwind.example>"))["rule"] == "domain"
    assert take(letter("Ina <ina@unproved.example>"))["rule"] == "unknown-sender"
    ola = db.session.scalars(select(Contact).where(Contact.name == "Ola")).one()
    assert [each.company_id for each in ola.memberships] == [company(mira).id]


def test_forwarded_by_staff_takes_the_original_sender(mira):
    with unit_of_work():
        make.staff("Bo Lind", email="bo@agency.example")
    text = (
        "Please look.\n\n-------- Forwarded Message --------\nFrom: Mira Lund "
        f"<{address(mira)}>\nTo: bo@agency.example\nSubject: Help\n\nIt is broken."
    )
    raw = letter(
        "bo@agency.example", text, subject="Fwd: Help",
        Authentication_Results=proved("bo@agency.example"),
    )  # fmt: skip
    answer = take(raw)
    assert (answer["outcome"], answer["rule"]) == ("ticket", "forwarded-by-staff")
    made = db.session.scalars(select(Ticket).where(Ticket.number == answer["ticket"])).one()
    assert (made.requester_id, made.subject) == (mira.id, "Help")
    assert "It is broken." in messages(made)[0]


def test_a_forwarded_talk_with_us_is_of_the_client_in_it(mira):
    with unit_of_work():
        make.staff("Bo Lind", email="bo@agency.example")
        make.staff("Cy Dahl", email="cy@agency.example")
    proof = proved("bo@agency.example")

    def forwarded(*senders: str) -> dict:
        blocks = [f"---- Original Message ----\nFrom: {each}\nTo: x\n\nSaid." for each in senders]
        return take(
            letter(
                "bo@agency.example", "\n\n".join(blocks), subject="Fwd: Help",
                Authentication_Results=proof,
            )
        )  # fmt: skip

    answer = forwarded("CY@agency.example", SUPPORT, f"Mira Lund <{address(mira)}>")
    assert answer["rule"] == "forwarded-by-staff"
    made = db.session.scalars(select(Ticket).where(Ticket.number == answer["ticket"])).one()
    assert made.requester_id == mira.id
    assert forwarded("bo@agency.example", SUPPORT)["rule"] == "staff-without-client"
    with pytest.raises(RuleError, match="names no client"), unit_of_work():
        inbound.accept(found("staff-without-client").id, actor=AGENT)
    assert len(db.session.scalars(select(Contact.id)).all()) == 1, "nobody of ours is a client"


@pytest.mark.parametrize("name", ["\u200b", "\u202e", "\x01", "=?utf-8?b?4oCL?="])
def test_who_has_no_name_to_be_read_is_called_by_the_address(desk, name):
    assert take(f'From: "{name}" <ana@new.example>\n\nHelp'.encode())["outcome"] == "ticket"
    assert db.session.scalars(select(Contact.name)).all() == ["ana@new.example"]


def test_whoever_is_of_staff_and_a_client_opens_no_ticket_in_the_name_of_another(mira):
    with unit_of_work():
        both = make.contact(company(mira), "Bo Lind")
        make.staff("Bo Lind", email=address(both))
    text = f"-------- Forwarded Message --------\nFrom: Mira <{address(mira)}>\n\nPay them."
    answer = take(letter(address(both), text, subject="Fwd: Invoice"))
    made = db.session.scalars(select(Ticket).where(Ticket.number == answer["ticket"])).one()
    assert made.requester_id == both.id


def test_links_that_let_somebody_in_are_not_passed_on_by_a_quoted_mail(mira, ticket):
    links = ("/portal/link/s3cret-Token_1", "/portal/action/1-2-abcdefgh234")
    quoted = "".join(f"> Answer here: https://desk.example{each}\n" for each in links)
    wrapped = links[1].replace("/", "%2F")
    text = (
        f"See https://desk.example{links[0]} please.\nhttps://safe.example/?url=desk{wrapped}&d=1"
    )
    text += f"\nhttps://safe.example/v2?u=desk{links[0].replace('/', '_')}\n"
    text += f"Mine is https://desk.example/login/link/s3cret-Token_2\n\n{quoted}"
    take(letter(address(mira), text, to=token(ticket, mira)))
    kept = str([each.payload for each in events(ticket)])
    assert "See https://desk.example/portal/link/… please." in kept
    assert "> Answer here: https://desk.example/portal/action/…" in kept
    assert "Mine is https://desk.example/login/link/…" in kept
    assert "s3cret" not in kept
    assert "abcdefgh234" not in kept


def test_an_answer_reopens_within_the_days_and_follows_up_after_them(mira):
    with unit_of_work():
        recent = make.ticket(
            company(mira), category="completed", requester_id=mira.id, closed_at=clock.now()
        )
        old = make.ticket(company(mira), category="completed", requester_id=mira.id)
    assert take(letter(address(mira), "Again!", to=token(recent, mira)))["outcome"] == "reply"
    db.session.expire_all()
    assert recent.category == "open"
    answer = take(letter(address(mira), "Again!", to=token(old, mira)))
    assert (answer["outcome"], answer["ticket"] != old.number) == ("ticket", True)
    made = db.session.scalars(select(Ticket).where(Ticket.number == answer["ticket"])).one()
    assert (made.follows_id, old.category) == (old.id, "completed")
    more = take(letter(address(mira), "And this!", to=token(old, mira)))
    assert (more["outcome"], more["ticket"]) == ("reply", made.number), "it is open"


def test_a_mail_over_which_each_worker_died_is_shown_as_failed_and_decided_anew(mira):
    with unit_of_work():
        received_id = inbox.store(letter(address(mira), "Too much for a worker."))
    job_id = inbox.job_of(received_id)
    for _ in range(jobs.MOST_ATTEMPTS):
        assert jobs.claim(job_id) is not None
        with unit_of_work():
            ended = update(Job).where(Job.id == job_id).values(lease_until=Job.created_at)
            db.session.execute(ended)
    assert jobs.bury() == 1
    row = db.session.get_one(Received, received_id, populate_existing=True)
    assert row.state == "failed"
    assert "workers died over it" in row.problem
    load_handlers()
    with unit_of_work():
        again = inbox.replay(received_id, actor=AGENT)
    assert jobs.run(again)["outcome"] == "ticket"


def test_decisions_are_explained():
    facts = matching.Facts(
        matching.Sender("eve@x.example"), targets=(matching.Target(1, 1001, "subject"),)
    )
    decision = matching.decide(facts)
    assert [step.rule for step in decision.steps] == ["subject-tag", "unknown-sender"]
    assert all(step.said.endswith(".") for step in decision.steps)
