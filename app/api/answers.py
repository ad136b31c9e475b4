"""Answers to the questions of a form, as a program sends them.

This says only in what shape an answer comes. Whether it will do is asked as of the form on the
portal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.api.reading import Figure
from app.tickets.commands import Upload
from app.tickets.intake import Field
from app.tickets.request_schema import LOGIN
from app.tickets.requesting import Fault, Login
from app.vault.sealing import Secret

AT = "fields."
FILES = "files"
LARGEST_POWER, SMALLEST_POWER, MOST_DIGITS = 12, -6, 28


@dataclass(slots=True)
class Given:
    """What was given for the fields of a form, by key, and what came in a wrong shape."""

    raw: dict[str, str] = field(default_factory=dict)
    logins: dict[str, Login] = field(default_factory=dict)
    files: dict[str, Sequence[Upload]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def read(
    fields: Sequence[Field], sent: Mapping[str, Any], files: Mapping[str, Sequence[Upload]]
) -> Given:
    """Sort what was sent by the kind of its field; `files` are by the names of their parts."""
    found, known = Given(), {one.key: one for one in fields}
    for key, value in sent.items():
        if value is None:
            continue
        one = known.get(key)
        fault = _take(one, value, found) if one else f"There is no field {key[:40]!r} in this form."
        if fault:
            found.faults.append((AT + key, fault))
    for name, uploads in files.items():
        one = known.get(name.removeprefix(AT)) if name.startswith(AT) else None
        if name == FILES:
            found.files[""] = uploads
        elif one is not None and one.kind == "file":
            found.files[one.key] = uploads
        else:
            found.faults.append((name, "No field takes files under this name."))
    return found


def _take(one: Field, value: Any, found: Given) -> str:
    """Keep an answer; returns why it cannot be read."""
    if one.kind == "file":
        return f"{one.label}: send files as parts “{AT}{one.key}” of multipart/form-data."
    if one.kind == "secret":
        if not _is_login(value):
            return f"{one.label}: write an object with the texts {', '.join(LOGIN)}."
        user, password, url, note = (value.get(part) or "" for part in LOGIN)
        found.logins[one.key] = Login(Secret(user.strip(), password, note.strip()), url.strip())
        return ""
    if not isinstance(value, str):
        return f"{one.label}: write a text or a number."
    found.raw[one.key] = plain(value) if one.kind == "number" else value
    return ""


def _is_login(value: Any) -> bool:
    return isinstance(value, dict) and all(
        name in LOGIN and (part is None or type(part) is str) for name, part in value.items()
    )


def plain(text: str) -> str:
    """A number of the body without powers of ten, and such that no decimals look like thousands.

    What a person wrote as a text stays as it is: 1.125 may be either, and is asked about.
    """
    if not isinstance(text, Figure) or len(text) > MOST_DIGITS:
        return text
    number = Decimal(text)
    if number and not SMALLEST_POWER <= number.adjusted() <= LARGEST_POWER:
        return text
    written = f"{number:f}"
    decimals = len(written.partition(".")[2])
    return f"{written}0" if decimals == 3 else written  # noqa: PLR2004 - as thousands have
