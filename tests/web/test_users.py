"""Users and roles: who may grant what, and that nobody is left without an admin."""

import re

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update

from app import roles
from app.core import forms
from app.core.audit import SYSTEM, Actor
from app.core.db import db, unit_of_work
from app.core.errors import NotFoundError, RuleError
from app.core.models import Agency, AuditLog, Mail
from app.installation import write_roles
from app.staff import account_queries, accounts, permissions
from app.staff.commands import add_staff
from app.staff.models import Staff
from tests.web.people import person, signed_in, visitor


def names(user_id: int) -> set[str]:
    db.session.expire_all()
    return {role.name for role in db.session.get(User, user_id).roles}


def create(**values):
    with unit_of_work():
        return accounts.create_user(**{"actor": SYSTEM, "roles": ["Agent"]} | values)


def test_a_new_person_signs_in_with_the_password_that_was_printed(app):
    admin = signed_in(app, person("Admin"))
    form = {
        "nonce": forms.new_nonce(),
        "how": "print",
        "name": "Bo Lind",
        "email": "Bo@Example.com",
        "roles": ["Agent", "Billing"],
    }
    page = admin.post("/users/new", data=form).get_data(as_text=True)
    password = re.search(r'id="password">([^<]+)<', page).group(1)
    answer = visitor(app).post("/login/", data={"username": "bo@example.com", "password": password})
    assert answer.status_code == 302
    bo = db.session.scalars(select(User).where(User.email == "bo@example.com")).one()
    assert names(bo.id) == {"Agent", "Billing"}
    assert db.session.scalar(select(Staff.name).where(Staff.user_id == bo.id)) == "Bo Lind"
    assert password not in admin.get(f"/users/{bo.id}").get_data(as_text=True)


def printed(page) -> str:
    return re.search(r'id="password">([^<]+)<', page.get_data(as_text=True)).group(1)


def test_the_second_of_two_presses_prints_the_same_password(app):
    """A browser shows the answer to the last press only."""
    admin = signed_in(app, person("Admin"))
    form = {"nonce": forms.new_nonce(), "email": "bo@example.com", "roles": ["Agent"]}
    form["how"] = "print"
    first = printed(admin.post("/users/new", data=form))
    assert printed(admin.post("/users/new", data=form)) == first
    bo = db.session.scalars(select(User.id).where(User.email == "bo@example.com")).one()
    again = {"nonce": re.search(r'name="nonce" value="([^"]+)"', admin.get(f"/users/{bo}").text)[1]}
    second = printed(admin.post(f"/users/{bo}/password", data=again))
    assert second != first
    assert printed(admin.post(f"/users/{bo}/password", data=again)) == second
    login = {"username": "bo@example.com", "password": second}
    assert visitor(app).post("/login/", data=login).status_code == 302
    late = admin.get(admin.post("/users/new", data=form).location).text
    assert "the password that it made is another one by now" in late
    assert first not in late


def test_every_reason_is_told_at_once(app):
    with pytest.raises(RuleError) as refusal:
        create(email="no address", name="N" * 300, roles=["Agent", "Pope"], password="short")
    assert len(refusal.value.problems) == 4


def test_an_address_has_one_sign_in(app):
    create(email="bo@example.com")
    with pytest.raises(RuleError, match="already"):
        create(email="BO@example.com")


def test_imported_staff_is_connected_by_address(app):
    with unit_of_work():
        db.session.add(Staff(name="Bo", name_key="bo", email="bo@example.com"))
    made = create(email="bo@example.com")
    assert db.session.scalars(select(Staff.user_id)).all() == [made.user_id]


def some_role(name: str, *pairs: tuple[str, str]) -> None:
    """A role of the agency's own that may do just this."""
    from flask_appbuilder.security.sqla.models import Role

    with unit_of_work():
        db.session.add(Role(name=name))
    with unit_of_work():
        permissions.set_permissions(name, frozenset(pairs), actor=SYSTEM)


def test_nobody_grants_what_they_lack(app):
    some_role("Office", ("see", "Users"), ("create", "Users"), ("edit", "Users"), ("see", "Home"))
    office = person("Office")
    boss = person("Admin")
    other = person("Agent")
    actor = Actor(user_id=office.id)
    for refused in (
        lambda: accounts.create_user(actor=actor, email="x@example.com", roles=["Admin"]),
        lambda: accounts.set_roles(office.id, ["Office", "Admin"], actor=actor),
        lambda: accounts.set_roles(other.id, ["Billing"], actor=actor),
        lambda: accounts.reset_password(boss.id, actor=actor),
        lambda: accounts.deactivate(boss.id, actor=actor),
        lambda: accounts.sign_out_everywhere(boss.id, actor=actor),
        lambda: permissions.set_permissions("Agent", roles.ROLES["Billing"], actor=actor),
    ):
        with pytest.raises(RuleError), unit_of_work():
            refused()
    page = signed_in(app, office).post(f"/users/{office.id}/roles", data={"roles": ["Admin"]})
    assert page.status_code == 302
    assert names(office.id) == {"Office"}


