"""Commands on sign-ins: who may come in, with which roles. Each is written to the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import select, update
from werkzeug.security import check_password_hash

from app.core import clock
from app.core.audit import Actor, record
from app.core.credentials import end_sessions, hashed
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.core.models import Agency
from app.core.passwords import new_password, problems_with
from app.core.security import permissions_of
from app.core.words import said_of
from app.imports.values import fold_name
from app.staff import account_queries as queries
from app.staff import letters, links
from app.staff.models import Staff

ADMIN = "Admin"
LONGEST_NAME = 64
"""Of each of the two parts that the users' table keeps; the staff list has the whole name."""
LONGEST_WHOLE_NAME = 120
LONGEST_ADDRESS = 128
"""The users' table keeps no longer name to sign in with."""


@dataclass(frozen=True, slots=True)
class Created:
    """A new sign-in; `password` is set only when it was made here and must be handed over."""

    user_id: int
    password: str | None


def create_user(
    *,
    actor: Actor,
    email: str,
    roles: Sequence[str],
    name: str = "",
    username: str = "",
    password: str | None = None,
    is_invited: bool = False,
) -> Created:
    """Let somebody sign in, and make them staff; without a password one is made and returned.

    Who `is_invited` has none, and cannot sign in, until they choose one by a mailed link.
    Raises `RuleError` with every reason: an unusable or taken address, a name that does not fit, a
    weak password, an unknown role, or a role with rights that the actor lacks.
    """
    email = email.strip().lower()
    username = username or email
    problems: list[str] = [said_of("email", each) for each in _address_problems(email, username)]
    problems += _name_problems(name)
    chosen, role_problems = _grantable(actor, roles)
    problems += role_problems
    if password is not None:
        problems += problems_with(password, email=email)
    if problems:
        raise RuleError(*problems)
    made = None if password is not None or is_invited else new_password()
    given = password if password is not None else made
    user = add_user(email, username, name, chosen, hashed(given) if given is not None else None)
    _note(actor, "user_created", user, after={"email": email, "roles": sorted(roles)})
    return Created(user.id, made)


def add_user(
    email: str, username: str, name: str, roles: list[Role], password_hash: str | None
) -> User:
    """Write a user and their staff row, without any rule; for `create_user` and the demo."""
    shown = " ".join(name.split()) or email.partition("@")[0]
    first, last = _in_two(shown)
    now = clock.now().replace(tzinfo=None)
    user = User(
        username=username,
        email=email,
        first_name=first,
        last_name=last,
        password=password_hash,
        active=True,
        roles=roles,
        created_on=now,
        changed_on=now,
    )
    db.session.add(user)
    db.session.flush()
    staff = db.session.scalar(queries.staff_to_link(email))
    if staff is None:
        zone = db.session.scalar(select(Agency.zone))
        staff = Staff(user_id=user.id, name=shown, name_key=fold_name(shown), email=email)
        staff.zone = zone or "UTC"
        db.session.add(staff)
    else:
        staff.user_id = user.id
    db.session.flush()
    return user


def set_roles(user_id: int, roles: Sequence[str], *, actor: Actor) -> None:
    """Give a user exactly these roles; signs them out everywhere when anything changes.

    Refuses to grant what the actor lacks, to take Admin from oneself or from the last admin.
    """
    user = changeable(user_id, actor)
    before = {role.name for role in user.roles}
    wanted = set(roles)
    if before == wanted:
        return
    chosen, problems = _grantable(actor, sorted(wanted))
    if ADMIN in before - wanted:
        if user.id == actor.user_id:
            problems.append("You cannot take the role Admin from yourself; another admin can.")
        problems += _last_admin_problems(user)
    if problems:
        raise RuleError(*problems)
    user.roles = chosen
    end_sessions(user.id)
    _note(actor, "roles_changed", user, {"roles": sorted(before)}, {"roles": sorted(wanted)})


def change_identity(user_id: int, *, actor: Actor, name: str, email: str) -> None:
    """Give a user another name or address to sign in with; their staff row goes along.

    Another address ends all sessions and mailed links, and the former one is told. Raises
    `RuleError` with every reason.
    """
    user = changeable(user_id, actor)
    name, email = " ".join(name.split()), email.strip().lower()
    before = {"name": " ".join(user.get_full_name().split()), "email": user.email}
    is_renamed, is_moved = name != before["name"], email != user.email.lower()
    if not is_renamed and not is_moved:
        return
    problems = _name_problems(name) if name else [said_of("name", "The name is empty: write one.")]
    if is_moved:
        problems += [said_of("email", each) for each in _address_problems(email, email)]
        if db.session.scalar(queries.colleague_at(email, user.id)):
            other = "Somebody else of the staff has this address: change or archive them first."
            problems.append(said_of("email", other))
    if problems:
        raise RuleError(*problems)
    staff = db.session.scalar(queries.staff_of(user.id))
    if is_renamed:
        user.first_name, user.last_name = _in_two(name)
        if staff is not None:
            staff.name, staff.name_key = name, fold_name(name)
    if is_moved:
        if staff is not None:
            staff.email = email
        letters.post_moved(user, email, told_by=actor.inside)
        if user.username.lower() == user.email.lower():
            user.username = email
        user.email = email
        end_sessions(user.id)
        links.void(user.id)
    _note(actor, "user_changed", user, before, {"name": name, "email": email})


