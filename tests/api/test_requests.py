"""Requests by programs: by the rules of the form, once, whole, and for staff alone."""

import json
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from app.core.db import db, unit_of_work
from app.core.models import AuditLog
from app.factory import create_app
from app.tickets import drafts, intake
from app.tickets.models import Attachment, Event, Subscription, Ticket
from app.tickets.request_models import Draft
from app.vault.models import Credential
from app.vault.sealing import unseal
from tests import factories as make
from tests.api.conftest import FORM, KINDS, REQUESTS, token_of
from tests.conftest import TESTING
from tests.portal.acting import sent
from tests.portal.test_door import text_of
from tests.web.people import client_in, person, portal_account, signed_in, visitor

SECRET = "hunter-canary"


def tickets() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Ticket))


def test_a_program_finds_the_kinds_and_raises_one_that_their_schema_takes(desk, program):
    listed = program("GET", KINDS).json
    assert listed["count"] == len(listed["result"]) == 4
    work = listed["result"][-1]
    assert (work["name"], work["version"]) == ("Work", 1)
    found = program("GET", work["url"]).json["result"]
    assert intake.fields_from(found["fields"]) == FORM
    body = desk.body(
        company="northwind",
        urgency="high",
        fields={
            "kind": "Change",
            "what": "The logo",
            "when": "2026-11-30",
            "cost": 1.125,
            "login": {"user": "root", "password": SECRET, "url": "https://x.example"},
        },
    )
    Draft202012Validator(found["schema"]).validate(body["fields"])
    with unit_of_work():
        drafts.save(desk.mira.id, {"subject": "Something of her own"})
    made = program("POST", REQUESTS, json=body)
    assert made.status_code == 201, made.json
    told = made.json["result"]
    assert told == program("GET", made.headers["Location"]).json["result"]
    assert told["link"].endswith(f"/tickets/{told['number']}")
    assert told["company"]["name"] == "Northwind"
    assert told["type"] == {"id": desk.kind_id, "name": "Work", "version": 1}
    assert [(one["key"], one["value"]) for one in told["fields"]] == [
        ("kind", "Change"),
        ("what", "The logo"),
        ("when", "2026-11-30"),
        ("cost", "1.1250"),
        ("login", str(intake.HANDED_OVER)),
    ]
    assert SECRET not in made.get_data(as_text=True)
    ticket = db.session.scalars(select(Ticket)).one()
    assert (ticket.origin, ticket.priority, ticket.requester_id) == ("api", "high", desk.mira.id)
    assert unseal(db.session.scalars(select(Credential.sealed)).one()).secret == SECRET
    event = db.session.scalars(select(Event).where(Event.kind == "message")).one()
    assert (event.actor_name, event.contact_id, event.staff_id) == ("Mira Krog", desk.mira.id, None)
    raised = db.session.scalars(select(AuditLog).where(AuditLog.action == "ticket.raise")).one()
    assert raised.actor_id == db.session.scalar(
        select(AuditLog.actor_id).where(AuditLog.action == "ticket.open")
    )
    assert (raised.channel, raised.after["contact"]) == ("api", "Mira Krog")
    assert db.session.scalar(select(Draft.id)) is not None, "what she writes herself is kept"