def test_the_last_admin_stays(app):
    first, second = person("Admin"), person("Admin")
    with unit_of_work():
        accounts.deactivate(second.id, actor=Actor(user_id=first.id))
    for refused in (
        lambda: accounts.deactivate(first.id, actor=SYSTEM),
        lambda: accounts.set_roles(first.id, ["Manager"], actor=SYSTEM),
    ):
        with pytest.raises(RuleError, match="last admin"), unit_of_work():
            refused()
    with unit_of_work():
        accounts.activate(second.id, actor=SYSTEM)
    for refused in (
        lambda: accounts.set_roles(first.id, ["Manager"], actor=Actor(user_id=first.id)),
        lambda: accounts.deactivate(first.id, actor=Actor(user_id=first.id)),
    ):
        with pytest.raises(RuleError, match=r"yourself|your own"), unit_of_work():
            refused()
    with unit_of_work():
        accounts.set_roles(first.id, ["Manager"], actor=Actor(user_id=second.id))
    assert names(first.id) == {"Manager"}


def test_one_s_own_password_needs_the_present_one(app):
    made = create(email="bo@example.com", password="fjord-lantern-pebble")
    client = signed_in(app, db.session.get(User, made.user_id))
    form = {"current": "wrong", "new": "short", "repeated": "other"}
    page = client.post("/account/password", data=form)
    assert page.status_code == 400
    for reason in ("present password is not right", "at least 12", "differ"):
        assert reason in page.get_data(as_text=True)
    form = dict.fromkeys(["new", "repeated"], "pebble-lantern-3") | {
        "current": "fjord-lantern-pebble"
    }
    assert client.post("/account/password", data=form).location == "/account/"
    assert client.get("/account/").status_code == 200


def test_signing_out_everywhere_keeps_this_browser(app):
    user = person("Agent")
    here, there = signed_in(app, user), signed_in(app, user)
    assert here.post("/account/sign-out-everywhere").location == "/account/"
    assert here.get("/account/").status_code == 200
    assert there.get("/account/").status_code == 302


def test_an_admin_signs_somebody_out_everywhere(app):
    user = person("Agent")
    admin, there = signed_in(app, person("Admin")), signed_in(app, user)
    assert "Sign out everywhere" in admin.get(f"/users/{user.id}").get_data(as_text=True)
    assert admin.post(f"/users/{user.id}/sign-out").location == f"/users/{user.id}"
    assert there.get("/account/").status_code == 302
    assert admin.get("/account/").status_code == 200


def test_a_role_is_changed_after_its_difference_was_shown(app):
    admin, agent = signed_in(app, person("Admin")), signed_in(app, person("Agent"))
    wanted = (roles.ROLES["Agent"] | {("see", "Jobs")}) - {("create", "Companies")}
    form = {"pair": [*(f"{verb}:{resource}" for verb, resource in wanted), "nothing:we know"]}
    shown = admin.post("/roles/Agent", data=form).get_data(as_text=True)
    assert "see background jobs" in shown
    assert "create companies" in shown
    assert permissions.pairs_of("Agent") == roles.ROLES["Agent"]
    form |= {"confirmed": "y", "added": "see:Jobs", "removed": "create:Companies"}
    assert all(f'name="{name}" value="{form[name]}"' in shown for name in ("added", "removed"))
    assert admin.post("/roles/Agent", data=form).location == "/roles/Agent"
    assert admin.post("/roles/Agent", data=form).location == "/roles/Agent", "pressed twice"
    assert permissions.pairs_of("Agent") == wanted
    assert agent.get("/roles/").status_code == 403
    noted = db.session.scalars(select(AuditLog).where(AuditLog.action == "role_changed")).one()
    assert noted.after["added"] == [["see", "Jobs"]]
    assert noted.before["removed"] == [["create", "Companies"]]


