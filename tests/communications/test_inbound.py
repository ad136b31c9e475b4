"""What becomes of a mail: whose ticket it joins, who is held back, and what machines may not do."""

import hashlib
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes
from email.policy import SMTP, default

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from app.communications import inbound, inbox, matching
from app.communications.models import Received
from app.companies.account_models import CompanyDomain, PortalAccount
from app.companies.models import Company, Contact, ContactEmail, Membership
from app.core import clock, mail, replytokens, storage
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import Mail
from app.tickets import commands
from app.tickets.models import Event, Subscription, Ticket
from app.tickets.subscribing import ensure_subscribed
from tests import factories as make
from tests.communications.letters import SUPPORT, letter, take

RECEIVER = "mx.desk.example"
MOST_TO_OPEN, MOST_TO_ANSWER = 38, 26  # statements, storing and acknowledging included
AGENT = Actor(name="Ada Berg", channel="web")


@pytest.fixture
def desk(app):
    with unit_of_work():
        make.set_up_agency()
        make.mailbox(SUPPORT)
    before = app.extensions["settings"]
    app.extensions["settings"] = replace(before, mail_trusted_receiver=RECEIVER)
    yield
    app.extensions["settings"] = before


@pytest.fixture
def mira(desk):
    with unit_of_work():
        return make.contact(make.company("Northwind"), "Mira Lund")


@pytest.fixture
def ticket(mira):
    with unit_of_work():
        return make.ticket(company(mira), "Printer", requester_id=mira.id)


def company(contact) -> Company:
    return contact.memberships[0].company


def address(contact) -> str:
    return str(contact.emails[0].address)


def events(ticket: Ticket | int) -> list[Event]:
    number = ticket if isinstance(ticket, int) else ticket.number
    db.session.rollback()
    return list(
        db.session.scalars(
            select(Event).join(Ticket).where(Ticket.number == number).order_by(Event.seq)
        )
    )


def messages(ticket: Ticket | int) -> list[str]:
    return [each.payload["text"] for each in events(ticket) if each.kind == "message"]


def found(raw_rule: str) -> Received:
    return db.session.scalars(select(Received).where(Received.rule == raw_rule)).one()


def token(ticket, contact=None, staff=None) -> str:
    made = replytokens.ReplyToken(
        ticket.number, contact.id if contact else None, staff.id if staff else None
    )
    return replytokens.address(SUPPORT, made)


def proved(sender: str) -> str:
    return f"{RECEIVER}; dmarc=pass header.from={sender.rpartition('@')[2]}"


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


def message_id_of(number: int) -> str:
    return db.session.scalars(select(Ticket.mail_root).where(Ticket.number == number)).one()


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
    text = f"See https://desk.example{links[0]} please.\n\n{quoted}"
    take(letter(address(mira), text, to=token(ticket, mira)))
    kept = str([each.payload for each in events(ticket)])
    assert "See https://desk.example/portal/link/… please." in kept
    assert "> Answer here: https://desk.example/portal/action/…" in kept
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
    assert (db.session.scalars(select(Mail.state)).one()) == "bounced"
    assert db.session.scalar(select(ContactEmail.bounced_at)) is not None
    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 1
    take(letter(address(mira), "I am here.", to=token(ticket, mira)))
    db.session.expire_all()
    assert db.session.scalar(select(ContactEmail.bounced_at)) is None


def test_who_got_a_copy_and_has_access_follows(mira):
    with unit_of_work():
        colleague, stranger = make.contact(company(mira)), make.contact(make.company())
        db.session.add_all(PortalAccount(contact_id=each.id) for each in (colleague, stranger))
    take(letter(address(mira), Cc=f"{address(colleague)}, {address(stranger)}"))
    follows = db.session.scalars(
        select(Subscription.contact_id).where(Subscription.source == "cc")
    ).all()
    assert follows == [colleague.id]


def test_a_replay_decides_anew_and_files_once(mira):
    take(letter("ola@late.example", "hi", Precedence="bulk"))
    with pytest.raises(RuleError), unit_of_work():
        inbox.replay(filed(mira), actor=AGENT)
    ignored = found("automatic")
    with unit_of_work():
        inbox.replay(ignored.id, actor=AGENT)
    inbound.take_in(ignored.id, step=unit_of_work)
    assert found("automatic").replays == 1


def filed(contact) -> int:
    take(letter(address(contact)))
    return found("contact").id


def test_of_a_mail_and_its_twin_one_can_be_decided_anew(mira):
    with unit_of_work():
        mira.archived_at = clock.now()
    raw = letter(address(mira))
    take(raw)
    with unit_of_work():
        second = make.mailbox("second@desk.example").id
    assert take(raw, mailbox_id=second, uid_validity=1, uid=1)["rule"] == "duplicate"
    held = found("archived-sender").id
    with unit_of_work():
        db.session.get_one(Contact, mira.id).archived_at = None
        inbox.replay(held, actor=AGENT)
    assert inbound.take_in(held, step=unit_of_work)["outcome"] == "ticket"


