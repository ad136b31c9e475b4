"""Working the queue: saved views, undo of a bulk change, canned replies, merging by page."""

import re
from datetime import timedelta

import pytest
from markupsafe import escape
from sqlalchemy import select, text, update

from app.core import clock, forms
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.tickets import client_commands, commands, saved_views
from app.tickets.models import Ticket
from app.tickets.queue_models import BulkChange, CannedReply, SavedView
from app.tickets.request_models import RequestType
from tests import factories as make
from tests.web.people import client_in, fresh, person, portal_account, signed_in


def post(browser, url, **data):
    return browser.post(url, data={"nonce": forms.new_nonce(), **data})


def page_of(browser, url):
    return browser.get(url).get_data(as_text=True)


def tab(page, name):
    """The number beside a view of the queue."""
    found = re.search(rf">\s*{name}\s*<[^>]*>\s*(\d+)", page)
    return int(found[1]) if found else None


def test_a_view_is_saved_counted_and_opened(agent, fjord):
    browser, own = agent
    with unit_of_work():
        for priority in ("urgent", "urgent", "low"):
            make.ticket(fjord, priority=priority)
    answer = post(browser, "/tickets/views", name="Urgent ones", view="open", priority="urgent")
    with fresh():
        view = db.session.scalars(select(SavedView)).one()
    assert (view.staff_id, view.address) == (own, {"view": "open", "priority": "urgent"})
    assert f"saved={view.id}" in answer.location
    page = page_of(browser, answer.location)
    assert tab(page, "Urgent ones") == 2
    assert page.count('class="ticket-row"') == 2
    assert "is deleted" in page_of(
        browser, post(browser, f"/tickets/views/{view.id}", do="delete").location
    )
    assert "Urgent ones" not in page_of(browser, "/tickets/?view=open")


def test_own_views_are_for_their_owner_and_shared_ones_for_all(app, browser, fjord):
    post(browser, "/tickets/views", name="Mine alone", view="open", priority="low")
    post(browser, "/tickets/views", name="For all", view="open", priority="high", shared="y")
    other = signed_in(app, person("Manager"))
    page = page_of(other, "/tickets/")
    assert "For all" in page
    assert "Mine alone" not in page
    reader = signed_in(app, person("Billing"))
    refused = post(reader, "/tickets/views", name="B", view="open", shared="y")
    assert "may not share views" in refused.text
    with fresh():
        own = db.session.scalars(select(SavedView).where(SavedView.staff_id.is_not(None))).one()
    assert (
        other.post(f"/tickets/views/{own.id}", data={"nonce": forms.new_nonce()}).status_code == 404
    )


def test_what_others_share_leaves_room_for_own_views(app, browser):
    post(browser, "/tickets/views", name="Mine alone", view="open", priority="low")
    other = signed_in(app, person("Manager"))
    for number in range(saved_views.MOST):
        post(other, "/tickets/views", name=f"For all {number}", view="open", shared="y")
    assert "Mine alone" in page_of(browser, "/tickets/")
    answer = post(browser, "/tickets/views", name="Another", view="open", priority="high")
    assert "is saved" in page_of(browser, answer.location)
    refused = post(browser, "/tickets/views", name="One more", view="open", shared="y")
    assert "There are 12 views for everybody already" in refused.text


def test_a_role_begins_with_its_view(app, browser, fjord):
    post(browser, "/tickets/views", name="All high", view="open", priority="high", shared="y")
    with fresh():
        view = db.session.scalars(select(SavedView)).one()
    refused = post(browser, f"/tickets/views/{view.id}", do="default", role="Agent")
    assert "may not say with which view" in page_of(browser, refused.location)
    manager = signed_in(app, person("Manager"))
    post(manager, f"/tickets/views/{view.id}", do="default", role="Agent")
    assert f"saved={view.id}" in browser.get("/tickets/").location
    assert signed_in(app, person("Manager")).get("/tickets/").status_code == 200
    assert browser.get("/tickets/?view=mine").status_code == 200
    refused = post(manager, f"/tickets/views/{view.id}", do="default", role="Nobody")
    assert "There is no role Nobody" in page_of(manager, refused.location)


