"""The outbox against a real SMTP server: nothing lost, nothing sent that was called back."""

import socket
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.core import jobs, mail, mailer, storage
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import AuditLog, Job, Mail
from jobs import load_handlers
from tests.core.sink import free_port, running_sink

CLERK = Actor(name="Clerk")


@pytest.fixture(autouse=True)
def _handlers():
    load_handlers()
    mailer._silent_until.clear()


@pytest.fixture
def smtp(app):
    """A sink that the application sends to."""
    with running_sink() as sink:
        yield from _using(app, sink.url, sink)


def _using(app, url, value):
    kept = app.extensions["settings"]
    app.extensions["settings"] = replace(
        kept, smtp_url=url, mail_from="Atelier Nord <a@nord.example>"
    )
    yield value
    app.extensions["settings"] = kept


def letter(recipient="ana@client.example", key="invoice:1", **changes):
    values = {
        "word": "ACTION",
        "subject": "Invoice INV-2026-00001 of 120.00 EUR",
        "body": "Please pay.",
        "recipient": recipient,
        "recipient_name": 'Ana Ø. O\'Neil, "CFO"',
        "dedupe_key": key,
    }
    return mail.Letter(**(values | changes))


def posted(*letters, **options):
    with unit_of_work():
        return mail.post(letters, **options)


def the_mail(**where):
    return db.session.scalars(
        select(Mail).filter_by(**where).execution_options(populate_existing=True)
    ).one()


def make_due():
    with unit_of_work():
        db.session.execute(update(Job).values(due_at=Job.created_at))


def test_a_mail_reaches_its_recipient_as_written(smtp):
    with unit_of_work():
        file_id = storage.put(b"%PDF-1.7 bytes", media_type="application/pdf")
        mail.post(
            [letter(attachments=({"name": "INV.pdf", "file_id": file_id},), html="<p>Pay</p>")]
        )
    jobs.run_due()
    (message,) = smtp.received
    row = the_mail()
    assert row.state == "sent"
    assert row.sent_at
    assert row.reason is None
    assert message["Message-ID"] == row.message_id
    assert message["Subject"] == "ACTION: Invoice INV-2026-00001 of 120.00 EUR"
    assert message["From"].addresses[0].addr_spec == "a@nord.example"
    assert message["To"].addresses[0].display_name == 'Ana Ø. O\'Neil, "CFO"'
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_body(("plain",)).get_content().strip() == "Please pay."
    (attached,) = message.iter_attachments()
    assert attached.get_content() == b"%PDF-1.7 bytes"
    assert attached.get_filename() == "INV.pdf"


def test_the_same_occasion_is_posted_once(smtp):
    assert posted(letter(), letter("bo@client.example", key="invoice:1:bo")) == 2
    assert posted(letter(), letter("cy@client.example", key="invoice:1:cy")) == 1
    jobs.run_due()
    assert sorted(smtp.recipients) == [
        "ana@client.example", "bo@client.example", "cy@client.example",
    ]  # fmt: skip


def test_a_business_transaction_that_fails_posts_no_mail(app):
    def fails():
        with unit_of_work():
            mail.post([letter()])
            raise RuleError("no")

    with pytest.raises(RuleError, match="no"):
        fails()
    assert not db.session.scalars(select(Mail)).all()
    assert not db.session.scalars(select(Job)).all()


def test_posting_takes_the_same_statements_for_one_and_for_two_hundred(app, statements):
    with statements() as few:
        posted(letter(key="one"))
    with statements() as many:
        posted(*(letter(f"p{n}@client.example", key=f"many:{n}") for n in range(200)))
    assert len(few) == len(many) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Hello\r\nBcc: all@example.com"},
        {"subject": "Hello\u2028Bcc: all@example.com"},
        {"headers": {"Reply-To": "a@b.example\nBcc: c@d.example"}},
        {"headers": {"X\nBcc": "c@d.example"}},
        {"recipient": "ana@client.example\r\nRCPT TO:<x@y.example>"},
    ],
)
def test_what_would_inject_a_header_is_refused(app, changes):
    with pytest.raises(RuleError, match="line break"):
        posted(letter(key="good"), letter(**changes))
    assert not db.session.scalars(select(Mail)).all()


@pytest.mark.parametrize(
    "wrong", ["ana", "a b@client.example", "ana@client.example, bo@client.example", "@x", "a@"]
)
def test_an_unusable_address_stops_nobody_and_is_shown(smtp, wrong):
    posted(letter(wrong, key="wrong"), letter("bo@client.example", key="right"))
    jobs.run_due()
    assert smtp.recipients == ["bo@client.example"]
    assert "no usable e-mail address" in the_mail(state="failed").reason


