"""When a rule's actions fail: told on the ticket, and after some in a row the rule is off."""

from collections.abc import Sequence
from typing import Any

from flask import current_app
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update

from app.automation.models import Rule, RuleRun
from app.automation.performing import Outcome
from app.automation.queries import Current
from app.core import mail
from app.core.audit import SYSTEM, Actor, record
from app.core.db import db
from app.tickets import commands
from app.tickets.models import Ticket

MOST_FAILURES = 5
ADMIN = "Admin"


def count(
    current: Current, run: RuleRun, ticket: Ticket, failed: Sequence[Outcome], *, actor: Actor
) -> None:
    """Count runs in a row in which something failed; the fifth switches the rule off."""
    rule = current.rule
    if not failed:
        if rule.failures:
            _write(rule, failures=0)
        return
    reasons = "\n".join(f"{each.words}: {each.reason}" for each in failed)
    commands.add_note(ticket, actor=actor, text=f"This rule could not do all:\n{reasons}")
    if _write(rule, failures=Rule.failures + 1) < MOST_FAILURES:
        return
    reason = f"Switched off after {MOST_FAILURES} failures in a row: {failed[0].reason}"[:500]
    _write(rule, is_on=False, on_since=None, failures=0, off_reason=reason)
    record(SYSTEM, "rule.fail_off", kind="rule", id=rule.id, after={"reason": reason})
    _tell(current, run, reason)


def _write(rule: Rule, **values: Any) -> int:
    """Write on the rule's row as it is now, as others may count at once; returns its failures."""
    failures = db.session.scalars(
        update(Rule)
        .where(Rule.id == rule.id)
        .values(**values)
        .returning(Rule.failures)
        .execution_options(synchronize_session=False)
    ).one()
    db.session.expire(rule)
    return failures


def _tell(current: Current, run: RuleRun, reason: str) -> None:
    """Mail who wrote the rule, as long as they can sign in; else the admins."""
    public = current_app.extensions["settings"].public_url.rstrip("/")
    rule: Rule = current.rule
    mail.post(
        [
            mail.Letter(
                word="Notification",
                subject=f"The rule “{rule.name}” is switched off",
                body=(
                    f"{reason}\n\nMend the rule and switch it on again:\n"
                    f"{public}/rules/{rule.id}\n\nWhat failed last:\n{public}/rules/runs/{run.id}\n"
                ),
                recipient=user.email,
                recipient_name=user.get_full_name(),
                dedupe_key=f"rule-off:{run.id}:{user.id}",
            )
            for user in _readers(current.version.user_id)
        ]
    )


def _readers(author_id: int | None) -> list[User]:
    author = db.session.get(User, author_id) if author_id is not None else None
    if author is not None and author.active:
        return [author]
    query = select(User).where(User.active.is_(True)).order_by(User.id)
    return [
        user for user in db.session.scalars(query) if any(role.name == ADMIN for role in user.roles)
    ]