def test_what_is_shared_is_changed_by_its_owner_and_by_managers_and_copied_by_all(app, browser):
    post(browser, "/tickets/views", name="Hot", view="open", priority="high", shared="y")
    post(browser, "/canned/", name="Thanks", text="Thank you.", shared="y")
    with fresh():
        view = db.session.scalars(select(SavedView)).one().id
        reply = db.session.scalars(select(CannedReply)).one().id
    other, manager = signed_in(app, person("Agent")), signed_in(app, person("Manager"))
    for where, what in (
        (f"/tickets/views/{view}", {"do": "delete"}),
        ("/tickets/views", {"name": "Hot", "view": "open", "priority": "low", "shared": "y"}),
    ):
        refused = post(other, where, **what)
        page = page_of(other, refused.location) if refused.location else refused.text
        assert "Save a copy under a name of your own" in page
    for changed in ({"do": "delete"}, {"name": "Thanks", "text": "No.", "shared": "y"}):
        refused = post(other, "/canned/", reply=reply, **changed)
        assert refused.status_code == 422
        assert "is for everybody: only" in refused.get_data(as_text=True)
    page = page_of(other, f"/tickets/?view=open&priority=high&saved={view}")
    assert "Save a copy" in page
    assert "Delete the view" not in page
    copied = page_of(other, f"/canned/?copy={reply}")
    assert "Copy of “Thanks”" in copied
    assert "Thank you.</textarea>" in copied
    assert 'name="reply"' not in copied
    post(other, "/canned/", name="Thanks a lot", text="Thank you.")
    post(manager, "/canned/", reply=reply, name="Thanks", text="Many thanks.", shared="y")
    post(browser, f"/tickets/views/{view}", do="delete")
    with fresh():
        texts = db.session.execute(select(CannedReply.text, CannedReply.staff_id.is_(None)))
        assert sorted(texts.all()) == [("Many thanks.", True), ("Thank you.", False)]
        assert not db.session.scalars(select(SavedView)).all()


@pytest.mark.parametrize("views", [1, 10])
def test_views_cost_no_statement_each(browser, fjord, statements, views):
    for number in range(views):
        post(browser, "/tickets/views", name=f"View {number}", view="open", priority="high")
    page_of(browser, "/tickets/?view=mine")
    with statements() as asked:
        page_of(browser, "/tickets/?view=mine")
    assert len(asked) <= 6, asked


def bulk(browser, tickets, **data):
    return post(browser, "/tickets/bulk", ticket=[each.id for each in tickets], **data)


def test_what_somebody_left_behind_is_nobodys(agent, fjord):
    browser, own = agent
    left, shut_out = person("Agent"), person("Agent")
    with unit_of_work():
        make.staff_of(left).archived_at = clock.now()
        db.session.merge(shut_out).active = False
        for assignee in (None, own, make.staff_of(left).id, make.staff_of(shut_out).id):
            make.ticket(fjord, f"Of {assignee}", assignee_id=assignee)
    page = page_of(browser, "/tickets/?view=unassigned")
    assert page.count('class="ticket-row"') == tab(page, "Unassigned") == 3
    assert f"Of {own}" not in page


def test_the_queue_says_of_what_nature_a_request_is(agent, fjord):
    browser, _ = agent
    with unit_of_work():
        kind = db.session.scalars(select(RequestType).limit(1)).one()
        make.ticket(fjord, "Typed", request_type_id=kind.id)
        name = kind.name
    page = page_of(browser, "/tickets/?view=open")
    row = re.search(r'<td class="ticket-subject">.*?Typed.*?</td>', page, re.DOTALL)[0]
    assert f'<span class="meta">{name}</span>' in row


