"""The mails about tickets: to whom, with which headers, in the transaction of what they tell."""

from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser

import pytest
from sqlalchemy import select

from app.communications import actions_queries
from app.communications.action_models import ActionRequest
from app.communications.queries import staff_by_address
from app.communications.replytext import split
from app.companies.account_models import PortalAccount
from app.core import clock, jobs, mail, replytokens
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import RuleError
from app.core.models import Job, Mail
from app.staff.commands import set_members
from app.tickets import (
    client_commands,
    closing_mails,
    commands,
    mail_queries,
    mailtemplates,
    queries,
    sla_queries,
)
from app.tickets.mail_models import Mailbox, MailTemplate
from app.tickets.subscribing import ensure_subscribed, mute, subscribe
from jobs import load_handlers
from tests import factories as make
from tests.core.sink import running_sink

BASE = "support@desk.example"


@pytest.fixture
def agent(app):
    make.set_up_agency()
    make.mailbox(BASE)
    return Actor(name="Ada Berg", staff_id=make.staff("Ada Berg").id, channel="web")


@pytest.fixture
def client_company(agent):
    return make.company("Northwind")


@pytest.fixture
def mira(client_company):
    return make.contact(client_company, "Mira Lund")


@pytest.fixture
def ticket(client_company, mira):
    return make.ticket(client_company, "Printer on fire", requester_id=mira.id)


def mails() -> list[Mail]:
    return list(db.session.scalars(select(Mail).order_by(Mail.id)))


def tell_closed() -> None:
    """What is due once a closing can no longer be undone."""
    for payload in db.session.scalars(select(Job.payload).where(Job.kind == closing_mails.TELL)):
        for event_id in payload["events"]:
            closing_mails.tell(event_id)


def address_of(contact) -> str:
    return str(contact.emails[0].address)


def by(contact) -> Actor:
    return Actor(name=contact.name, contact_id=contact.id, channel="portal")


def test_whoever_is_added_is_told_by_whom_and_how_it_is_stopped(agent, mira, client_company):
    """Once, with what was said; not who adds themselves, nor who was added by a mail's copy."""
    bo, cy = (make.contact(client_company, name) for name in ("Bo Lind", "Cy Dahl"))
    for contact in (bo, cy):
        db.session.add(PortalAccount(contact_id=contact.id))
    db.session.flush()
    opened = client_commands.open_request(
        actor=by(mira), subject="Printer", text="It is on fire.", notify=[bo.id]
    )
    subscribe(opened, actor=agent, contact_id=cy.id, source="staff")
    subscribe(opened, actor=agent, contact_id=cy.id, source="staff")
    db.session.commit()
    found = {mail.recipient: mail for mail in mails() if "added you" in mail.subject}
    assert set(found) == {address_of(bo), address_of(cy)}
    told = found[address_of(bo)]
    assert told.subject == f"Notification: [#{opened.number}] Mira Lund has added you to: Printer"
    assert "On its page you can stop them." in told.body
    assert "> It is on fire." in told.body
    assert "Ada Berg has added you" in found[address_of(cy)].body
    commands.reply(opened, actor=agent, text="Help is near.")
    db.session.commit()
    feet = {mail.recipient: mail.body for mail in mails() if "Help is near." in mail.body}
    assert "stop its mails in the portal" in feet[address_of(bo)]
    assert "stop its mails" not in feet[address_of(mira)]


def test_who_may_not_sign_in_any_more_is_mailed_nothing_and_is_no_staff_by_mail(app, ticket):
    user = make.user("Agent", name="gone")
    gone, team = make.staff_of(user), make.department()
    ticket.assignee, ticket.department = gone, team
    set_members(team, actor=Actor(), staff_ids=[gone.id])
    asked = ActionRequest(staff_id=gone.id, kind="approve", ticket=ticket)

    def known() -> list[bool]:
        db.session.flush()
        with db.session.no_autoflush:
            return [
                bool(mail_queries.staff_of(ticket)),
                bool(sla_queries.warned_people([ticket.id])),
                bool(actions_queries.askers_of(asked)),
                staff_by_address(gone.email) is not None,
            ]

    assert known() == [True] * 4
    user.active = False
    assert known() == [False] * 4


