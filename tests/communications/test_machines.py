"""Mails that machines write: answered sparingly, never in a circle; what came back."""

import pytest
from sqlalchemy import func, select

from app.companies.models import ContactEmail
from app.core import clock, mail
from app.core.db import db, unit_of_work
from app.core.models import Mail
from app.tickets import commands
from app.tickets.models import Ticket
from tests import factories as make
from tests.communications.letters import AGENT, SUPPORT, address, company, letter, take, token

MARKS = [
    {"Auto_Submitted": "auto-replied"},
    {"Precedence": "bulk"},
    {"X_Auto_Response_Suppress": "All"},
    {"List_Id": "<l.example>"},
    {"Return_Path": "<>"},
]


@pytest.mark.parametrize("mark", MARKS, ids=lambda each: next(iter(each)))
def test_an_automatic_mail_opens_reopens_and_answers_nothing(mira, mark):
    with unit_of_work():
        closed = make.ticket(
            company(mira), category="completed", requester_id=mira.id, closed_at=clock.now()
        )
    assert take(letter(address(mira), "I am away.", **mark))["outcome"] == "ignored"
    joined = take(letter(address(mira), "I am away.", to=token(closed, mira), **mark))
    assert (joined["outcome"], joined["rule"]) == ("reply", "automatic-reply")
    db.session.expire_all()
    assert closed.category == "completed"
    assert db.session.scalars(select(Mail.id)).all() == []


def test_what_we_wrote_ourselves_is_ignored(mira, ticket):
    own = letter(address(mira), X_Tallydesk_Instance=mail.instance_mark())
    assert take(own)["rule"] == "own-mail"
    assert take(letter(SUPPORT, "hello"))["rule"] == "own-address"
    with unit_of_work():
        commands.reply(ticket, actor=AGENT, text="Which one?")
        sent_id = db.session.scalars(select(Mail.message_id)).one()
    assert take(letter(address(mira), Message_ID=sent_id))["rule"] == "own-mail"


def test_one_sender_opens_few_tickets_an_hour_and_gets_fewer_acknowledgements(mira):
    answers = [take(letter(address(mira), f"number {n}")) for n in range(13)]
    assert [each["outcome"] for each in answers] == ["ticket"] * 10 + ["quarantined"] * 3
    assert answers[-1]["rule"] == "too-many"
    assert len(db.session.scalars(select(Mail.id)).all()) == 5


def test_a_machine_without_any_mark_does_not_answer_for_ever(mira, ticket):
    raws = [letter(address(mira), f"Away! {n}", to=token(ticket, mira)) for n in range(32)]
    answers = [take(raw)["outcome"] for raw in raws]
    assert answers == ["reply"] * 30 + ["quarantined"] * 2


def test_nobody_who_never_reads_is_answered(desk):
    assert take(letter("no-reply@shop.example"))["outcome"] == "ticket"
    assert db.session.scalars(select(Mail.id)).all() == []


def test_two_desks_face_to_face_send_at_most_one_automatic_mail_each(desk):
    """Both answer each other's mails; each mail goes on to the other side until silence."""
    ours = take(letter("support@other.example", "Our first question"))
    assert ours["outcome"] == "ticket"
    sent = db.session.scalars(select(Mail)).all()
    assert len(sent) == 1
    for _ in range(200):
        back = letter(
            "support@other.example", "We have received your request",
            Auto_Submitted="auto-generated", In_Reply_To=sent[0].message_id,
            X_Tallydesk_Instance="another",
        )  # fmt: skip
        take(back)
    assert len(db.session.scalars(select(Mail.id)).all()) == 1
    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 1


def test_a_responder_without_any_mark_is_silenced_by_the_limits(desk):
    for number in range(40):
        take(letter("robot@other.example", f"Thank you {number}"))
    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 10
    assert len(db.session.scalars(select(Mail.id)).all()) == 5


BOUNCE = """\
From: MAILER-DAEMON@mx.example
Return-Path: <>
Content-Type: multipart/report; report-type=delivery-status; boundary=x

--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 No such
 user

--x
Content-Type: message/rfc822

Message-ID: {message_id}

text
--x--
"""


def test_a_bounce_marks_the_mail_and_flags_the_address(mira, ticket):
    with unit_of_work():
        commands.reply(ticket, actor=AGENT, text="Which one?")
        sent = db.session.scalars(select(Mail)).one()
        sent.state = "sent"
        message_id = sent.message_id
    forged = BOUNCE.format(recipient=address(mira), message_id="<guessed@x>")
    assert take(forged.encode())["rule"] == "bounce"
    elsewhere = BOUNCE.format(recipient="other@x.example", message_id=message_id)
    assert take(elsewhere.encode())["rule"] == "bounce"
    assert not db.session.scalar(select(ContactEmail.bounced_at))
    answer = take(BOUNCE.format(recipient=address(mira), message_id=message_id).encode())
    assert (answer["outcome"], answer["rule"]) == ("ignored", "bounce")
    db.session.expire_all()
    why = "The other side said: 550 5.1.1 No such user"
    assert db.session.execute(select(Mail.state, Mail.reason)).one() == ("bounced", why)
    assert db.session.scalar(select(ContactEmail.bounced_at)) is not None
    assert db.session.scalar(select(ContactEmail.bounce_reason)) == why
    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 1
    take(letter(address(mira), "I am here.", to=token(ticket, mira)))
    db.session.expire_all()
    assert db.session.scalar(select(ContactEmail.bounced_at)) is None