def test_what_somebody_else_took_since_is_not_given_back_unseen(app):
    admin, before = signed_in(app, person("Admin")), roles.ROLES["Agent"]
    wanted = before | {("see", "Jobs")}
    form = {"pair": [f"{verb}:{resource}" for verb, resource in wanted]}
    admin.post("/roles/Agent", data=form)
    less = before - {("reveal", "Vault")}
    with unit_of_work():
        permissions.set_permissions("Agent", less, actor=SYSTEM)
    refused = admin.post("/roles/Agent", data=form | {"confirmed": "y", "added": "see:Jobs"})
    assert "Somebody else changed Agent meanwhile" in refused.get_data(as_text=True)
    db.session.rollback()
    assert permissions.pairs_of("Agent") == less


def test_a_role_is_made_like_another_given_and_removed(app):
    admin, manager = signed_in(app, person("Admin")), signed_in(app, person("Manager"))
    form = {"name": "  Night  shift ", "like": "Agent", "nonce": forms.new_nonce()}
    assert manager.post("/roles/", data=form).status_code == 403
    made = admin.post("/roles/", data=form)
    assert made.location == admin.post("/roles/", data=form).location == "/roles/Night%20shift"
    assert permissions.pairs_of("Night shift") == roles.ROLES["Agent"]
    assert "Remove this role" in admin.get(made.location).get_data(as_text=True)
    owl = create(email="owl@example.com", name="Owl", roles=["Night shift"]).user_id
    gone = "/roles/Night%20shift/remove"
    admin.post(gone, data={"nonce": forms.new_nonce()})
    assert "still the role of Owl" in admin.get("/roles/").get_data(as_text=True)
    with unit_of_work():
        accounts.set_roles(owl, ["Agent"], actor=SYSTEM)
    admin.post(gone, data={"nonce": forms.new_nonce()})
    assert "Night shift" not in account_queries.role_names()
    with pytest.raises(RuleError, match="built in"), unit_of_work():
        permissions.remove_role("Agent", actor=SYSTEM)
    actions = db.session.scalars(select(AuditLog.action).where(AuditLog.object_kind == "role"))
    assert list(actions) == ["role_created", "role_removed"]


@pytest.mark.parametrize(
    ("name", "like", "said"),
    [
        ("", "Agent", "say how the role is called"),
        ("aGENT", "Agent", "there is a role aGENT already"),
        ("a/b", "Agent", "letters, digits"),
        ("N" * 65, "Agent", "65 letters"),
        ("Night", "Pope", "one of the roles there are"),
    ],
)
def test_a_role_that_cannot_be_made_is_refused_with_what_was_typed(app, name, like, said):
    form = {"name": name, "like": like, "nonce": forms.new_nonce()}
    page = signed_in(app, person("Admin")).post("/roles/", data=form)
    assert page.status_code == 422
    assert said in page.get_data(as_text=True)
    assert f'value="{name}"' in page.get_data(as_text=True)


def test_a_changed_role_survives_a_new_start(app):
    with unit_of_work():
        permissions.set_permissions("Agent", frozenset({("see", "Home")}), actor=SYSTEM)
    with unit_of_work():
        write_roles()
    assert permissions.pairs_of("Agent") == {("see", "Home")}
    assert permissions.pairs_of("Billing") == roles.ROLES["Billing"]


def test_a_new_permission_reaches_the_roles_that_should_have_it(app):
    from flask_appbuilder.security.sqla.models import PermissionView

    with unit_of_work():
        link = next(
            row.id
            for row in db.session.execute(account_queries.permission_views())
            if (row[1], row[2]) == ("can_resend", "Mail")
        )
        db.session.delete(db.session.get(PermissionView, link))
    assert ("resend", "Mail") not in permissions.pairs_of("Billing")
    with unit_of_work():
        write_roles()
    assert ("resend", "Mail") in permissions.pairs_of("Billing")
    assert ("resend", "Mail") not in permissions.pairs_of("Manager")


def test_admin_and_unknown_things_are_refused(app):
    for role, wanted in (("Admin", frozenset()), ("Agent", frozenset({("fly", "Home")}))):
        with pytest.raises(RuleError), unit_of_work():
            permissions.set_permissions(role, wanted, actor=SYSTEM)
    with pytest.raises(NotFoundError), unit_of_work():
        permissions.set_permissions("Pope", frozenset(), actor=SYSTEM)


def test_who_can(app):
    admin = person("Admin", email="boss@example.com")
    person("Agent", email="agent@example.com")
    client = signed_in(app, admin)
    page = client.get("/roles/?can=issue:Invoices").get_data(as_text=True)
    assert "1 may issue invoices" in page
    assert "Nobody" not in page
    assert client.get("/roles/?can=fly:Home").status_code == 200