def client_said(page):
    """What the rows of the queue tell of the client: age and words, by subject."""
    found = {}
    for cell in re.findall(r'<td class="ticket-subject">.*?</td>', page, re.DOTALL):
        subject = re.search(r'title="([^"]*)"', cell)[1]
        line = re.search(r'<p class="ticket-said[^"]*">(.*?)</p>', cell, re.DOTALL)
        found[subject] = " ".join(re.sub(r"<[^>]+>", " ", line[1]).split()) if line else None
    return found


def test_a_row_tells_what_the_client_wrote_last_and_when(agent, fjord):
    browser, own = agent
    now = clock.now()

    def writes(ticket, text, *, ago, **more):
        with clock.frozen(now - ago):
            client_commands.reply_as_contact(ticket, actor=client, text=text, **more)

    with unit_of_work():
        mira = make.contact(fjord)
        client = Actor(name=mira.name, contact_id=mira.id, channel="portal")
        asked, quiet, file = (make.ticket(fjord, s) for s in ("Asked", "Quiet", "File"))
        for ticket in (asked, quiet, file):
            ticket.requester_id = mira.id
        writes(asked, "The first word", ago=timedelta(days=2))
        writes(asked, "  It <b>is</b>\n\n\tbroken   again", ago=timedelta(hours=3))
        writes(asked, "I am away.", ago=timedelta(hours=1), reopens=False)
        writes(file, "", ago=timedelta(minutes=5), files=[commands.Upload("shot.png", b"PNG")])
        staff = Actor(name="Bo", staff_id=own)
        for ticket in (asked, quiet):
            commands.reply(ticket, actor=staff, text="An answer")
            commands.add_note(ticket, actor=staff, text="A note")
    page = page_of(browser, "/tickets/?view=open")
    assert client_said(page) == {
        "Asked": "3 h It &lt;b&gt;is&lt;/b&gt; broken again",
        "Quiet": None,
        "File": "5 min Files only",
    }
    assert page.count("data-row-link") == page.count('<td class="ticket-subject">') == 3
    cell = re.search(r'<td class="ticket-subject">.*?</td>', page, re.DOTALL)[0]
    assert cell.count("<a ") == 1


def test_a_row_tells_no_password(browser, fjord):
    written = {
        "Line": "Hello\nPassword: hunter2!x\nBye",
        "Next": "Hello\nPassword:\nhunter2!x",
        "Long": "a " * 80 + "\nPassword: hunter2!x",
        "Cut": "Password: " + "hunter2!x" * 400,
    }
    with unit_of_work():
        mira = make.contact(fjord)
        for subject, words in written.items():
            client_commands.reply_as_contact(
                make.ticket(fjord, subject, requester_id=mira.id),
                actor=Actor(name=mira.name, contact_id=mira.id),
                text=words,
            )
    page = page_of(browser, "/tickets/?view=open")
    told = client_said(page)
    assert "hunter" not in page
    assert told["Line"] == "now Hello Password: •••••••• Bye"
    assert told["Next"] == "now Hello Password: ••••••••"
    assert told["Long"].startswith("now a a a")


def test_a_bulk_change_is_undone_but_not_what_was_changed_since(agent, fjord):
    browser, own = agent
    with unit_of_work():
        tickets = [make.ticket(fjord) for _ in range(3)]
        numbers = [ticket.number for ticket in tickets]
    answer = bulk(browser, tickets, do="mine", back="/tickets/?view=open")
    change = int(re.search(r"undo=(\d+)", answer.location)[1])
    assert "can be undone" in page_of(browser, answer.location)
    with unit_of_work():
        db.session.execute(
            update(Ticket).where(Ticket.number == numbers[2]).values(version=Ticket.version + 1)
        )
    done = post(browser, f"/tickets/bulk/{change}/undo", back="/tickets/?view=open")
    said = page_of(browser, done.location)
    assert "Undone: assignee and status of 2 tickets are as before." in said
    assert f"#{numbers[2]}" in said
    with fresh():
        owners = dict(db.session.execute(select(Ticket.number, Ticket.assignee_id)).all())
    assert owners == {numbers[0]: None, numbers[1]: None, numbers[2]: own}
    again = post(browser, f"/tickets/bulk/{change}/undo")
    assert "undone already" in page_of(browser, again.location)


