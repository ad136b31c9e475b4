"""What an admin does with rules. The caller opens the unit of work."""

from app.automation import checks, queries
from app.automation.definition import Definition
from app.automation.models import Rule, RuleVersion
from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError, StaleError
from app.tickets import rules as ticket_rules


def save(
    *,
    actor: Actor,
    name: str,
    definition: Definition,
    rule_id: int | None = None,
    number: int | None = None,
    is_demo: bool = False,
) -> Rule:
    """Write a rule, new (switched off, last in order) or as the next version of one.

    Raises `RuleError` with every reason at once, each naming the condition or action; `StaleError`
    when somebody saved since version `number`. What says the same again makes no version.
    """
    name = ticket_rules.clean_line(name)
    problems = _name_problems(name, rule_id)
    problems += checks.problems(definition, queries.names([definition]))
    if problems:
        raise RuleError(*problems)
    if rule_id is None:
        rule = Rule(position=_last_place() + 1, number=0)
    else:
        rule = queries.locked(rule_id)
    if rule_id is not None and number not in {None, rule.number}:
        raise StaleError(
            f"Somebody else changed “{rule.name}” since you opened it: look at what it says now "
            "and make your change again."
        )
    if rule_id is not None and rule.name == name:
        before = queries.current(rule_id)
        if before.definition.as_json() == definition.as_json():
            return rule
    if rule.event != definition.event:
        rule.looked_at = clock.now()
    rule.name, rule.event, rule.number = name, definition.event, rule.number + 1
    rule.is_demo = is_demo or bool(rule.is_demo)
    rule.failures, rule.off_reason = 0, ""
    db.session.add(rule)
    db.session.flush()
    db.session.add(
        RuleVersion(
            rule_id=rule.id,
            number=rule.number,
            name=name,
            event=definition.event,
            definition=definition.as_json(),
            user_id=actor.user_id,
            changed_by=actor.name,
            created_at=clock.now(),
        )
    )
    db.session.flush()
    after = {"name": name, "number": rule.number}
    record(actor, "rule.save", kind="rule", id=rule.id, after=after)
    return rule


def switch(rule_id: int, *, actor: Actor, on: bool) -> Rule:
    """Switch a rule on or off. One that refers to what is gone is not switched on.

    Raises `RuleError` naming what is broken.
    """
    rule = queries.locked(rule_id)
    if rule.is_on == on:
        return rule
    if on:
        definition = queries.current(rule_id).definition
        problems = checks.problems(definition, queries.names([definition]))
        if problems:
            raise RuleError(*problems)
        rule.off_reason, rule.failures, rule.looked_at = "", 0, None
    rule.is_on, rule.on_since = on, clock.now() if on else None
    db.session.flush()
    record(actor, "rule.on" if on else "rule.off", kind="rule", id=rule.id)
    return rule


def move(rule_id: int, *, actor: Actor, step: int) -> Rule:
    """Let a rule run one place earlier (-1) or later (1); at the edge it stays."""
    queries.lock_order()
    rule = queries.locked(rule_id)
    other = queries.neighbour(rule, step)
    if other is not None:
        rule.position, other.position = other.position, rule.position
        db.session.flush()
        record(actor, "rule.move", kind="rule", id=rule.id, after={"position": rule.position})
    return rule


def archive(rule_id: int, *, actor: Actor) -> Rule:
    """Take a rule away; its log stays."""
    rule = queries.locked(rule_id)
    rule.is_on, rule.on_since, rule.archived_at = False, None, clock.now()
    db.session.flush()
    record(actor, "rule.archive", kind="rule", id=rule.id)
    return rule


def _last_place() -> int:
    queries.lock_order()
    return queries.last_position()


def _name_problems(name: str, rule_id: int | None) -> list[str]:
    if not name:
        return ["The name is empty: say in a few words what the rule is for."]
    if len(name) > checks.LONGEST_NAME:
        return [
            f"The name has {len(name)} characters, at most {checks.LONGEST_NAME} fit: shorten it."
        ]
    if queries.is_name_taken(name, rule_id):
        return [f"A rule called “{name}” is there already: give this one another name."]
    return []
