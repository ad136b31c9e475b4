"""Search as you type: one address for every entity, one field that checks what was chosen.

A domain offers an entity with `offer`; `/lookup/<entity>?q=` answers with at most `MOST` rows, and
`LookupField` takes the id of one of them, or the whole name where scripts are off.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import url_for
from markupsafe import Markup, escape
from sqlalchemy import Select
from wtforms import Field, ValidationError

from app.core import typed
from app.core.db import db
from app.core.security import may

MOST = 20


@dataclass(frozen=True, slots=True)
class Found:
    """One row that a look-up offers; `note` tells equal names apart."""

    id: int
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Lookup:
    """How an entity is found: `search(text)` and `one(id)` are selects of id, text, note.

    Who may not see its resource finds none of its rows, in whatever form they are looked up.
    """

    resource: str
    search: Callable[[str], Select[*tuple[Any, ...]]]
    one: Callable[[int], Select[*tuple[Any, ...]]]

    @property
    def is_open(self) -> bool:
        """Whether the person who is signed in may see such rows."""
        return may("see", self.resource)

    def find(self, text: str) -> list[Found]:
        """At most `MOST` rows for what was typed, the nearest first."""
        if not self.is_open:
            return []
        rows = db.session.execute(self.search(text.strip()[:200]).limit(MOST))
        return [Found(row[0], str(row[1]), str(row[2] or "")) for row in rows]

    def get(self, id: int) -> Found | None:  # noqa: A002 - the row's own word
        """The row of an id, or None when there is none."""
        row = db.session.execute(self.one(id)).first() if self.is_open else None
        return Found(row[0], str(row[1]), str(row[2] or "")) if row else None


LOOKUPS: dict[str, Lookup] = {}


def offer(entity: str, lookup: Lookup) -> None:
    """Make an entity known to `/lookup/<entity>`; seen by those who may see its resource."""
    LOOKUPS[entity] = lookup


class LookupWidget:
    """The markup that app/static/fields.js brings to life."""

    def __call__(self, field: "LookupField", **kwargs: Any) -> Markup:
        described = kwargs.get("aria-describedby")
        more = Markup(' aria-describedby="{}"').format(described) if described else ""
        if kwargs.get("aria-invalid"):
            more += Markup(' aria-invalid="true"')
        return Markup(
            '<div class="lookup" data-lookup="{url}">'
            '<input type="hidden" name="{name}" value="{value}" data-lookup-id>'
            '<input class="form-control" type="text" id="{id}" name="{name}_text" value="{text}"'
            ' role="combobox" aria-expanded="false" aria-autocomplete="list"'
            ' aria-controls="{id}-list" autocomplete="off"{more}>'
            '<ul class="lookup-list" id="{id}-list" role="listbox" aria-label="{label}"'
            ' data-none="Nothing found" hidden></ul></div>'
        ).format(
            url=url_for("desk.lookup", entity=field.entity),
            name=field.name,
            id=field.id,
            value=field.data or "",
            text=field.text,
            label=escape(field.label.text),
            more=more,
        )


class LookupField(Field):
    """The id of a row found by look-up, or None. Refuses what the person may not choose."""

    widget = LookupWidget()

    def __init__(
        self, label: str = "", *, entity: str, optional: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(label, **kwargs)
        self.entity = entity
        self.may_be_empty = optional
        self.typed: str | None = None

    @property
    def text(self) -> str:
        """What stands in the field: the name of the row chosen, or what was typed."""
        if self.typed is not None:
            return self.typed
        found = LOOKUPS[self.entity].get(self.data) if self.data else None
        return found.text if found else self._unseen

    @property
    def _unseen(self) -> str:
        """What stands for a row that this person may not see, so that it stays chosen."""
        return f"No. {self.data}" if self.data and not LOOKUPS[self.entity].is_open else ""

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        super().process(formdata, *args, **kwargs)
        if formdata is not None and f"{self.name}_text" in formdata:
            self.typed = formdata[f"{self.name}_text"].strip()

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist:
            self.data = typed.id_of(valuelist[0])

    def pre_validate(self, form: Any) -> None:
        """Check the id against the database, or find the row of the name typed."""
        lookup = LOOKUPS[self.entity]
        if not lookup.is_open and (self.data or self.typed):
            if self.typed != self._unseen:
                raise ValidationError("Your role may not see these, so it may not choose one.")
            return
        if self.data is not None and (self.typed is None or self.typed):
            if lookup.get(self.data) is None:
                raise ValidationError("This is not there any more; choose another.")
            return
        self.data = self._by_name(lookup) if self.typed else None
        if self.data is None and not self.may_be_empty:
            raise ValidationError("Choose one from the list.")

    def _by_name(self, lookup: Lookup) -> int:
        found = lookup.find(self.typed or "")
        same = [row for row in found if row.text.casefold() == (self.typed or "").casefold()]
        fitting = same or found
        if len(fitting) == 1:
            return fitting[0].id
        if not fitting:
            raise ValidationError(f"Nothing is called “{self.typed}”.")
        raise ValidationError(f"“{self.typed}” could be {len(fitting)} things; choose one.")
