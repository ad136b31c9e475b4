"""How a mail about a ticket is laid out, plain and as HTML, with what was said before.

Our own words in it are told in the language that is read (`app.core.language.reading`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app

from app.core import formats
from app.core.language import current, told
from app.core.language import gettext as _
from app.core.words import say
from app.tickets import mailtemplates

ABOVE = say("Write your answer above this line")  # quotewords.OUR_LINES knows each language's
YOURS = say("The link needs no signing in. It is yours alone: do not pass it on.")
YOURS_TO_SEE = say(
    "With the link you see it, and decline, without signing in; to approve this much you sign in"
    " first. It is yours alone: do not pass it on."
)
MOST_QUOTED = 5
MOST_QUOTED_LINES = 40


@dataclass(frozen=True, slots=True)
class Said:
    """Something said before on the timeline, visible to the client."""

    author: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Past:
    """What was said before, newest first, for a reader who is in a zone."""

    said: Sequence[Said] = ()
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Page:
    """All that a mail's two parts are made of. `above` says that answers by mail are wanted.

    With a `button` the line that holds `link` is drawn as one of this name.
    """

    subject: str
    body: str
    values: Mapping[str, str]
    message: str = ""
    link: str = ""
    button: str = ""
    above: bool = True
    foot: str = ""
    files: Sequence[str] = ()
    past: Past = Past()


def plain(page: Page) -> str:
    """The text part."""
    parts = [f"-- {told(ABOVE)} --"] if page.above else []
    parts.append(mailtemplates.filled(page.body, {**page.values, "message": page.message}))
    if page.files:
        parts.append(_("Files with this message: %(files)s", files=", ".join(page.files)))
    if page.foot:
        parts.append("\n".join(filter(None, ("-- ", told(page.foot), _foot_link(page)))))
    parts += [
        "\n".join([_heading(said, page.past.zone), *(f"> {line}" for line in _lines(said.text))])
        for said in page.past.said
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def html(page: Page) -> str:
    """The HTML part; every value is escaped, nothing is fetched."""
    template = current_app.jinja_env.get_template("mail/ticket.html")
    return template.render(
        subject=page.subject,
        above=told(ABOVE) if page.above else "",
        blocks=_blocks(page),
        files=page.files,
        foot=told(page.foot),
        link=page.link,
        foot_link=_foot_link(page),
        button=told(page.button),
        history=[
            {"heading": _heading(said, page.past.zone), "lines": _lines(said.text)}
            for said in page.past.said
        ],
    )


def _foot_link(page: Page) -> str:
    """The link at the end, unless the text has it and the foot only speaks of it or is none."""
    return "" if page.foot in {"", YOURS, YOURS_TO_SEE} else page.link


def _blocks(page: Page) -> list[dict[str, Any]]:
    first, *more = page.body.split(f"{{{mailtemplates.MESSAGE}}}")
    pieces = [(mailtemplates.filled(first, page.values), False)]
    for after in more:
        pieces += [(page.message, True), (mailtemplates.filled(after, page.values), False)]
    return [
        {
            "is_message": is_message,
            "paragraphs": [part.split("\n") for part in text.strip().split("\n\n")],
        }
        for text, is_message in pieces
        if text.strip()
    ]


def _heading(said: Said, zone: str) -> str:
    local = said.at.astimezone(ZoneInfo(zone))
    return _(
        "On %(date)s at %(time)s, %(author)s wrote:",
        date=formats.long_day(local.date(), current()),
        time=formats.time_of_day(local, language=current()),
        author=said.author,
    )


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return lines if len(lines) <= MOST_QUOTED_LINES else [*lines[:MOST_QUOTED_LINES], "[…]"]
