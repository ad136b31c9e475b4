"""What a rule can be made of: events, conditions, actions. Pure.

This one list drives the form, the checks, the evaluation, the words and the page of the manual.
"""

from collections.abc import Mapping
from dataclasses import dataclass

PRIORITIES = {"low": "low", "normal": "normal", "high": "high", "urgent": "urgent"}
CATEGORIES = {
    "new": "new",
    "open": "open",
    "waiting": "waiting",
    "resolved": "resolved",
    "completed": "completed",
}
ORIGINS = {"portal": "the portal", "mail": "mail", "desk": "the desk", "api": "the API"}
OUTCOMES = {"answered": "answered", "declined": "declined"}
SINCE = {
    "opened": "the ticket was opened",
    "client": "the client wrote, and nobody answered",
    "staff": "we answered, and the client did not",
    "status": "the status changed",
    "activity": "anything happened on the ticket",
}
COUNTED = {"clock": "the clock", "business": "business hours"}
ASKED = {"approve": "approve", "fill": "answer", "upload": "send files", "confirm": "confirm"}

# Kinds of values that are rows of the database, chosen by their name.
ROWS = {
    "department": "department",
    "staff": "person",
    "status": "status",
    "request_type": "kind of request",
    "calendar": "calendar",
    "company": "company",
}
OPTIONS: Mapping[str, Mapping[str, str]] = {
    "priority": PRIORITIES,
    "category": CATEGORIES,
    "origin": ORIGINS,
    "outcome": OUTCOMES,
    "since": SINCE,
    "counted": COUNTED,
    "asked": ASKED,
}

OPERATORS = {
    "is": "is",
    "is_not": "is not",
    "at_least": "is at least",
    "at_most": "is at most",
    "contains": "contains",
    "contains_not": "does not contain",
    "has": "has",
    "has_not": "has not",
    "within": "lies within",
    "outside": "lies outside",
    "empty": "is empty",
    "filled": "is not empty",
}
WITHOUT_VALUE = ("empty", "filled")


@dataclass(frozen=True, slots=True)
class Setting:
    """Something that an event or an action is told: a value of a kind, a number or a text.

    Where nothing is chosen, `usual` counts.
    """

    name: str
    label: str
    kind: str
    hint: str = ""
    least: int = 1
    most: int = 8760
    longest: int = 2000
    usual: str = ""


@dataclass(frozen=True, slots=True)
class EventKind:
    """When a rule is looked at. `words` go on after "When"; `has_text`: somebody wrote."""

    words: str
    settings: tuple[Setting, ...] = ()
    has_text: bool = False


@dataclass(frozen=True, slots=True)
class FieldKind:
    """What a condition looks at. `events` are those that know it; none means all."""

    label: str
    kind: str
    operators: tuple[str, ...]
    events: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ActionKind:
    """What a rule does. `words` hold the settings in braces."""

    label: str
    words: str
    settings: tuple[Setting, ...]


EVENTS: Mapping[str, EventKind] = {
    "opened": EventKind("a ticket is opened", has_text=True),
    "client_replied": EventKind("a client answers", has_text=True),
    "staff_replied": EventKind("we answer a client", has_text=True),
    "status_changed": EventKind("the status changes"),
    "priority_changed": EventKind("the priority changes"),
    "assigned": EventKind("the assignee changes"),
    "department_changed": EventKind("the department changes"),
    "promise_near": EventKind("a promised time is nearly over"),
    "promise_broken": EventKind("a promised time is over"),
    "action_ended": EventKind("a client answers what was asked formally (ACTION)"),
    "rated": EventKind("a client rates the result"),
    "waited": EventKind(
        "some time is over",
        (
            Setting("hours", "Hours", "number"),
            Setting("since", "Since", "since"),
            Setting(
                "counted",
                "Counted by",
                "counted",
                "Those by which the ticket is promised times; without any, the clock.",
                usual="clock",
            ),
        ),
    ),
}

TEXTS = tuple(name for name, kind in EVENTS.items() if kind.has_text)
CHOSEN = ("is", "is_not")
PHRASES = "Several words or phrases with commas between: one of them is enough."

FIELDS: Mapping[str, FieldKind] = {
    "priority": FieldKind("priority", "priority", ("is", "is_not", "at_least", "at_most")),
    "status": FieldKind("status", "status", CHOSEN),
    "category": FieldKind("kind of status", "category", CHOSEN),
    "department": FieldKind("department", "department", (*CHOSEN, "empty", "filled")),
    "assignee": FieldKind("assignee", "staff", (*CHOSEN, "empty", "filled")),
    "company": FieldKind(
        "company", "company", CHOSEN, hint="What belongs to the company counts as it does."
    ),
    "domain": FieldKind("requester's mail domain", "text", CHOSEN, hint="Such as example.com."),
    "tag": FieldKind(
        "tags", "text", ("has", "has_not"), hint="Several with commas: one is enough."
    ),
    "request_type": FieldKind("kind of request", "request_type", (*CHOSEN, "empty", "filled")),
    "answer": FieldKind(
        "answer to", "text", (*CHOSEN, "contains", "contains_not", "empty", "filled"), hint=PHRASES
    ),
    "subject": FieldKind("subject", "text", ("contains", "contains_not"), hint=PHRASES),
    "text": FieldKind("text", "text", ("contains", "contains_not"), TEXTS, PHRASES),
    "origin": FieldKind("way it came", "origin", CHOSEN),
    "hours": FieldKind(
        "moment", "calendar", ("within", "outside"), hint="The hours of a calendar."
    ),
    "outcome": FieldKind("client's answer", "outcome", CHOSEN, ("action_ended",)),
    "score": FieldKind("rating", "number", ("at_most", "at_least"), ("rated",), "From 1 to 5."),
}

TEXT = Setting("text", "Text", "text")
STAFF = Setting("staff", "Person", "staff")
DEPARTMENT = Setting("department", "Department", "department")
TAG = Setting("tag", "Tag", "line")

ACTIONS: Mapping[str, ActionKind] = {
    "assign": ActionKind("Give it to a person", "give it to {staff}", (STAFF,)),
    "round_robin": ActionKind(
        "Give it to a department's members in turn",
        "give it to the next of {department} in turn",
        (DEPARTMENT,),
    ),
    "set_priority": ActionKind(
        "Set the priority",
        "set the priority to {priority}",
        (Setting("priority", "Priority", "priority"),),
    ),
    "set_department": ActionKind(
        "Set the department", "set the department to {department}", (DEPARTMENT,)
    ),
    "set_status": ActionKind(
        "Set the status", "set the status to {status}", (Setting("status", "Status", "status"),)
    ),
    "add_tag": ActionKind("Add a tag", "add the tag “{tag}”", (TAG,)),
    "remove_tag": ActionKind("Remove a tag", "remove the tag “{tag}”", (TAG,)),
    "notify_staff": ActionKind("Mail a person", "mail {staff} “{text}”", (STAFF, TEXT)),
    "notify_assignee": ActionKind("Mail the assignee", "mail the assignee “{text}”", (TEXT,)),
    "notify_department": ActionKind(
        "Mail all of a department", "mail all of {department} “{text}”", (DEPARTMENT, TEXT)
    ),
    "note": ActionKind("Write an internal note", "write the note “{text}”", (TEXT,)),
    "ask": ActionKind(
        "Ask the requester formally (ACTION)",
        "ask the requester to {asked} “{text}” within {days} days",
        (
            Setting("asked", "They are to", "asked"),
            TEXT,
            Setting("days", "Within days", "number", most=365),
        ),
    ),
}