def test_what_looks_like_a_password_is_mailed_to_nobody(agent, mira, client_company):
    """Neither as what is told, nor as what was said before, nor in a subject; all else is."""
    bo = make.contact(client_company, "Bo Lind")
    opened = client_commands.open_request(
        actor=by(mira),
        subject="Website, password: hunter2",
        text="It asks me who I am.\nPasswort: hunter3!\nThank you",
    )
    ensure_subscribed(opened, contact_id=bo.id, source="colleague")
    opened.assignee = make.staff("Cy", email="cy@agency.example")
    client_commands.reply_as_contact(opened, actor=by(mira), text="Or mot de passe : hunter4")
    commands.reply(opened, actor=agent, text="You now have\npassword = hunter5")
    db.session.commit()
    found = mails()
    assert len({mail.recipient for mail in found}) == 3
    everything = "".join(f"{mail.subject}{mail.body}{mail.html}" for mail in found)
    assert "hunter" not in everything
    for kept in (
        "It asks me who I am.",
        "Thank you",
        "Website, password: ••••••••",
        "password = •",
    ):
        assert kept in everything


def test_what_staff_open_for_a_client_is_mailed_to_them(agent, client_company, mira):
    opened = commands.open_ticket(
        actor=agent, subject="A new logo", requester_id=mira.id, message="As told on the phone."
    )
    [told] = mails()
    assert told.recipient == address_of(mira)
    assert "Notification" in told.subject
    assert f"[#{opened.number}]" in told.subject
    assert "As told on the phone." in told.body
    commands.open_ticket(actor=agent, subject="Without a word", requester_id=mira.id)
    assert len(mails()) == 1


def test_a_reply_goes_to_each_who_follows_and_to_nobody_else(agent, client_company, mira, ticket):
    follows, muted, elsewhere = (make.contact(client_company) for _ in range(3))
    stranger = make.contact(make.company("Other"))
    for person in (follows, muted, stranger):
        ensure_subscribed(ticket, contact_id=person.id, source="colleague")
    mute(ticket, contact_id=muted.id, muted=True)
    event = commands.reply(ticket, actor=agent, text="We are on it.")
    assert {row.recipient for row in mails()} == {address_of(mira), address_of(follows)}
    assert {row.event_id for row in mails()} == {event.id}
    assert {row.state for row in mails()} == {"queued"}
    assert address_of(elsewhere) not in {row.recipient for row in mails()}


def test_an_internal_note_never_leaves(agent, ticket):
    commands.add_note(ticket, actor=agent, text="The client is difficult.")
    assert mails() == []
    commands.reply(ticket, actor=agent, text="We are on it.")
    assert "difficult" not in "".join(f"{row.body}{row.html}" for row in mails())


def test_what_a_person_writes_keeps_the_subject_and_is_no_automatic_mail(agent, ticket):
    commands.reply(ticket, actor=agent, text="We are on it.")
    [row] = mails()
    assert row.subject == f"[#{ticket.number}] Printer on fire"
    assert not row.is_automatic
    message = composed(row)
    assert message["Auto-Submitted"] is None
    assert message["From"] == "Fjord & Partners <no-reply@127.0.0.1>"
    assert message["X-Tallydesk-Instance"] == mail.instance_mark()


def test_automatic_mails_say_so(agent, ticket):
    commands.change_status(ticket, actor=agent, status=queries.first_status("resolved"))
    tell_closed()
    [row] = mails()
    assert row.subject.startswith(f"Notification: [#{ticket.number}] Your request is solved: ")
    message = composed(row)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"


def composed(row: Mail):
    names = mail.Outgoing.__dataclass_fields__
    outgoing = mail.Outgoing(**{name: getattr(row, name) for name in names})
    sent = mail.compose(outgoing, sender="no-reply@x.example", files=())
    return BytesParser(policy=policy.default).parsebytes(sent.as_bytes())


def test_an_answer_and_its_status_are_one_mail(agent, ticket):
    commands.reply(ticket, actor=agent, text="Done.")
    commands.change_status(ticket, actor=agent, status=queries.first_status("resolved"))
    tell_closed()
    assert [row.subject for row in mails()] == [f"[#{ticket.number}] Printer on fire"]


