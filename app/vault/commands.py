"""What is done with a client's login. The caller opens the unit of work around them."""

from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError
from app.vault import queries, rules, sealing
from app.vault.models import Credential
from app.vault.sealing import Secret

CHUNK = 500


def keep(
    *,
    actor: Actor,
    company_id: int,
    label: str,
    secret: Secret,
    url: str = "",
    ticket_id: int | None = None,
) -> Credential:
    """Put a login into the vault. Raises `RuleError` with every reason at once."""
    label, url = " ".join(label.split()), url.strip()
    problems = rules.problems_of(label, url, (secret.user, secret.secret, secret.note))
    if problems:
        raise RuleError(*problems)
    queries.hold_keys()
    found = Credential(
        company_id=company_id,
        ticket_id=ticket_id,
        contact_id=actor.contact_id,
        given_by=actor.name,
        label=label,
        url=url,
        sealed=sealing.seal(secret),
    )
    db.session.add(found)
    db.session.flush()
    record(actor, "login.keep", kind="login", id=found.id, after={"label": label})
    return found


def give(credential: Credential, *, actor: Actor, company_id: int) -> None:
    """Let a login be one of another company, where what it belongs to went."""
    before = credential.company_id
    if before == company_id:
        return
    credential.company_id = company_id
    db.session.flush()
    record(
        actor,
        "login.give",
        kind="login",
        id=credential.id,
        before={"label": credential.label, "company_id": before},
        after={"company_id": company_id},
    )


def reveal(credential: Credential, *, actor: Actor, reason: str) -> Secret:
    """What the login is; who opens it and why is written down first. Raises `RuleError`."""
    problems = rules.reason_problems(reason)
    if credential.sealed is None:
        problems.append("This login was removed: there is nothing left to open.")
    if problems or credential.sealed is None:
        raise RuleError(*problems)
    found = sealing.unseal(credential.sealed)
    credential.opened_at, credential.opened_by = clock.now(), actor.name
    after = {"label": credential.label, "reason": reason.strip()}
    record(actor, "login.open", kind="login", id=credential.id, after=after)
    return found


def remove(credential: Credential, *, actor: Actor) -> None:
    """Erase what a login holds; that there was one stays. Twice is once."""
    if credential.removed_at is not None:
        return
    credential.sealed, credential.removed_at = None, clock.now()
    db.session.flush()
    before = {"label": credential.label}
    record(actor, "login.remove", kind="login", id=credential.id, before=before)


def reseal_some(*, after_id: int, most: int = CHUNK) -> tuple[int, int]:
    """Seal the next logins behind an id by the first key; returns the last id and how many.

    The last id is 0 when none is left.
    """
    rows = queries.sealed_after(after_id, most=most)
    changed = 0
    for row in rows:
        if row.sealed is not None and not sealing.is_of_first_key(row.sealed):
            row.sealed = sealing.resealed(row.sealed)
            changed += 1
    db.session.flush()
    return (rows[-1].id if rows else 0), changed