def test_files_come_as_parts_by_the_names_of_their_fields(desk, program):
    fields = {"kind": "New"}
    bare = program("POST", REQUESTS, json=desk.body(fields=fields))
    assert bare.json["errors"] == {"fields.scan": ["Scan: choose a file."]}
    parts = {
        "request": json.dumps(desk.body(fields=fields)),
        "fields.scan": [(BytesIO(b"%PDF-1"), "a.pdf"), (BytesIO(b"b"), "b.txt")],
        "files": (BytesIO(b"c"), "c.txt"),
    }
    made = program("POST", REQUESTS, data=parts)
    assert made.status_code == 201, made.json
    assert made.json["result"]["fields"][-1]["value"] == "a.pdf, b.txt"
    kept = sorted(db.session.scalars(select(Attachment.name)))
    assert kept == ["a.pdf", "b.txt", "c.txt"]
    whole = (BytesIO(json.dumps(desk.body(fields={"scan": "a"})).encode()), "request.json")
    wrong = {"request": whole, "fields.what": (BytesIO(b"c"), "c.txt"), "x": (BytesIO(b""), "d")}
    assert program("POST", REQUESTS, data=wrong).json["errors"] == {
        "fields.kind": ["Kind: choose one."],
        "fields.scan": ["Scan: send files as parts “fields.scan” of multipart/form-data."],
        "fields.what": ["No field takes files under this name."],
        "x": ["No field takes files under this name."],
    }
    empty = {"request": json.dumps(desk.body()), "files": (BytesIO(b""), "d.txt")}
    told = program("POST", REQUESTS, data=empty).json["errors"]
    assert told == {"files": ["d.txt is empty: choose the file again."]}


def test_every_fault_is_told_at_once_by_the_name_of_its_field(desk, program):
    everything = desk.body(
        contact="nobody@example.com",
        company="Nowhere",
        department="None",
        subject="",
        message="",
        urgency="now",
        surprise=1,
        fields={"kind": "Change", "when": "soon", "cost": "much", "login": "root", "size": ["S"]},
    )
    refused = program("POST", REQUESTS, json=everything)
    assert refused.status_code == 422
    assert list(refused.json["errors"]) == [
        *("surprise", "contact", "company", "department", "fields.login", "fields.size"),
        *("subject", "message", "urgency", "fields.what", "fields.when", "fields.cost"),
    ]
    assert refused.json["errors"]["fields.what"] == ["What: fill this in."]
    bare = program("POST", REQUESTS, json={}).json["errors"]
    assert list(bare) == ["contact", "subject", "message", "type"]
    assert tickets() == 0
    with unit_of_work():
        archived = make.contact(desk.northwind, "Old", archived_at=func.now())
        lonely = make.contact(desk.harbour, "Una")
    theirs = desk.body(contact=lonely.id, company=desk.northwind.id)
    assert list(program("POST", REQUESTS, json=theirs).json["errors"]) == ["company"]
    gone = desk.body(contact=archived.id)
    assert list(program("POST", REQUESTS, json=gone).json["errors"]) == ["contact"]
    login = {"kind": "Change", "what": "x", "login": {"user": "root", "url": "a b"}}
    told = program("POST", REQUESTS, json=desk.body(fields=login)).json["errors"]
    assert [len(texts) for texts in told.values()] == [2]
    assert list(told) == ["fields.login"]
    assert tickets() == 0


def test_colleagues_who_are_named_follow_it_and_no_others_can_be(desk, program):
    with unit_of_work():
        bo = make.contact(desk.northwind, "Bo Lund")
        eve = make.contact(desk.harbour, "Eve Stone")
        unseen = make.contact(desk.northwind, "Una Seen")
    for one in (bo, eve):
        portal_account(one)
    address = bo.emails[0].address
    for wanted, said in (
        ([str(eve.id)], "no colleague"),
        ([str(unseen.id)], "no colleague"),
        (["nobody@example.com"], "no contact"),
        ([["7"]], "Write texts here"),
        ("bo", "Write a list here"),
    ):
        refused = program("POST", REQUESTS, json=desk.body(notify=wanted))
        assert refused.status_code == 422
        assert said in refused.json["errors"]["notify"][0], refused.json
    assert tickets() == 0
    made = program("POST", REQUESTS, json=desk.body(notify=[address, str(bo.id)]))
    assert made.status_code == 201, made.json
    follow = select(Subscription.contact_id).order_by(Subscription.contact_id)
    assert db.session.scalars(follow).all() == sorted([desk.mira.id, bo.id])