def test_the_reply_address_names_ticket_and_reader_and_cannot_be_forged(agent, mira, ticket):
    commands.reply(ticket, actor=agent, text="We are on it.")
    address = composed(mails()[0])["Reply-To"].addresses[0].addr_spec
    token = replytokens.read(address)
    assert address.startswith("support+")
    assert token == replytokens.ReplyToken(ticket.number, contact_id=mira.id)
    for forged in (
        address.replace(str(ticket.number), str(ticket.number + 1)),
        address.replace(f"-c{mira.id}-", f"-s{mira.id}-"),
        "support+1001-c1@desk.example",
        BASE,
    ):
        assert replytokens.read(forged) is None


def test_five_replies_are_one_thread_on_the_wire(app, agent, mira, ticket):
    load_handlers()
    ticket.mail_root = "<first@client.example>"
    with running_sink() as sink:
        app.extensions["settings"] = replace(app.extensions["settings"], smtp_url=sink.url)
        try:
            for number in range(5):
                commands.reply(ticket, actor=agent, text=f"Answer {number}")
                client_commands.reply_as_contact(
                    ticket, actor=by(mira), text="ok", more={"message_id": f"<c{number}@x>"}
                )
            db.session.commit()
            jobs.run_due()
        finally:
            app.extensions["settings"] = replace(app.extensions["settings"], smtp_url="")
    assert len(sink.received) == 5
    for message in sink.received:
        assert message["References"].split()[0] == "<first@client.example>"
        assert message["In-Reply-To"] == message["References"].split()[-1]
        assert f"[#{ticket.number}]" in message["Subject"]
        assert message.get_body(("plain",))
        assert message.get_body(("html",))
    assert len(set(sink.message_ids)) == 5
    assert sink.received[4]["In-Reply-To"] == "<c3@x>"


def test_the_history_holds_what_the_client_can_see(agent, mira, ticket):
    client_commands.reply_as_contact(ticket, actor=by(mira), text="It burns & smokes <b>")
    commands.add_note(ticket, actor=agent, text="internal matter")
    commands.reply(ticket, actor=agent, text="We are on it.")
    row = mails()[-1]
    assert "> It burns & smokes <b>" in row.body
    assert "It burns &amp; smokes &lt;b&gt;" in row.html
    assert "internal matter" not in row.body + row.html


def test_staff_read_in_their_own_zone_when_something_was_said(agent, client_company, mira):
    worker = make.staff("Bo", email="bo@agency.example", zone="Asia/Tokyo")
    ticket = make.ticket(client_company, requester_id=mira.id, assignee_id=worker.id)
    with clock.frozen(datetime(2026, 3, 2, 12, 30, tzinfo=UTC)):
        commands.reply(ticket, actor=agent, text="Which printer?")
        client_commands.reply_as_contact(ticket, actor=by(mira), text="The big one.")
    [told] = [row for row in mails() if row.recipient == "bo@agency.example"]
    assert "21:30" in told.body


def test_our_own_mail_quoted_back_is_found_to_be_a_quote(agent, ticket):
    commands.reply(ticket, actor=agent, text="Which printer?")
    quoted = "\n".join(f"> {line}" for line in mails()[0].body.split("\n"))
    found = split(f"The big one.\n\nOn Mon, 1 Jan 2026 at 10:00, Desk wrote:\n{quoted}")
    assert found.visible == "The big one."
    assert split(f"The big one.\n\n{mails()[0].body}").visible == "The big one."


def test_a_colleague_and_the_staff_hear_of_a_client_s_answer_but_not_its_author(
    agent, client_company, mira
):
    colleague = make.contact(client_company)
    worker = make.staff("Bo", email="bo@agency.example")
    ticket = make.ticket(client_company, requester_id=mira.id, assignee_id=worker.id)
    ensure_subscribed(ticket, contact_id=colleague.id, source="colleague")
    client_commands.reply_as_contact(ticket, actor=by(mira), text="Still burning.")
    assert {row.recipient: row.is_automatic for row in mails()} == {
        address_of(colleague): False,
        "bo@agency.example": True,
    }
    token = replytokens.read(composed(mails()[-1])["Reply-To"].addresses[0].addr_spec)
    assert token == replytokens.ReplyToken(ticket.number, staff_id=worker.id)


