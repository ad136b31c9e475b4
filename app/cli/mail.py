"""`flask mail`: read one raw message, or take it in."""

import sys
from pathlib import Path
from typing import Any

from app.cli.base import Answer, DeskGroup, carry_out, file_argument
from app.communications import inbox
from app.communications import parse as parsing
from app.communications.replytext import split
from app.core.db import unit_of_work

COMMAND = DeskGroup("mail", help="Mail: parse, ingest.")


@COMMAND.command("parse", needs="nothing")
@file_argument()
def parse(file: Path) -> Answer:
    """Read the raw message in FILE and tell what it says; nothing is kept."""
    found = parsing.parse(file.read_bytes())
    parts = split(found.text)
    return {
        "subject": found.subject,
        "from": {"name": found.sender.name, "address": found.sender.address},
        "date": found.date,
        "message_id": found.message_id,
        "in_reply_to": next(iter(found.in_reply_to), None),
        "attachments": [_attachment(each) for each in found.attachments],
        "text": found.text,
        "reply": parts.visible,
        "hidden": [{"rule": each.rule, "text": each.text} for each in parts.hidden],
        "automatic": bool(found.automatic),
        "bounce": found.bounce is not None,
    }


@COMMAND.command("ingest")
def ingest() -> Answer:
    """Take in one raw message from standard input, as if a mailbox had brought it."""
    raw = sys.stdin.buffer.read()
    with unit_of_work():
        received_id = inbox.store(raw)
    with unit_of_work():
        job_id = inbox.job_of(received_id)
    return carry_out(job_id)


def _attachment(part: parsing.Part) -> dict[str, Any]:
    return {"name": part.name, "type": part.media_type, "size": len(part.content)}