def test_a_repeat_makes_no_second_request(desk, program):
    key = {"Idempotency-Key": "order 17"}
    assert program("POST", REQUESTS, json=desk.body(subject=""), headers=key).status_code == 422
    first = program("POST", REQUESTS, json=desk.body(), headers=key)
    again = program("POST", REQUESTS, json=desk.body(), headers=key)
    assert (first.status_code, first.json) == (again.status_code, again.json)
    assert first.status_code == 201
    assert tickets() == 1
    other = program("POST", REQUESTS, json=desk.body(subject="Another"), headers=key)
    assert (other.status_code, list(other.json["errors"])) == (422, ["Idempotency-Key"])
    person_two = token_of(person("Agent"))
    made = program("POST", REQUESTS, json=desk.body(), headers={**key, **person_two})
    assert made.json["id"] != first.json["id"], "a key is its user's own"
    for odd in ("", "x" * 201):
        headers = {"Idempotency-Key": odd}
        assert program("POST", REQUESTS, json=desk.body(), headers=headers).status_code == 400
    assert tickets() == 2


def test_a_repeat_in_the_same_instant_makes_no_second_request(app, desk, program):
    body = desk.body()

    def ask(_: int) -> int:
        with app.app_context():
            key = {"Idempotency-Key": "order 18"}
            return program("POST", REQUESTS, json=body, headers=key).json["id"]

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(4)))) == 1
    assert tickets() == 1


KEYS = [one.key for one in FORM if one.kind in intake.KEPT]
ANSWERS = st.dictionaries(
    st.sampled_from(KEYS),
    st.sampled_from(("New", "Change", "S", "L", "", " x ", "2026-11-30", "12", "1.125", "x" * 501)),
)


@how(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANSWERS)
def test_the_form_and_the_api_refuse_the_same_in_the_same_words(app, desk, program, answers):
    by_api = program("POST", REQUESTS, json=desk.body(fields=answers))
    said = {
        text
        for name, texts in by_api.json.get("errors", {}).items()
        for text in texts
        if name.startswith("fields.")
    }
    told = {text for _, text in intake.read(FORM, answers).faults}
    assert said == told
    assert (by_api.status_code == 201) == (not told)


def test_what_the_form_takes_on_the_portal_the_api_takes(app, desk, program):
    portal_account(desk.mira)
    mira = client_in(app, desk.mira)
    for answers in ({"kind": "Change"}, {"kind": "Change", "what": "x", "cost": "much"}):
        typed = {f"field-{key}": text for key, text in answers.items()}
        form = sent(type=str(desk.kind_id), subject="Logo", text="Please", **typed)
        page = mira.post("/portal/requests/new", data=form)
        refused = program("POST", REQUESTS, json=desk.body(fields=answers))
        assert (page.status_code, refused.status_code) == (422, 422)
        for texts in refused.json["errors"].values():
            assert texts[0] in text_of(page)


def test_who_may_raise_requests(app, desk):
    client = visitor(app)
    for role, expected in {"Agent": 201, "Manager": 201, "Billing": 403, "Admin": 201}.items():
        token = token_of(person(role))
        assert client.post(REQUESTS, json=desk.body(), headers=token).status_code == expected
        assert client.get(KINDS, headers=token).status_code == 200
        told = client.get(f"{REQUESTS}999", headers=token)
        assert (told.status_code, told.json["message"][:12]) == (404, "There is no ")


def test_no_client_and_no_browser_session_raises_one(app, desk):
    portal_account(desk.mira)
    mira, admin = client_in(app, desk.mira), signed_in(app, person("Admin"))
    with mira.session_transaction("/") as session:
        session["contact"], session["epoch"] = desk.mira.id, 1
    for client in (mira, admin, visitor(app)):
        answer = client.post(REQUESTS, json=desk.body())
        assert (answer.status_code, list(answer.json)) == (401, ["message"])
    for url in (KINDS, f"{KINDS}{desk.kind_id}", f"{REQUESTS}1001"):
        assert mira.get(url).status_code == 401
    agent = signed_in(app, person("Billing"))
    made = agent.post(REQUESTS, json=desk.body(), headers=token_of(person("Agent")))
    assert made.status_code == 201, "who sends a token acts as its user"
    assert tickets() == 1