def test_staff_are_told_who_writes_for_the_company_and_who_does_not(agent, client_company, mira):
    worker = make.staff("Bo", email="bo@agency.example")
    eve = make.contact(make.company("Elsewhere"), "Eve")
    ticket = make.ticket(client_company, requester_id=mira.id, assignee_id=worker.id)
    for person, place in ((mira, client_company.name), (eve, f"{address_of(eve)}, not of ")):
        client_commands.reply_as_contact(ticket, actor=by(person), text="I want in.")
        told = [row.body for row in mails() if row.recipient == "bo@agency.example"][-1]
        assert f"{person.name} ({place}" in told


def test_an_automatic_answer_of_a_client_tells_nobody_not_even_later(agent, client_company, mira):
    worker = make.staff("Bo", email="bo@agency.example")
    ticket = make.ticket(client_company, requester_id=mira.id, assignee_id=worker.id)
    client_commands.reply_as_contact(ticket, actor=by(mira), text="I am away.", reopens=False)
    assert mails() == []
    client_commands.reply_as_contact(ticket, actor=by(mira), text="I am back.")
    [told] = mails()
    assert "I am back." in told.body
    assert "I am away." not in told.body


def test_a_request_is_acknowledged_once_and_what_comes_by_mail_not_endlessly(agent, mira):
    for number, origin in enumerate([*["portal"] * 7, *["mail"] * 8, "api"]):
        client_commands.open_request(
            actor=by(mira), subject=f"Request {number}", text="help", origin=origin
        )
    assert [row.subject.partition("]")[2] for row in mails()] == [
        f" We have received your request: Request {number}" for number in [*range(12), 15]
    ]
    assert all(row.is_automatic for row in mails())


def test_who_does_not_come_in_gets_no_link_to_the_door(agent, client_company, mira):
    """By mail they answer; where no mail is read, they are told whom to write to."""
    bo = make.contact(client_company, "Bo")
    db.session.add(PortalAccount(contact_id=bo.id))
    make.set_up_agency(email="hello@fjord.example", address="1 Pier Road\n+47 22 33 44 55")
    portal_only = make.department()
    portal_only.reply_mode = "portal"
    for department_id in (None, portal_only.id):
        for contact in (mira, bo):
            client_commands.open_request(
                actor=by(contact), subject="Help", text="please", department_id=department_id
            )
    by_mail, with_access, without_mail, in_portal = mails()
    for row in (with_access, in_portal):
        assert row.body.count("/portal/requests/") == 2
        assert "see it at any time" in row.html
    for row in (by_mail, without_mail):
        assert "We have received your request" in row.subject
        assert "we have received your request" in row.body
        for words in ("see it at any time", "/portal/", "href"):
            assert words not in row.body + row.html
    assert "-- \nAnswer this mail.\n" in by_mail.body
    said = "Write to us: hello@fjord.example, 1 Pier Road, +47 22 33 44 55"
    assert said in without_mail.body
    assert said in without_mail.html


def test_portal_only_says_so_and_still_has_an_address(agent, client_company, mira):
    db.session.add(PortalAccount(contact_id=mira.id))
    portal_only = make.department()
    portal_only.reply_mode = "portal"
    ticket = make.ticket(client_company, requester_id=mira.id, department_id=portal_only.id)
    commands.reply(ticket, actor=agent, text="See there.")
    [row] = mails()
    assert "See the request, and answer, in the portal" in row.body
    assert "above this line" not in row.body
    assert replytokens.read(row.headers["Reply-To"].partition("<")[2].strip(">")) is not None


def test_a_refused_reply_mails_nothing(agent, ticket):
    with pytest.raises(RuleError):
        commands.reply(ticket, actor=agent, text="  ")
    assert mails() == []


def test_demo_data_is_never_mailed(agent, ticket):
    commands.reply(ticket, actor=replace(agent, channel="demo"), text="Hello")
    assert mails() == []


def test_files_go_along(agent, ticket):
    commands.reply(ticket, actor=agent, text="See", files=[commands.Upload("a.txt", b"hello")])
    [row] = mails()
    assert [each["name"] for each in row.attachments] == ["a.txt"]


