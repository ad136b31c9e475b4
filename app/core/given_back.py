"""What somebody typed into a form that was not taken: it is given back, never thrown away."""

import re
from collections.abc import Mapping

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from app.core.words import say

LABELS: dict[str, str] = {
    "subject": say("Subject"),
    "text": say("Message"),
    "message": say("Message"),
    "comment": say("Comment"),
    "time": "Time",
    "description": "What was done",
    "reason": "Why not billable",
}
ANSWER, ASKED = "field-", "asked-"
NEVER_SHOWN = re.compile(r"^was-|^asked-|^login-|pass|secret|token|nonce|carried")
MOST_TEXT = 1024**2
MOST_READ = 100 * 1024**2  # of what is too large; nobody waits for the end of what is beyond
MOST_PARTS = 1000  # as Flask takes of a form
AT_ONCE = 256 * 1024


def written(form: Mapping[str, str]) -> list[tuple[str, str]]:
    """What somebody typed, as (label, text); no secrets, and none of what is chosen or carried."""
    questions = {
        ANSWER + name.removeprefix(ASKED): question
        for name, question in form.items()
        if name.startswith(ASKED)
    }
    labels = LABELS | questions
    return [
        (labels.get(name) or name.replace("_", " ").capitalize(), text)
        for name, text in form.items()
        if not NEVER_SHOWN.search(name)
        and text.strip()
        and (name in labels or re.search(r"\s", text.strip()))
    ]


def has_files(request: Request) -> bool:
    """Whether files came with a form: a browser does not keep them, so they are chosen anew."""
    return any(file.filename for _, file in request.files.items(multi=True))


def beside_files(request: Request) -> dict[str, str]:
    """The texts of a form whose files are too large to be taken; the files are read over."""
    if request.mimetype != "multipart/form-data":
        return {}
    boundary = request.mimetype_params.get("boundary", "").encode()
    decoder = MultipartDecoder(
        boundary, max_form_memory_size=AT_ONCE + MOST_TEXT, max_parts=MOST_PARTS
    )
    stream, left = request.environ["wsgi.input"], MOST_READ
    texts: dict[str, bytes] = {}
    name, room = None, MOST_TEXT
    try:
        while not isinstance(event := decoder.next_event(), Epilogue):
            if isinstance(event, NeedData):
                data = stream.read(min(AT_ONCE, left))
                left -= len(data)
                decoder.receive_data(data or None)
            elif isinstance(event, Field):
                name = event.name
            elif isinstance(event, File):
                name = None
            elif isinstance(event, Data) and name is not None:
                texts[name] = texts.get(name, b"") + event.data[:room]
                room = max(0, room - len(event.data))
    except (ValueError, OSError, RequestEntityTooLarge):
        pass  # cut short, or nothing that a browser sends: what was read until then is given back
    return {name: text.decode("utf-8", "replace") for name, text in texts.items()}
