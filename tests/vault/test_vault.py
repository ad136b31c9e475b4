"""The vault: what is sealed, who opens it, and keys that change."""

import stat
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from threading import Barrier
from threading import Event as Signal

import pytest
from flask import current_app
from sqlalchemy import select, text

from app.companies.visibility import viewer_of
from app.core.audit import SYSTEM, Actor
from app.core.db import db, unit_of_work
from app.core.errors import NotFoundError, RuleError
from app.core.models import AuditLog
from app.tickets import logins
from app.tickets.models import Event
from app.vault import commands, queries, rotation, sealing
from app.vault.sealing import Secret
from config import Settings, SettingsError, new_vault_key
from tests import factories as make

CANARY = "hunter-canary-4711"
HELD = Secret("root-canary", CANARY, "note-canary")


@pytest.fixture
def world(app):
    with unit_of_work():
        company = make.company("Northwind")
        mira = make.contact(company, "Mira Krog")
        make.contact(company, "Bo Lund")
        ticket = make.ticket(company, requester_id=mira.id)
        actor = Actor(name="Mira Krog", channel="portal", contact_id=mira.id)
        made = logins.hand_over(
            ticket, actor=actor, label="Website", url="https://x.example/", secret=HELD
        )
    return company, mira, ticket, made


def everything_stored() -> str:
    names = db.session.scalars(
        text(
            "select relname from pg_class where relkind = 'r' and "
            "relnamespace = 'public'::regnamespace"
        )
    ).all()
    return " ".join(
        str(db.session.scalars(text(f"select json_agg(t)::text from {name} t")).all())
        for name in names
    )


def test_what_a_login_holds_stands_nowhere_in_the_database(world):
    assert "Website" in everything_stored()
    assert "canary" not in everything_stored()


def test_opening_needs_a_reason_and_is_told(world):
    *_, made = world
    ann = Actor(name="Ann Agent", staff_id=None, channel="web")
    with pytest.raises(RuleError, match="Say why"), unit_of_work():
        logins.open_login(made, actor=ann, reason=" ok ")
    with unit_of_work():
        assert logins.open_login(made, actor=ann, reason="To mend the form") == HELD
    last = db.session.scalars(select(Event).order_by(Event.seq.desc()).limit(1)).one()
    assert (last.visibility, last.payload["text"]) == ("client", "opened the login “Website”")
    line = db.session.scalars(select(AuditLog).where(AuditLog.action == "login.open")).one()
    assert line.after["reason"] == "To mend the form"
    assert "canary" not in everything_stored()


def test_removing_erases_what_was_sealed(world):
    *_, made = world
    with unit_of_work():
        for _ in range(2):
            logins.remove_login(made, actor=SYSTEM)
    assert made.sealed is None
    assert queries.of_company(made.company_id) == []
    with pytest.raises(RuleError, match="was removed"), unit_of_work():
        commands.reveal(made, actor=SYSTEM, reason="To mend the form")
    events = db.session.scalars(select(Event.payload).order_by(Event.seq)).all()
    assert [one["text"].split()[0] for one in events] == ["handed", "removed"]


def test_a_contact_sees_their_own_logins_and_a_manager_all(world):
    company, mira, _, made = world
    with unit_of_work():
        una = make.contact(company, "Una", role="manager")
        bo = make.contact(company, "Bo")
        rival = make.contact(make.company("Rival"), "Rita", role="manager")
    for contact, sees in ((mira, True), (una, True), (bo, False), (rival, False)):
        viewer = viewer_of(contact.id)
        assert [one.id for one in queries.seen_by(viewer)] == ([made.id] if sees else [])
    with pytest.raises(NotFoundError):
        queries.credential_of(viewer_of(bo.id), made.id)


@pytest.mark.parametrize("url", ["javascript://alert(1)", "https://a.example/\x00", "two words"])
def test_every_fault_of_a_login_is_told_at_once(world, url):
    with pytest.raises(RuleError) as caught, unit_of_work():
        commands.keep(
            actor=SYSTEM,
            company_id=world[0].id,
            label=" ",
            url=url,
            secret=Secret("u", ""),
        )
    assert len(caught.value.problems) == 3


@pytest.fixture
def own_keys(app, tmp_path):
    """Settings whose vault has a file of its own."""
    settings = current_app.extensions["settings"]
    own = replace(settings, data_dir=tmp_path, files_dir=settings.data_dir / "files")
    current_app.extensions["settings"] = own
    yield own
    current_app.extensions["settings"] = settings


def test_keys_are_made_once_and_change_while_logins_stay_readable(own_keys, world):
    *_, made = world
    first = own_keys.vault_key_list()
    assert stat.S_IMODE(own_keys.vault_file.stat().st_mode) == 0o600
    assert own_keys.vault_key_list() == first
    before = made.sealed
    assert rotation.rotate(own_keys) == {"resealed": 1, "keys": 2}
    db.session.refresh(made)
    assert made.sealed != before
    assert sealing.unseal(before) == HELD  # the former key still opens
    assert rotation.forget(own_keys) == {"resealed": 0, "forgotten": 1}
    assert stat.S_IMODE(own_keys.vault_file.stat().st_mode) == 0o600
    assert sealing.unseal(made.sealed) == HELD
    with pytest.raises(RuleError, match="VAULT_KEYS"):
        sealing.unseal(before)


def test_keys_are_dropped_only_once_nobody_seals_by_them(own_keys, world):
    company, *_ = world
    company_id, app = company.id, current_app._get_current_object()
    own_keys.vault_key_list()
    sealed, goes_on = Signal(), Signal()

    def slow() -> int:
        with app.app_context(), unit_of_work():
            made = commands.keep(actor=SYSTEM, company_id=company_id, label="Slow", secret=HELD)
            sealed.set()
            goes_on.wait(20)
            return made.id

    def renew() -> None:
        with app.app_context():
            rotation.rotate(own_keys)
            rotation.forget(own_keys)

    with ThreadPoolExecutor(2) as pool:
        keeping = pool.submit(slow)
        sealed.wait(20)
        renewing = pool.submit(renew)
        wait([renewing], timeout=1)
        goes_on.set()
        renewing.result()
    db.session.rollback()
    assert sealing.unseal(queries.credential(keeping.result()).sealed) == HELD


def test_of_several_rotations_at_once_no_key_is_lost(own_keys, world):
    *_, made = world
    app, together = current_app._get_current_object(), Barrier(4)
    own_keys.vault_key_list()

    def renew() -> None:
        with app.app_context():
            together.wait()
            rotation.rotate(own_keys)

    with ThreadPoolExecutor(4) as pool:
        [each.result() for each in [pool.submit(renew) for _ in range(4)]]
    assert len(own_keys.vault_key_list()) == 5
    db.session.refresh(made)
    assert sealing.unseal(made.sealed) == HELD


def test_given_keys_are_used_and_checked():
    keys = f"{new_vault_key()}, {new_vault_key()}"
    assert len(Settings.from_env({"VAULT_KEYS": keys}).vault_key_list()) == 2
    with pytest.raises(SettingsError, match="VAULT_KEYS: each key is 32 random bytes"):
        Settings.from_env({"VAULT_KEYS": "too-short"})


def test_the_command_rotates(own_keys, world, cli):
    assert cli("vault", "rotate") == {"ok": True, "resealed": 1, "keys": 2}
    assert cli("vault", "forget-keys")["forgotten"] == 1


def test_a_secret_never_prints_itself():
    assert CANARY not in f"{HELD} {HELD!r}"