def test_what_cannot_be_read_is_refused_in_one_shape(desk, program):
    bodies = (b"", b"[1]", b"{", b'{"subject": "\\ud800"}', b'{"a": NaN}', b"[" * 90_000, b"\xff")
    for body in bodies:
        answer = program("POST", REQUESTS, data=body, content_type="application/json")
        assert (answer.status_code, list(answer.json)) == (400, ["message"]), body[:20]
    assert program("POST", REQUESTS, data=b"x", content_type="text/plain").status_code == 415
    huge = program("POST", REQUESTS, data=bytes(26 * 2**20), content_type="application/json")
    assert (huge.status_code, list(huge.json)) == (413, ["message"])
    odd = {"Authorization": "Bearer x"}
    for answer, code in (
        (program("GET", f"{KINDS}999"), 404),
        (program("GET", "/api/v1/nothing"), 404),
        (program("DELETE", KINDS), 405),
        (program("GET", KINDS, headers=odd), 401),
        (program("POST", REQUESTS, json={}, headers=odd), 401),
    ):
        assert (answer.status_code, list(answer.json)) == (code, ["message"])
    nul = desk.body(subject="a\x00b", contact="a\x00b@example.com", company="\x00")
    assert list(program("POST", REQUESTS, json=nul).json["errors"]) == ["contact"]


def test_more_json_than_a_request_can_need_is_refused_unread(desk, program):
    deep = b'{"fields": ' + b'{"a": ' * 500 + b"1" + b"}" * 500 + b', "x": ['
    large = deep + b"[]," * 700_000 + b"[]]}"
    assert len(large) > 2 * 2**20
    sent = {"data": large, "content_type": "application/json"}
    part = parts({"request": FileStorage(BytesIO(large), "r.json")})
    untold = {"input_stream": BytesIO(large), "content_type": "application/json"}
    untold |= {"environ_overrides": {"wsgi.input_terminated": True}}
    login = "/api/v1/security/login"
    for url, more in ((REQUESTS, sent), (REQUESTS, part), (REQUESTS, untold), (login, sent)):
        answer = program("POST", url, **more)
        assert (answer.status_code, list(answer.json)) == (413, ["message"])
    assert "more than 2 MB" in program("POST", REQUESTS, **sent).json["message"]
    asked = json.dumps(desk.body(fields={"kind": "New", "size": "S"}))
    scan = FileStorage(BytesIO(b"%PDF-1.4 " + bytes(3 * 2**20)), "scan.pdf")
    beside = parts({"request": asked, "fields.scan": scan})
    assert program("POST", REQUESTS, **beside).status_code == 201


def parts(each: dict[str, object]) -> dict[str, object]:
    """A body of several parts, as bytes."""
    boundary, body = encode_multipart(each)
    return {"data": body, "content_type": f"multipart/form-data; boundary={boundary}"}


def test_a_program_that_runs_wild_is_told_to_wait(settings):
    limited = create_app(settings, overrides=TESTING | {"RATELIMIT_ENABLED": True})
    client = visitor(limited)
    codes = [client.get(KINDS).status_code for _ in range(120)]
    assert set(codes) == {401}
    told = client.get(KINDS)
    assert (told.status_code, list(told.json)) == (429, ["message"])
    with limited.app_context():
        db.engine.dispose()


def test_the_description_of_the_api_names_what_it_refers_to(app, desk):
    found = visitor(app).get("/api/v1/_openapi", headers=token_of(person("Admin"))).json
    told = found["paths"]["/api/v1/requests/"]["post"]
    assert told["security"][0] == {"jwt": []}
    assert {"/api/v1/request_types/{type_id}", "/api/v1/requests/{number}"} <= set(found["paths"])
    text = json.dumps(found)
    for part in text.split('"$ref": "#/')[1:]:
        at = found
        for name in part.split('"')[0].split("/"):
            at = at[name]
