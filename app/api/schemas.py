"""What is sent and answered, for the description of the API."""

from typing import Any

from app.tickets.rules import LONGEST_SUBJECT, LONGEST_TEXT, PRIORITIES

Schema = dict[str, Any]
MOST_NOTIFIED = 50


def _object(needed: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        **({"required": list(needed)} if needed else {}),
    }


def _text(description: str = "", **more: Any) -> Schema:
    return {"type": "string", **({"description": description} if description else {}), **more}


NUMBER: Schema = {"type": "integer"}
NAMED = {**_object(id=NUMBER, name=_text()), "nullable": True}
NEW_REQUEST = _object(
    ("type", "contact", "subject", "message"),
    type={**NUMBER, "description": "The id of a kind of request"},
    contact=_text("The id or an e-mail address of the contact in whose name it is raised"),
    company=_text("Id, external id or name of a company of theirs; else their primary one"),
    subject=_text(maxLength=LONGEST_SUBJECT),
    message=_text(maxLength=LONGEST_TEXT),
    urgency=_text(enum=list(PRIORITIES), default="normal"),
    department=_text("Id or name; else the department of the kind"),
    notify={
        "type": "array",
        "description": "Ids or e-mail addresses of colleagues who follow it from the start",
        "items": _text(),
        "maxItems": MOST_NOTIFIED,
    },
    fields={
        "type": "object",
        "description": "Answers by key, as `schema` of the kind of request says",
        "additionalProperties": True,
    },
)
REQUEST = _object(
    number=NUMBER,
    subject=_text(),
    status=_text(),
    category=_text(),
    urgency=_text(enum=list(PRIORITIES)),
    company=NAMED,
    contact=NAMED,
    department=NAMED,
    type={**_object(id=NUMBER, name=_text(), version=NUMBER), "nullable": True},
    fields={"type": "array", "items": _object(key=_text(), label=_text(), value=_text())},
    merged_into={**NUMBER, "nullable": True},
    created_at=_text(format="date-time"),
    link=_text("Its page on the desk", format="uri"),
)
FAULTS = _object(
    message=_text(),
    errors={"type": "object", "additionalProperties": {"type": "array", "items": _text()}},
)
ALL = {"NewRequest": NEW_REQUEST, "Request": REQUEST, "Faults": FAULTS}