def test_the_audit_log_is_filtered(app):
    admin = person("Admin", email="boss@example.com")
    client = signed_in(app, admin)
    form = {"nonce": forms.new_nonce(), "email": "bo@example.com", "roles": ["Agent"]}
    client.post("/users/new", data=form)
    client.post(f"/users/{person('Agent').id}/sign-out")

    def found(**query) -> str:
        page = client.get("/audit/", query_string=query).get_data(as_text=True)
        return page.partition("<tbody>")[2].partition("</tbody>")[0]

    assert "user created" in found()
    assert "signed out everywhere" in found(action="signed_out_everywhere")
    assert "user created" not in found(action="signed_out_everywhere")
    assert "user created" in found(person="BOSS", kind="user")
    assert found(person="%") == ""
    assert found(to="2020-01-01") == ""
    assert "user created" in found(to="not a date")


def test_a_new_sign_in_reads_times_in_the_agencys_zone(app):
    with unit_of_work():
        db.session.execute(update(Agency).values(zone="Pacific/Auckland"))
        made = create(email="kiri@example.com")
    zone = select(Staff.zone).where(Staff.user_id == made.user_id)
    assert db.session.scalar(zone) == "Pacific/Auckland"


def identity(client, user: int, name: str, email: str):
    nonce = forms.new_nonce()
    return client.post(
        f"/users/{user}/identity", data={"nonce": nonce, "name": name, "email": email}
    )


def test_an_admin_gives_somebody_another_name_and_address(app):
    made = create(email="bo@example.com", name="Bo Lind", password="three or four words")
    theirs = visitor(app)
    login = {"username": "bo@example.com", "password": "three or four words"}
    assert theirs.post("/login/", data=login).status_code == 302
    admin = signed_in(app, person("Admin"))
    assert identity(admin, made.user_id, "Bo Berg", "Bo.Berg@example.com").status_code == 302
    assert theirs.get("/").status_code == 302
    assert visitor(app).post("/login/", data=login).status_code != 302
    login["username"] = "bo.berg@example.com"
    assert visitor(app).post("/login/", data=login).status_code == 302
    bo = db.session.scalars(select(Staff).where(Staff.user_id == made.user_id)).one()
    assert (bo.name, bo.email) == ("Bo Berg", "bo.berg@example.com")
    told = db.session.scalars(select(Mail).order_by(Mail.id.desc())).first()
    assert told.recipient == "bo@example.com"
    assert "changed the address you sign in with to bo.berg@example.com" in told.body
    assert identity(admin, made.user_id, "Bo Berg", "bo.berg@example.com").status_code == 302
    noted = select(AuditLog.before).where(AuditLog.action == "user_changed")
    assert db.session.scalars(noted).one()["email"] == "bo@example.com", "written once"


def test_another_address_leaves_the_name_that_the_staff_list_has(app):
    made = create(email="cher@example.com", name="Cher")
    listed = select(Staff).where(Staff.user_id == made.user_id)
    with unit_of_work() as session:
        session.scalars(listed).one().name = "Cher Sarkisian"
    identity(signed_in(app, person("Admin")), made.user_id, "Cher", "cher2@example.com")
    db.session.expire_all()
    assert db.session.scalars(listed).one().name == "Cher Sarkisian"


@pytest.mark.parametrize(
    ("name", "email", "why"),
    [
        ("", "bo@example.com", "The name is empty"),
        ("Bo", "no address", "is not an e-mail address"),
        ("Bo", "cy@example.com", "has a sign-in already"),
        ("Bo", "known@example.com", "Somebody else of the staff has this address"),
        ("Bo", "x" * 130 + "@example.com", "at most 128 fit"),
    ],
)
def test_a_name_or_address_that_does_not_fit_is_refused_and_kept_in_the_form(app, name, email, why):
    made = create(email="bo@example.com", name="Bo Lind")
    create(email="cy@example.com")
    with unit_of_work():
        add_staff(actor=SYSTEM, name="Known", email="known@example.com")
    page = identity(signed_in(app, person("Admin")), made.user_id, name, email)
    assert page.status_code == 422
    assert why in page.text
    assert f'value="{email}"' in page.text
    assert db.session.get(User, made.user_id, populate_existing=True).email == "bo@example.com"


def test_whoever_may_do_less_changes_no_address(app):
    admin = create(email="chief@example.com", roles=["Admin"])
    agent = create(email="bo@example.com")
    with pytest.raises(RuleError, match="may do more than you"), unit_of_work():
        accounts.change_identity(
            admin.user_id, actor=Actor(user_id=agent.user_id), name="X", email="x@example.com"
        )
