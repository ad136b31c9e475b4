"""How a mail is filed: copies, twins, a second decision, large and broken things, its cost."""

import hashlib
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import SMTP, default

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from app.communications import inbound, inbox
from app.communications.models import Received
from app.companies.account_models import PortalAccount
from app.companies.models import Contact, Membership
from app.core import clock, storage
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import Mail
from app.tickets import commands
from app.tickets import queries as tickets
from app.tickets.models import Event, Subscription
from tests import factories as make
from tests.communications.letters import (
    AGENT,
    address,
    company,
    found,
    letter,
    take,
    token,
)

MOST_TO_OPEN, MOST_TO_ANSWER = 38, 27  # statements, storing and acknowledging included


def test_who_got_a_copy_and_has_access_follows(mira):
    with unit_of_work():
        colleague, stranger = make.contact(company(mira)), make.contact(make.company())
        db.session.add_all(PortalAccount(contact_id=each.id) for each in (colleague, stranger))
    take(letter(address(mira), Cc=f"{address(colleague)}, {address(stranger)}"))
    follows = db.session.scalars(
        select(Subscription.contact_id).where(Subscription.source == "cc")
    ).all()
    assert follows == [colleague.id]


def test_every_mail_of_a_ticket_hangs_on_the_mail_that_opened_it(mira):
    """The acknowledgement too, which is posted in the moment of opening."""
    number = take(letter(address(mira), Message_ID="<root@client.example>"))["ticket"]
    with unit_of_work():
        commands.reply(tickets.locked(number), actor=AGENT, text="We are on it.")
    roots = [mail.headers["References"].split()[0] for mail in db.session.scalars(select(Mail))]
    assert roots == ["<root@client.example>"] * 2


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
    answer = take(letter(f"Mira Lund <{address(mira)}>", subject="Help"))
    assert (answer["outcome"], answer["rule"]) == ("quarantined", "refused")
    held = found("refused")
    assert "archived" in held.problem
    assert (held.sender_name, held.sender, held.subject) == ("Mira Lund", address(mira), "Help")


def test_a_mail_that_could_not_be_decided_tells_who_wrote_and_is_decided_later(mira):
    with unit_of_work():
        received_id = inbox.store(letter(address(mira), subject="Help"))
    faults = [OSError("no more space")]

    @contextmanager
    def step():
        with unit_of_work():
            yield
            if faults:
                raise faults.pop()

    with pytest.raises(OSError, match="no more space"):
        inbound.take_in(received_id, step=step)
    failed = db.session.get_one(Received, received_id)
    assert (failed.state, failed.sender, failed.subject) == ("failed", address(mira), "Help")
    assert inbound.take_in(received_id, step=step)["outcome"] == "ticket"


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


@pytest.mark.parametrize("sign", [b"\0", b"\xff"])
def test_what_no_database_keeps_is_no_reason_to_fail(mira, sign):
    head = f"From: {address(mira)}\r\nSubject: Log\r\n".encode()
    part = b"Content-Type: application/x%sy; name=a.log\r\n\r\nlines\r\n" % sign
    body = b"Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n%s--B--\r\n" % part
    assert take(head + body)["outcome"] == "ticket"
    marked = b"Auto-Submitted: auto-replied%s\r\n" % sign
    assert take(head + marked + body)["rule"] == "automatic"


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
