"""The body of a request as a program sends it: JSON, by itself or as a part with files beside."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NoReturn

from flask import Request, abort
from flask import request as now

from app.core import filetypes
from app.tickets.commands import Upload

PART = "request"
# Far above the longest texts of the widest form, and soon read.
MOST_JSON = 2 * 1024 * 1024
TOO_LARGE = "The JSON has more than 2 MB; files go beside it as parts of multipart/form-data."
UNREADABLE = "The body cannot be read: send one JSON object in UTF-8."
NOT_JSON = (
    "Send application/json, or multipart/form-data with the JSON as its part “request” and files "
    "as parts beside it."
)


class Figure(str):
    """A number as the body writes it, with every digit."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Body:
    """The members of the JSON object, and files by the name of their part."""

    members: Mapping[str, Any]
    files: Mapping[str, list[Upload]]

    @property
    def mark(self) -> str:
        """What tells it from another body; no login is in it."""
        files = [
            (name, file.name, sha256(file.content).hexdigest())
            for name, each in sorted(self.files.items())
            for file in each
        ]
        told = json.dumps([_without_logins(self.members), files], sort_keys=True)
        return sha256(told.encode()).hexdigest()[:32]


def _without_logins(members: Mapping[str, Any]) -> dict[str, Any]:
    fields = members.get("fields")
    if not isinstance(fields, dict):
        return dict(members)
    plain = {key: list(each) if isinstance(each, dict) else each for key, each in fields.items()}
    return {**members, "fields": plain}


def bound() -> None:
    """Before each call: refuse a body that is too large to be JSON with 413; not files beside it.

    Reading it takes a time that grows with it, of whoever may sign in.
    """
    if not now.path.startswith("/api/") or now.mimetype == "multipart/form-data":
        return
    if (now.content_length or 0) > MOST_JSON:
        abort(413, TOO_LARGE)
    now.max_content_length = MOST_JSON  # of one whose length nobody told


def body_of(request: Request) -> Body:
    """What was sent; what is no request at all is refused with 400, other types with 415."""
    if request.mimetype == "multipart/form-data":
        files = {
            name: [_upload(file) for file in request.files.getlist(name)]
            for name in request.files
            if name != PART
        }
        given = request.files.get(PART)
        text = given.read() if given else request.form.get(PART, "").encode()
        if len(text) > MOST_JSON:
            abort(413, TOO_LARGE)
        return Body(_object(text), files)
    if not request.is_json:
        abort(415, NOT_JSON)
    return Body(_object(request.get_data()), {})


def _upload(file: Any) -> Upload:
    content = file.read()
    return Upload(file.filename or "", content, filetypes.of(content))


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(
            text.decode(), parse_float=Figure, parse_int=Figure, parse_constant=_refuse
        )
        json.dumps(found, ensure_ascii=False).encode()  # half a character is none
    except (ValueError, RecursionError):
        abort(400, UNREADABLE)
    if not isinstance(found, dict):
        abort(400, UNREADABLE)
    return found


def _refuse(_: str) -> NoReturn:
    raise ValueError