def deactivate(user_id: int, *, actor: Actor) -> None:
    """Stop a person from signing in, at once; what they did stays."""
    user = changeable(user_id, actor)
    problems = []
    if user.id == actor.user_id:
        problems.append("You cannot deactivate your own sign-in; another admin can.")
    if problems or not user.active:
        raise RuleError(*(problems or [f"{user.email} is deactivated already."]))
    problems = _last_admin_problems(user) if ADMIN in {r.name for r in user.roles} else []
    if problems:
        raise RuleError(*problems)
    user.active = False
    end_sessions(user.id)
    links.void(user.id)
    _note(actor, "user_deactivated", user)


def activate(user_id: int, *, actor: Actor) -> None:
    """Let a deactivated person sign in again."""
    user = changeable(user_id, actor)
    if user.active:
        raise RuleError(f"{user.email} can sign in already.")
    user.active = True
    _note(actor, "user_activated", user)


def reset_password(user_id: int, *, actor: Actor, password: str = "") -> str:
    """Give a user a new password, returned once and stored only as its hash.

    It is made here unless the caller has made one.
    """
    user = changeable(user_id, actor)
    password = password or new_password()
    user.password = hashed(password)
    end_sessions(user.id)
    links.void(user.id)
    _note(actor, "password_reset", user)
    letters.post_changed(
        user, f"{actor.inside} gave you a new password", "If you know nothing of it,"
    )
    return password


def has_password(user_id: int, password: str) -> bool:
    """Whether this is a user's password still."""
    return check_password_hash(_user(user_id).password or "", password)


def change_password(*, actor: Actor, current: str, new: str, repeated: str) -> None:
    """Change one's own password; ends all sessions, so the caller begins a new one."""
    user = _user(actor.user_id or 0)
    problems = problems_with(new, email=user.email)
    if new != repeated:
        problems.append("The two new passwords differ; type the same one twice.")
    if not check_password_hash(user.password or "", current):
        problems.insert(0, "The present password is not right.")
    if problems:
        raise RuleError(*problems)
    user.password = hashed(new)
    end_sessions(user.id)
    links.void(user.id)
    _note(actor, "password_changed", user)
    letters.post_changed(user, "Your password was changed", "If that was not you,")


def sign_out_everywhere(user_id: int, *, actor: Actor) -> None:
    """End every session and token of a user."""
    user = _user(user_id) if user_id == actor.user_id else changeable(user_id, actor)
    end_sessions(user.id)
    _note(actor, "signed_out_everywhere", user)


def held_by(actor: Actor) -> frozenset[tuple[str, str]] | None:
    """The permissions an actor may pass on; None means all (the command line, set-up)."""
    return None if actor.user_id is None else permissions_of(actor.user_id)


def may_change(user_id: int, actor: Actor) -> bool:
    """Whether an actor may do all that this user may, and so may act on their sign-in."""
    held = held_by(actor)
    return held is None or permissions_of(user_id) <= held


def changeable(user_id: int, actor: Actor) -> User:
    """The user, locked; refused when they may do what the actor may not."""
    user = db.session.scalar(select(User).where(User.id == user_id).with_for_update())
    if user is None:
        raise NotFoundError(f"There is no user {user_id}.")
    if not may_change(user.id, actor):
        raise RuleError(f"{user.email} may do more than you; an admin has to do this.")
    return user


def _user(user_id: int) -> User:
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFoundError(f"There is no user {user_id}.")
    return user


def _in_two(name: str) -> tuple[str, str]:
    """A whole name as the users' table keeps it."""
    first, _, last = name.partition(" ")
    return first[:LONGEST_NAME], last[:LONGEST_NAME]


def _name_problems(name: str) -> list[str]:
    if len(name) <= LONGEST_WHOLE_NAME:
        return []
    long = f"The name has {len(name)} characters, at most {LONGEST_WHOLE_NAME} fit: shorten it."
    return [said_of("name", long)]


def _address_problems(email: str, username: str) -> list[str]:
    if not email:
        return ["The e-mail is empty: write it like name@example.com."]
    if len(email) > LONGEST_ADDRESS:
        return [f"The e-mail has {len(email)} characters, at most {LONGEST_ADDRESS} fit."]
    name, _, host = email.partition("@")
    if not name or "." not in host or any(sign in email for sign in " ,;<>\r\n\0"):
        return [f"“{email}” is not an e-mail address; write it like name@example.com."]
    taken = queries.user_named(email, username)
    return [f"{email} has a sign-in already."] if db.session.scalar(taken) else []


def _grantable(actor: Actor, names: Sequence[str]) -> tuple[list[Role], list[str]]:
    """The roles with these names, and why some may not be granted."""
    problems = [] if names else ["Choose at least one role."]
    found = {role.name: role for role in db.session.scalars(queries.roles_named(names))}
    problems += [f"There is no role “{name}”." for name in names if name not in found]
    held = held_by(actor)
    if held is not None:
        wanted = queries.permissions_by_role(names)
        problems += [
            f"You cannot grant the role {name}: it allows what you may not do."
            for name in names
            if not wanted.get(name, frozenset()) <= held
        ]
    return list(found.values()), problems


def _last_admin_problems(user: User) -> list[str]:
    """Why this admin must stay. Locks the role, so that two admins cannot leave at once."""
    db.session.execute(update(Role).where(Role.name == ADMIN).values(name=ADMIN))
    others = db.session.scalar(queries.other_active_admins(user.id, ADMIN)) or 0
    return [] if others else [f"{user.email} is the last admin; make another one first."]


def _note(
    actor: Actor,
    action: str,
    user: User,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    record(actor, action, kind="user", id=user.id, before=before, after=after)