def test_the_timeline_and_the_client_are_told_what_was_taken_back(app, agent, fjord):
    browser, _ = agent
    with unit_of_work():
        mira = make.contact(fjord)
        ticket = make.ticket(fjord, requester_id=mira.id)
        commands.set_status(ticket, actor=Actor(name="Bo"), status=make.status("waiting"))
        done = make.status("completed").id
    portal_account(mira)
    client = client_in(app, mira)
    here = f"/portal/requests/{ticket.number}"
    since = re.search(r'since <time datetime="([^"]+)"', page_of(client, here))[1]
    for wanted in ({"do": "status", "status": done}, {"do": "mine"}):
        answer = bulk(browser, [ticket], **wanted)
        post(browser, f"/tickets/bulk/{re.search(r'undo=([0-9]+)', answer.location)[1]}/undo")
    page = " ".join(re.sub(r"<[^>]+>", " ", page_of(browser, f"/tickets/{ticket.number}")).split())
    assert "took the status back: Completed → Waiting for client" in page
    assert "took back assignee:" in page
    seen = page_of(client, here)
    assert seen.rfind("took that back: the status is") > seen.rfind("Completed")
    assert f'since <time datetime="{since}"' in seen, "it waits since then, as if nothing had been"


def test_an_undone_change_leaves_each_ticket_in_its_place_of_the_queue(agent, fjord):
    browser, _ = agent
    with unit_of_work():
        tickets = [make.ticket(fjord, subject) for subject in ("Quiet", "Busy")]
        done = make.status("completed").id
    ids = [each.id for each in tickets]

    def places():
        db.session.rollback()
        found = select(Ticket.last_event_at).where(Ticket.id.in_(ids)).order_by(Ticket.id)
        return db.session.scalars(found).all()

    was = places()
    answer = bulk(browser, tickets, do="status", status=done)
    assert places()[0] > was[0]
    with unit_of_work():
        commands.add_note(db.session.get_one(Ticket, ids[1]), actor=Actor(name="Bo"), text="Wait")
    post(browser, f"/tickets/bulk/{re.search(r'undo=([0-9]+)', answer.location)[1]}/undo")
    now = places()
    assert now[0] == was[0]
    assert now[1] > was[1], "what was said meanwhile counts"


def test_a_closed_ticket_is_open_again_after_the_undo_and_late_is_too_late(agent, fjord):
    browser, _ = agent
    with unit_of_work():
        tickets = [make.ticket(fjord) for _ in range(2)]
        done = make.status("completed").id
    answer = bulk(browser, tickets[:1], do="status", status=done)
    change = int(re.search(r"undo=(\d+)", answer.location)[1])
    post(browser, f"/tickets/bulk/{change}/undo")
    with fresh():
        first = db.session.get_one(Ticket, tickets[0].id)
        assert (first.category, first.closed_at) == ("open", None)
    answer = bulk(browser, tickets[1:], do="status", status=done)
    change = int(re.search(r"undo=(\d+)", answer.location)[1])
    with unit_of_work():
        long_ago = clock.now() - timedelta(seconds=21)
        db.session.execute(update(BulkChange).values(created_at=long_ago))
    late = post(browser, f"/tickets/bulk/{change}/undo")
    assert "too late" in page_of(browser, late.location)
    with fresh():
        assert db.session.get_one(Ticket, tickets[1].id).category == "completed"