WORDS = st.lists(st.text(max_size=12) | st.sampled_from(["—", "Größe", "& co", "plain"]))


@given(name=st.text(max_size=30), subject=st.text(max_size=80) | WORDS.map(" ".join))
@example(
    name="",
    subject="[#501] Wir brauchen Ihre Antwort bis 30. Nov. 2026: Türen {{7*7}} & co — Ω 漢",
)
@example(name="", subject="[#5003] We have received your request: the printer on floor two")
@examples(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_accepted_survives_the_wire(app, name, subject):
    try:
        row = mail._row(letter(recipient_name=name, subject=mail.one_line(subject)))
    except RuleError:
        return
    outgoing = mail.Outgoing(
        id=1,
        created_at=mail.now(),
        **{key: row[key] for key in mail.Outgoing.__dataclass_fields__ if key in row},
    )
    sent = mail.compose(outgoing, sender="a@nord.example", files=())
    raw = sent.as_bytes()
    read = message_from_bytes(raw, policy=policy.default)
    assert read["Subject"] == row["subject"].rstrip()
    assert b"Subject:\r\n" not in raw
    assert b"??=" not in raw.partition(b"Subject:")[2].partition(b"\r\nDate:")[0]
    assert [a.addr_spec for a in read["To"].addresses] == ["ana@client.example"]
    assert sorted(set(read.keys())) == sorted(set(sent.keys()))
    assert read["Bcc"] is None


@pytest.mark.parametrize(
    ("domain", "sent_to"),
    [
        ("müller.example", "xn--mller-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),  # strasse.example is somebody else's
        ("under_score.example", "under_score.example"),
    ],
)
def test_a_domain_in_another_script_is_sent_in_ascii(smtp, domain, sent_to):
    posted(letter(f"info@{domain}"))
    jobs.run_due()
    assert smtp.recipients == [f"info@{sent_to}"]


def test_one_refused_recipient_does_not_stop_the_others(smtp):
    smtp.answers["gone@client.example"] = "550 5.1.1 No such user"
    posted(*(letter(f"{who}@client.example", key=who) for who in ("ana", "gone", "cy")))
    jobs.run_due()
    assert sorted(smtp.recipients) == ["ana@client.example", "cy@client.example"]
    failed = the_mail(state="failed")
    assert failed.recipient == "gone@client.example"
    assert "550" in failed.reason
    assert "No such user" in failed.reason
    make_due()
    assert jobs.run_due() == 0, "a refusal for good is not repeated by itself"


@pytest.mark.parametrize("answer", ["421 Closing", "451 Greylisted, try again"])
def test_a_busy_server_is_asked_again_with_the_same_message_id(smtp, answer):
    smtp.answers["*"] = answer
    posted(letter())
    jobs.run_due()
    row = the_mail(state="queued")
    assert answer[:3] in row.reason
    job = db.session.get(Job, row.job_id)
    assert job.state == "new"
    assert job.due_at - jobs.database_now() > timedelta(seconds=50)
    smtp.answers.clear()
    make_due()
    jobs.run_due()
    assert smtp.message_ids == [row.message_id]
    assert the_mail(state="sent").attempts == 2


def test_a_server_that_is_down_keeps_nobody_waiting_and_drains_later(app):
    port = free_port()
    for _ in _using(app, f"smtp://127.0.0.1:{port}", None):
        posted(*(letter(f"p{n}@client.example", key=f"k{n}") for n in range(3)))
        jobs.run_due()
        reasons = {row.reason for row in db.session.scalars(select(Mail))}
        assert any("Connection refused" in reason for reason in reasons)
        assert {row.state for row in db.session.scalars(select(Mail))} == {"queued"}
    mailer._silent_until.clear()
    with running_sink() as sink:
        for _ in _using(app, sink.url, sink):
            make_due()
            jobs.run_due()
    assert len(sink.recipients) == 3


def test_a_server_that_leaves_in_the_middle_is_said_to_have_closed_the_connection(smtp):
    smtp.leaves_at_data = True
    posted(letter())
    jobs.run_due()
    assert the_mail(state="queued").reason.endswith("broke off: it closed the connection.")


def test_only_the_mail_that_met_the_silent_server_was_tried(app):
    for _ in _using(app, f"smtp://127.0.0.1:{free_port()}", None):
        posted(letter(key="met"), letter("bo@client.example", key="spared"))
        jobs.run_due()
    rows = sorted(db.session.scalars(select(Mail)), key=lambda row: row.attempts)
    assert [row.attempts for row in rows] == [0, 1]
    assert "a moment ago" in rows[0].reason
    with unit_of_work():
        assert mail.undo([row.id for row in rows], CLERK) == 1, "the spared one can be called back"


def test_a_server_that_hangs_is_given_up_and_left_alone(app):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        hanging = mailer.SmtpMailer(f"smtp://127.0.0.1:{deaf.getsockname()[1]}", timeout=0.3)
        for said in ("did not answer in time", "a moment ago"):
            with pytest.raises(mailer.NotNowError, match=said):
                hanging.deliver(mailer.EmailMessage(), recipient="a@b.example", mail_id=1)


def test_the_last_attempt_fails_the_mail_for_people_to_see(smtp):
    smtp.answers["*"] = "451 Never"
    posted(letter())
    with unit_of_work():
        db.session.execute(update(Job).values(attempts=jobs.MOST_ATTEMPTS - 1))
    jobs.run_due()
    assert the_mail().state == "failed"
    assert db.session.get(Job, the_mail().job_id).state == "dead"


def test_a_mail_fails_with_its_job_whatever_ended_that(app):
    posted(letter())
    with unit_of_work():
        db.session.execute(update(Job).values(attempts=jobs.MOST_ATTEMPTS - 1))
    for _ in _using(app, "smtp://mail.example:none", None):
        jobs.run_due()
    row = the_mail()
    assert row.state == "failed"
    assert "Port could not be cast" in row.reason


def test_a_mail_over_which_each_worker_died_has_failed_and_is_sent_again(smtp):
    posted(letter(), letter("bo@client.example", key="other"), delay=mail.UNDO)
    job_id = the_mail(recipient="ana@client.example").job_id
    for _ in range(jobs.MOST_ATTEMPTS):
        assert jobs.claim(job_id) is not None
        with unit_of_work():
            ended = update(Job).where(Job.id == job_id).values(lease_until=Job.created_at)
            db.session.execute(ended)
    assert jobs.bury() == 1
    failed = the_mail(state="failed")
    assert "workers died over it" in failed.reason
    assert the_mail(state="queued").recipient == "bo@client.example"
    with unit_of_work():
        mail.resend(failed.id, CLERK, key="n1")
    jobs.run_due()
    assert smtp.message_ids == [failed.message_id]


def test_a_mails_failed_job_tries_again_but_never_beside_another_one(smtp):
    smtp.answers["*"] = "550 No"
    posted(letter())
    jobs.run_due()
    first = the_mail(state="failed").job_id
    with unit_of_work():
        jobs.retry(first)
    assert the_mail().state == "queued"
    jobs.run_due()
    with unit_of_work():
        mail.resend(the_mail(state="failed").id, CLERK, key="n1")
        jobs.retry(first)
    smtp.answers.clear()
    assert jobs.run_due() == 2
    assert len(smtp.received) == 1


def test_a_mail_can_be_called_back_until_it_is_sent(smtp):
    posted(letter(), delay=mail.UNDO)
    assert jobs.run_due() == 0
    row = the_mail()
    with unit_of_work():
        assert mail.undo([row.id], CLERK) == 1
    make_due()
    jobs.run_due()
    assert not smtp.received
    assert the_mail().state == "undone"
    assert db.session.scalars(select(AuditLog).where(AuditLog.action == "mail.undo")).one()


def test_a_mail_that_is_out_cannot_be_called_back(smtp):
    posted(letter())
    jobs.run_due()
    with unit_of_work():
        assert mail.undo([the_mail().id], CLERK) == 0
    assert the_mail().state == "sent"


def test_a_failed_mail_is_sent_again_under_its_own_id(smtp):
    smtp.answers["*"] = "550 No"
    posted(letter())
    jobs.run_due()
    failed = the_mail(state="failed")
    smtp.answers.clear()
    with unit_of_work():
        assert mail.resend(failed.id, CLERK, key="n1") == failed.id
    jobs.run_due()
    assert smtp.message_ids == [failed.message_id]


def test_a_sent_mail_is_sent_again_as_a_new_one_once(smtp):
    posted(letter())
    jobs.run_due()
    first = the_mail()
    with unit_of_work():
        again = mail.resend(first.id, CLERK, key="n1")
        assert mail.resend(first.id, CLERK, key="n1") == again
    jobs.run_due()
    assert len(smtp.received) == len(set(smtp.message_ids)) == 2
    with unit_of_work(), pytest.raises(RuleError, match="no mail 77"):
        mail.resend(77, CLERK, key="n1")


def test_without_a_server_the_mail_is_kept_as_a_file(app):
    posted(letter())
    jobs.run_due()
    row = the_mail(state="kept")
    kept = message_from_bytes(mailer.kept_file(row.id).read_bytes(), policy=policy.default)
    assert kept["Message-ID"] == row.message_id
    assert kept["To"].addresses[0].addr_spec == "ana@client.example"