def test_two_scans_under_one_id_with_other_files_are_two_mails(mira):
    def scan(content: bytes) -> bytes:
        mail = message_from_bytes(
            letter(address(mira), "Scanned.", Message_ID="<scan@printer>"), policy=default
        )
        mail.add_attachment(content, maintype="image", subtype="png", filename="scan.png")
        return mail.as_bytes()

    answers = [take(scan(content)) for content in (b"one", b"two", b"two")]
    assert [each["rule"] for each in answers] == ["contact", "contact", "duplicate"]


def test_an_archived_contact_s_mail_waits_for_staff(mira):
    with unit_of_work():
        db.session.get(Contact, mira.id).archived_at = clock.now()
    answer = take(letter(address(mira)))
    assert (answer["outcome"], answer["rule"]) == ("quarantined", "archived-sender")


def test_what_a_rule_refuses_is_held_back_with_its_reason(mira):
    with unit_of_work():
        company(mira).archived_at = clock.now()
        db.session.merge(company(mira))
    answer = take(letter(address(mira)))
    assert (answer["outcome"], answer["rule"]) == ("quarantined", "refused")
    assert "archived" in found("refused").problem


def test_empty_and_large_things_are_taken(mira):
    assert take(letter(address(mira), ""))["outcome"] == "ticket"
    assert take(letter(address(mira), "x" * 300_000))["outcome"] == "ticket"
    assert take(letter(address(mira), "hi", subject=""))["outcome"] == "ticket"
    assert take(b"nonsense")["rule"] == "no-sender"
    texts = db.session.scalars(
        select(Event.payload["text"].astext).where(Event.kind == "message").order_by(Event.id)
    ).all()
    assert texts[0] == "(This mail holds no text.)"
    assert texts[1].endswith("[Not shown here, but kept in the raw mail: the rest of the text]")


def test_every_real_mail_is_taken_in(desk, shared_data):
    files = sorted((shared_data / "mail").glob("*.eml"))
    outcomes = {file.name: take(file.read_bytes())["outcome"] for file in files}
    assert set(outcomes.values()) <= {"ticket", "reply", "ignored", "quarantined"}
    assert len(outcomes) > 20
    assert db.session.scalar(select(func.count()).select_from(Received)) == len(files)


def test_the_command_line_takes_a_mail_in(desk, cli):
    raw = letter("Ana <ana@new.example>").decode()
    answer = cli("mail", "ingest", stdin=raw)
    assert answer == {"outcome": "ticket", "ticket": answer["ticket"], "rule": "unknown-sender"}
    assert cli("mail", "ingest", stdin=raw) == answer
    assert "empty" in cli("mail", "ingest", stdin=" ", code=1)["error"]


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


def test_decisions_are_explained():
    facts = matching.Facts(
        matching.Sender("eve@x.example"), targets=(matching.Target(1, 1001, "subject"),)
    )
    decision = matching.decide(facts)
    assert [step.rule for step in decision.steps] == ["subject-tag", "unknown-sender"]
    assert all(step.said.endswith(".") for step in decision.steps)


def test_memberships_are_made_once(desk):
    for _ in range(3):
        take(letter("Ana <ana@new.example>", "again"))
    assert db.session.scalar(select(func.count()).select_from(Membership)) == 1


def test_a_mail_costs_few_statements_whatever_was_said_before(mira, ticket, statements):
    take(letter(address(mira), "Warm-up."))
    costs = []
    for turn in range(4):
        with statements() as asked:
            new = take(letter(address(mira), "New.", subject=f"Another {turn}"))
        opened = len(asked)
        with statements() as asked:
            take(letter(address(mira), "More.", to=token(ticket, mira)))
        costs.append((opened, len(asked), new["outcome"]))
    assert set(costs) == {costs[0]}
    assert costs[0][0] <= MOST_TO_OPEN
    assert costs[0][1] <= MOST_TO_ANSWER


def test_files_are_on_disk_before_the_transaction_that_names_them(mira, ticket):
    log = b"line of a log\n" * 100
    raw = letter(address(mira), "See the log.", to=token(ticket, mira))
    letter_with_log = message_from_bytes(raw, policy=SMTP)
    letter_with_log.add_attachment(log, "text", "plain", filename="log.txt")
    with unit_of_work():
        received_id = inbox.store(letter_with_log.as_bytes())

    @contextmanager
    def impatient():
        with unit_of_work() as session:
            session.execute(text("set local lock_timeout = '100ms'"))
            yield session

    with db.engine.connect() as other:
        other.execute(text("select 1 from received_mail for update"))
        with pytest.raises(OperationalError):
            inbound.take_in(received_id, step=impatient)
        other.rollback()
    db.session.rollback()
    assert storage.path_of(hashlib.sha256(log).hexdigest()).read_bytes() == log
    assert inbound.take_in(received_id, step=unit_of_work)["outcome"] == "reply"