def test_nobody_undoes_for_somebody_else(app, agent, fjord):
    browser, _ = agent
    with unit_of_work():
        ticket = make.ticket(fjord)
    answer = bulk(browser, [ticket], do="mine")
    change = re.search(r"undo=(\d+)", answer.location)[1]
    other = signed_in(app, person("Manager"))
    assert post(other, f"/tickets/bulk/{change}/undo").status_code == 404


def test_a_canned_reply_is_written_used_and_deleted(agent, fjord):
    browser, own = agent
    with unit_of_work():
        asker = make.contact(fjord, "Bo <b>Berg</b>")
        number = make.ticket(fjord, requester_id=asker.id).number
    wrong = post(browser, "/canned/", name="Thanks", text="Dear {secret}")
    assert wrong.status_code == 422
    assert "There is no placeholder {secret}" in wrong.get_data(as_text=True)
    post(browser, "/canned/", name="Thanks", text="Dear {requester}, #{number}.")
    with fresh():
        reply = db.session.scalars(select(CannedReply)).one()
    assert reply.staff_id == own
    filled = browser.get(f"/tickets/{number}/canned/{reply.id}")
    assert filled.mimetype == "text/plain"
    assert filled.get_data(as_text=True) == f"Dear Bo <b>Berg</b>, #{number}."
    page = page_of(browser, f"/tickets/{number}?canned={reply.id}")
    assert f"Dear Bo &lt;b&gt;Berg&lt;/b&gt;, #{number}.</textarea>" in page
    post(browser, "/canned/", reply=reply.id, do="delete")
    assert "No canned replies yet" in page_of(browser, "/canned/")


def test_merging_and_linking_by_page(browser, fjord):
    with unit_of_work():
        one, two, three = (make.ticket(fjord, f"T{n}").number for n in range(3))
        company = escape(fjord.name)
    post(browser, f"/tickets/{one}/say", text="The old story", time="0:25", billable="y")
    here = f"/tickets/{one}"
    post(browser, f"{here}/links", other=f"#{three}")
    assert f'href="/tickets/{three}"' in page_of(browser, here)
    assert f'href="/tickets/{one}"' in page_of(browser, f"/tickets/{three}")
    question = post(browser, f"{here}/merge", other=str(two))
    assert question.status_code == 200
    page = question.get_data(as_text=True)
    for number, subject in ((one, "T0"), (two, "T1")):
        assert re.search(rf"#{number}</span> <bdi>{subject}</bdi>", page)
    assert page.count(f"<bdi>{company}</bdi>") == 2
    assert "This ticket is merged into" not in page_of(browser, here), "it only asks"
    merged = post(browser, f"{here}/merge", other=str(two), confirmed="y")
    assert merged.location == f"/tickets/{two}"
    page = page_of(browser, merged.location)
    assert re.search(rf'Merged into this one.*?href="{here}".*?1 message, 0:25 h', page, re.DOTALL)
    assert re.search(rf'On <a href="{here}">#{one}</a></dt><dd>0:25 h', page)
    assert re.search(rf'merged from <b><a href="{here}"', page)
    assert "This ticket is merged into" in page_of(browser, here)
    late = post(browser, f"{here}/say", text="Too late")
    assert late.status_code == 422
    page = late.get_data(as_text=True)
    assert page.index("Too late</textarea>") < page.index('class="timeline"'), "not below it all"
    assert f'href="/tickets/{two}#composer"' in page
    late = post(browser, f"{here}/fields", priority="high")
    assert late.status_code == 422
    page = late.get_data(as_text=True)
    assert page.index("Nothing was saved") < page.index('class="timeline"')
    assert f'href="/tickets/{two}"' in page[page.index("Nothing was saved") :]
    for do, typed, why in (
        ("merge", "x<b>", "“x&lt;b&gt;” is no ticket number"),
        ("merge", "999999", "There is no ticket #999999"),
        ("links", str(two), "cannot be linked to itself"),
    ):
        wrong = post(browser, f"/tickets/{two}/{do}", other=typed)
        page = wrong.get_data(as_text=True)
        field = re.search(r'<input[^>]*name="other"[^>]*>', page)[0]
        assert wrong.status_code == 422
        assert "<title>Error: " in page
        assert f'value="{escape(typed)}"' in field
        assert 'aria-invalid="true"' in field
        assert why in re.search(r'id="f-other-error">.*?</p>', page)[0]