def test_the_agency_s_own_words_are_used(agent, ticket):
    db.session.add(
        MailTemplate(
            kind="answered",
            subject="About {number}",
            body="Hi {recipient}!\n\n{message}\n\nAgain:\n\n{message}",
        )
    )
    commands.reply(ticket, actor=agent, text="{agency} {{7*7}} {number}")
    [row] = mails()
    assert row.subject == f"[#{ticket.number}] About {ticket.number}"
    assert "Hi Mira Lund!" in row.body
    for part in (row.body, row.html):
        assert part.count("{agency} {{7*7}} {number}") == 2, "what people write is no template"
        assert "{message}" not in part


@pytest.mark.parametrize(
    ("kind", "subject", "body", "words"),
    [
        ("answered", "x", "no message", "{message}"),
        ("answered", "{message}", "{message}", "The subject names {message}"),
        ("acknowledged", "x", "{{config}}", "names {config}"),
        ("acknowledged", "x", "{ticket.__class__}", "names {ticket.__class__}"),
        ("acknowledged", "x", "{total} by {author}", "names {author}, which this mail does not"),
        ("asked", "{total}", "{message}", "names {total}"),
        ("acknowledged", "", "x", "subject is empty"),
        ("acknowledged", "x", " ", "text is empty"),
        ("solved", "x" * 201, "y" * 10_001, "at most"),
    ],
)
def test_unusable_templates_are_refused_with_reasons(kind, subject, body, words):
    assert words in " ".join(mailtemplates.problems(kind, subject, body))


@pytest.mark.parametrize("template", mailtemplates.TEMPLATES.values(), ids=lambda each: each.kind)
def test_our_own_templates_are_usable(template):
    assert mailtemplates.problems(template.kind, template.subject, template.body) == []


def test_the_mailbox_of_the_department_is_the_address(agent, client_company, mira):
    of_billing = make.department("Billing desk")
    make.mailbox("bills@desk.example", department_id=of_billing.id)
    assert db.session.scalars(select(Mailbox.address)).all()
    ticket = make.ticket(client_company, requester_id=mira.id, department_id=of_billing.id)
    commands.reply(ticket, actor=agent, text="Hello")
    assert "<bills+" in mails()[0].headers["Reply-To"]


@pytest.fixture
def house(client_company):
    """Two departments of Northwind."""
    return [
        make.company(name, parent_id=client_company.id, kind="department")
        for name in ("Sales", "Store")
    ]


def test_a_follower_of_a_sister_department_gets_the_mails_of_what_they_see(agent, house):
    sales, store = house
    ana, bo = make.contact(sales, "Ana"), make.contact(store, "Bo")
    ticket = make.ticket(sales, requester_id=ana.id)
    ensure_subscribed(ticket, contact_id=bo.id, source="colleague")
    commands.reply(ticket, actor=agent, text="We are on it.")
    assert {row.recipient for row in mails()} == {address_of(ana), address_of(bo)}


def test_whose_place_or_access_has_ended_gets_no_mail(agent, client_company, mira, ticket):
    left, closed = (make.contact(client_company) for _ in range(2))
    for person in (left, closed):
        ensure_subscribed(ticket, contact_id=person.id, source="colleague")
    left.memberships[0].valid_to = clock.today()
    db.session.add(PortalAccount(contact_id=closed.id, closed_at=clock.now()))
    db.session.flush()
    commands.reply(ticket, actor=agent, text="We are on it.")
    assert {row.recipient for row in mails()} == {address_of(mira)}


def test_a_requester_whose_access_has_ended_gets_no_mail(agent, client_company, mira, ticket):
    colleague = make.contact(client_company)
    ensure_subscribed(ticket, contact_id=colleague.id, source="colleague")
    db.session.add(PortalAccount(contact_id=mira.id, closed_at=clock.now()))
    db.session.flush()
    commands.reply(ticket, actor=agent, text="We are on it.")
    assert {row.recipient for row in mails()} == {address_of(colleague)}


def test_a_follower_of_a_sister_department_goes_on_with_what_was_closed_long_ago(agent, house):
    sales, store = house
    ana, bo = make.contact(sales, "Ana"), make.contact(store, "Bo")
    closed = make.ticket(sales, requester_id=ana.id, category="completed")
    ensure_subscribed(closed, contact_id=bo.id, source="colleague")
    answered = client_commands.reply_as_contact(closed, actor=by(bo), text="It is back.")
    assert answered.is_new
    assert (answered.ticket.company_id, answered.ticket.requester_id) == (sales.id, bo.id)
