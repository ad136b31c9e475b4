"""The kinds of requests a new agency begins with, in the language of its clients.

They are the agency's from then on, and never translated again once somebody changed or used them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from app.core.audit import Actor
from app.core.db import db
from app.core.language import told_in
from app.core.models import Agency
from app.core.words import say
from app.tickets import intake, request_queries
from app.tickets.intake import Condition, Field
from app.tickets.request_models import RequestType
from app.tickets.request_types import change_type, create_type, save_fields


@dataclass(frozen=True, slots=True)
class Usual:
    """A kind of request as it comes with every new agency."""

    name: str
    help: str
    next_text: str
    billing: str
    fields: tuple[Field, ...] = ()

    def values(self) -> dict[str, Any]:
        """What stands on the kind itself."""
        names = ("name", "help", "next_text", "billing")
        return {name: getattr(self, name) for name in names}


_MANY = Condition("scope", (say("Several of us"), say("Everybody")))
_CHANGE = say("A change to something we have")
_SUCH_AS = say("A page, a program, a device.")
USUAL = (
    Usual(
        say("Something is broken"),
        say("It worked before, or does not do what it should."),
        say("We look at it and write to you, by mail and here, as soon as we know more."),
        "rates",
        (
            Field("where", "text", say("Where does it happen?"), _SUCH_AS),
            Field(
                "scope",
                "choice",
                say("Who is affected?"),
                options=(say("Only me"), *_MANY.options),
                required=True,
            ),
            Field("since", "date", say("Since when?"), visible_if=_MANY),
            Field(
                "access",
                "secret",
                say("A login we need to look at it"),
                say("Only if we need one. It is encrypted, never mailed, and you can remove it."),
            ),
        ),
    ),
    Usual(
        say("A question"),
        say("How something is done, or what is possible."),
        say("Somebody who knows answers you, by mail and here."),
        "",
    ),
    Usual(
        say("A change or new work"),
        say("Something to add, change or build."),
        say("We tell you what it takes; what has a price is offered to you before we begin."),
        "offer",
        (
            Field(
                "kind",
                "choice",
                say("What is it?"),
                options=(_CHANGE, say("Something new")),
                required=True,
            ),
            Field(
                "what",
                "text",
                say("What should change?"),
                _SUCH_AS,
                visible_if=Condition("kind", (_CHANGE,)),
                required_if=Condition("kind", (_CHANGE,)),
            ),
            Field("wanted", "date", say("When do you need it?")),
            Field("budget", "number", say("Is there a budget?")),
        ),
    ),
)


def usual_in(code: str) -> list[Usual]:
    """The kinds in a language."""
    return [
        Usual(
            _kept_in(each.name, code),
            _kept_in(each.help, code),
            _kept_in(each.next_text, code),
            each.billing,
            tuple(_field_in(field, code) for field in each.fields),
        )
        for each in USUAL
    ]


def _field_in(field: Field, code: str) -> Field:
    return replace(
        field,
        label=_kept_in(field.label, code),
        help=_kept_in(field.help, code),
        options=_told(field.options, code),
        visible_if=_condition_in(field.visible_if, code),
        required_if=_condition_in(field.required_if, code),
    )


def _condition_in(condition: Condition | None, code: str) -> Condition | None:
    return condition and Condition(condition.key, _told(condition.options, code))


def _kept_in(text: str, code: str) -> str:
    """A text in a language as it is kept: forms take a space that does not break for any other."""
    return " ".join(told_in(text, code).split())


def _told(texts: Sequence[str], code: str) -> tuple[str, ...]:
    return tuple(_kept_in(text, code) for text in texts)


def ensure(actor: Actor) -> None:
    """Write the kinds a new agency begins with, where there are none yet."""
    if db.session.scalar(select(RequestType.id).limit(1)) is not None:
        return
    for each in usual_in(db.session.scalars(select(Agency.language)).one()):
        kind = create_type(actor=actor, values=each.values())
        if each.fields:
            save_fields(kind.id, actor=actor, fields=each.fields)


def follow_language(before: str, after: str, *, actor: Actor) -> None:
    """Write the kinds in another language, as far as they are still as they came and unused.

    One that was changed, or that a ticket was asked with, is the agency's own and stays.
    """
    known = {form.type.name: (form, count) for form, count in request_queries.every_type()}
    taken = {name.casefold() for name in known}
    for old, new in zip(usual_in(before), usual_in(after), strict=True):
        form, count = known.get(old.name, (None, 0))
        if form is None or new.name.casefold() in taken or count:
            continue
        kept = {name: getattr(form.type, name) for name in old.values()}
        if kept == old.values() and form.version.fields == intake.stored(old.fields):
            change_type(form.type, actor=actor, values=new.values())
            save_fields(form.type.id, actor=actor, fields=new.fields)