def test_a_company_that_nobody_knows_is_told_beside_its_field(browser, ticket):
    wrong = post(browser, f"/tickets/{ticket.number}/company", company_text="Nobody & Sons")
    page = wrong.get_data(as_text=True)
    assert wrong.status_code == 422
    assert 'value="Nobody &amp; Sons"' in page
    assert "No company is called" in re.search(r'id="f-company-error">.*?</p>', page)[0]


def test_a_ticket_is_split_by_page(browser, fjord):
    with unit_of_work():
        number = make.ticket(fjord, "Two things").number
    post(browser, f"/tickets/{number}/say", kind="note", text="About the printer")
    page = page_of(browser, f"/tickets/{number}/split")
    assert "About the printer" in page
    refused = post(browser, f"/tickets/{number}/split", subject="Printer")
    assert refused.status_code == 422
    assert "Nothing is chosen" in refused.get_data(as_text=True)
    refused = post(browser, f"/tickets/{number}/split", subject="Printer", event="9" * 5000)
    assert refused.status_code == 422
    seq = re.search(r'name="event" value="(\d+)"', page)[1]
    done = post(browser, f"/tickets/{number}/split", subject="Printer", event=seq)
    page = page_of(browser, done.location)
    assert f"is split off #{number}" in page
    assert f'href="/tickets/{number}#e{seq}"' in page


def test_all_that_match_are_changed_after_a_preview_that_changes_nothing(agent, fjord):
    browser, own = agent
    with unit_of_work():
        for _ in range(60):
            make.ticket(fjord, priority="high")
        make.ticket(fjord, priority="low")
        make.ticket(fjord, priority="high", assignee_id=own)
    address = "/tickets/?view=open&priority=high"
    assert "All that match" in page_of(browser, address)
    wanted = {"do": "mine", "all": "y", "back": address}
    preview = post(browser, "/tickets/bulk", **wanted).get_data(as_text=True)
    assert "61 tickets match, 60 would change" in preview
    with fresh():
        owners = db.session.scalars(select(Ticket.assignee_id)).all()
        assert owners.count(None) == 61
        assert not db.session.scalars(select(BulkChange)).all()
    with unit_of_work():
        late = make.ticket(fjord, priority="high").id
    previewed = re.search(r'name="previewed" value="([\d,]+)"', preview)[1]
    done = post(browser, "/tickets/bulk", previewed=previewed, **wanted)
    assert "60 tickets changed" in page_of(browser, done.location)
    with fresh():
        owners = db.session.scalars(select(Ticket.assignee_id)).all()
        assert owners.count(None) == 2
        assert db.session.get_one(Ticket, late).assignee_id is None, "nobody saw it in the preview"


def test_the_question_before_a_merge_is_asked_again_after_a_deadlock(browser, fjord):
    with unit_of_work():
        one, two = (make.ticket(fjord, f"T{n}").number for n in range(2))
    with db.engine.begin() as raw:
        raw.execute(text(DEADLOCK_ONCE))
    try:
        question = post(browser, f"/tickets/{one}/merge", other=str(two))
    finally:
        with db.engine.begin() as raw:
            raw.execute(text("drop function met_once() cascade; drop sequence met"))
    assert question.status_code == 200
    assert "T1" in question.get_data(as_text=True)


# A sequence counts on although what used it is taken back.
DEADLOCK_ONCE = """
create sequence met;
create function met_once() returns trigger language plpgsql as $$ begin
  if nextval('met') = 1 then raise exception sqlstate '40P01'; end if;
  return new;
end $$;
create trigger met_once before update on ticket for each row execute function met_once()
"""
