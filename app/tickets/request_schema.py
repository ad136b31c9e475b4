"""The form of a kind of request as JSON Schema, computed from the one definition; pure.

What the schema takes, `intake.read` takes. It is stricter in form alone: a question left open is
left out, and an answer to one that is not shown is refused rather than dropped. A list of files
stands for those that come beside the answers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.tickets import intake
from app.tickets.intake import Condition, Field
from app.vault import rules as vault_rules

DRAFT = "https://json-schema.org/draft/2020-12/schema"
FILLED = r"[^\s\u0000]"
BEYOND = 10**12
LOGIN = ("user", "password", "url", "note")
"""What a login is made of; only its password has to be there."""

Schema = dict[str, Any]


def schema_of(fields: Sequence[Field], *, title: str) -> Schema:
    """The answers as an object by key: their types and choices, what is shown or needed only if."""
    properties: Schema = {}
    needed: list[str] = []
    rules: list[Schema] = []
    asked: dict[str, list[Schema]] = {}  # each choice so far, with all that has to hold for it
    for one in fields:
        shown_if, needed_if = _tests(one.visible_if, asked), _tests(one.required_if, asked)
        if shown_if is None:
            continue
        if one.kind == "choice":
            asked[one.key] = shown_if
        if shown_if:
            rules.append(_only_if(shown_if, {"properties": {one.key: _property(one)}}))
        else:
            properties[one.key] = _property(one)
        tests = shown_if if one.required else [*shown_if, *(needed_if or ())]
        if tests and (one.required or needed_if):
            rules.append(_only_if(tests, {"required": [one.key]}))
        elif one.required:
            needed.append(one.key)
    return {
        "$schema": DRAFT,
        "title": title,
        "type": "object",
        "properties": properties,
        "required": needed,
        **({"allOf": rules} if rules else {}),
        "unevaluatedProperties": False,
    }


def _tests(condition: Condition | None, asked: Mapping[str, list[Schema]]) -> list[Schema] | None:
    """All that has to hold for a condition; None for one that never holds."""
    if condition is None:
        return []
    if condition.key not in asked:
        return None
    answered = {
        "properties": {condition.key: {"enum": list(condition.options)}},
        "required": [condition.key],
    }
    return [*asked[condition.key], answered]


def _only_if(tests: Sequence[Schema], then: Schema) -> Schema:
    return {"if": tests[0] if len(tests) == 1 else {"allOf": list(tests)}, "then": then}


def _property(one: Field) -> Schema:
    described = {"title": one.label, **({"description": one.help} if one.help else {})}
    if one.kind == "choice":
        return {**described, "type": "string", "enum": list(one.options)}
    return {**described, **KINDS[one.kind]}


def _part(name: str) -> Schema:
    longest = vault_rules.LONGEST_URL if name == "url" else vault_rules.LONGEST_PART
    return {
        "type": "string",
        **({"minLength": 1} if name == "password" else {}),
        "maxLength": longest,
        "writeOnly": True,
    }


KINDS: Mapping[str, Schema] = {
    "text": {"type": "string", "pattern": FILLED, "maxLength": intake.LONGEST_LINE},
    "long": {"type": "string", "pattern": FILLED, "maxLength": intake.LONGEST_TEXT},
    "date": {"type": "string", "format": "date"},
    "number": {
        "type": "number",
        "exclusiveMinimum": -BEYOND,
        "exclusiveMaximum": BEYOND,
        "$comment": "At most 6 decimals.",
    },
    "file": {
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "contentMediaType": "application/octet-stream"},
        "$comment": "Sent beside the answers, as parts of multipart/form-data.",
    },
    "secret": {
        "type": "object",
        "properties": {name: _part(name) for name in LOGIN},
        "required": ["password"],
        "additionalProperties": False,
        "writeOnly": True,
    },
}
"""What an answer of each kind is, choices apart."""
