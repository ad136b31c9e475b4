"""The text of an HTML mail, quotes marked by “> ” as in plain mails; pure, in linear time.

HTML of mails is read, never shown. A reader of our own: the usual parsers need quadratic time for
deeply nested or torn tags.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

from app.communications.charsets import clean

SPACED = frozenset({"p", "ul", "ol", "table", "pre", "h1", "h2", "h3", "h4", "h5", "h6"})
PLAIN = frozenset({"div", "tr", "li", "address", "section", "article", "hr", "blockquote"})
BLOCKS = SPACED | PLAIN
UNSEEN = frozenset({"script", "style", "title", "template"})
DEEPEST_QUOTE = 10
LONGEST = 2_000_000
LONGEST_TAG = 2000
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
ALT = re.compile(r"""\balt\s?=\s?(?:"([^"]{1,200})"|'([^']{1,200})')""", re.IGNORECASE)


def as_text(html: str) -> str:
    """What a reader of the HTML sees, in lines."""
    reader = _Reader()
    for tag, closes, content in _tokens(html[:LONGEST]):
        if not tag:
            reader.words(unescape(content))
        elif closes:
            reader.end(tag)
        else:
            reader.begin(tag, content)
    return reader.result()


def _tokens(html: str) -> Iterator[tuple[str, bool, str]]:
    """(tag, whether it closes, its text) and ("", False, words) in their order."""
    folded = html.lower()
    position, ends = 0, {"-->": True, ">": True}
    while position < len(html):
        begin = html.find("<", position)
        if begin < 0:
            yield "", False, html[position:]
            return
        if begin > position:
            yield "", False, html[position:begin]
        is_tag = TAG.match(html, begin)
        stop = "-->" if html.startswith("<!--", begin) else ">"
        if not is_tag and html[begin + 1 : begin + 2] not in {"!", "?", "/"}:
            yield "", False, "<"
            position = begin + 1
            continue
        end = html.find(stop, begin + 1) if ends[stop] else -1
        if end < 0:  # looked for once: there is none in all that follows
            ends[stop] = False
            position = begin + 4
            continue
        position = end + len(stop)
        if is_tag:
            name, closes = is_tag[2].lower(), bool(is_tag[1])
            yield name, closes, html[begin : min(end, begin + LONGEST_TAG)]
            if name in UNSEEN and not closes:
                position = _after(folded, f"</{name}", position)


def _after(folded: str, wanted: str, position: int) -> int:
    found = folded.find(wanted, position)
    return found if found >= 0 else len(folded)


@dataclass
class _Line:
    depth: int
    words: list[str] = field(default_factory=list)


class _Reader:
    def __init__(self) -> None:
        self.lines = [_Line(0)]
        self.depth = 0
        self.verbatim = 0

    def begin(self, tag: str, content: str) -> None:
        if tag == "br":
            self._end_line()
        elif tag == "img":
            alt = ALT.search(content)
            self.lines[-1].words.append(f"[{unescape(alt[1] or alt[2])}]" if alt else "")
        elif tag in {"td", "th"}:
            self.lines[-1].words.append(" ")
        elif tag in BLOCKS:
            self.depth += tag == "blockquote"
            self.verbatim += tag == "pre"
            self._block(tag)
            if tag == "li":
                self.lines[-1].words.append("- ")

    def end(self, tag: str) -> None:
        if tag in BLOCKS:
            self.depth = max(0, self.depth - (tag == "blockquote"))
            self.verbatim = max(0, self.verbatim - (tag == "pre"))
            self._block(tag)

    def words(self, data: str) -> None:
        if self.verbatim:
            first, *rest = data.split("\n")
            self.lines[-1].words.append(first)
            for line in rest:
                self._end_line()
                self.lines[-1].words.append(line)
            return
        spaced = " ".join(data.replace("\xa0", " ").split())
        before = " " if data[:1].isspace() else ""
        after = " " if data[-1:].isspace() and spaced else ""
        self.lines[-1].words.append(f"{before}{spaced}{after}")

    def _block(self, tag: str) -> None:
        if any(word.strip() for word in self.lines[-1].words):
            self._end_line()
            if tag in SPACED:
                self._end_line()
        self.lines[-1].depth = self.depth

    def _end_line(self) -> None:
        self.lines.append(_Line(self.depth))

    def result(self) -> str:
        shown: list[str] = []
        for line in self.lines:
            words = "".join(line.words).rstrip()
            kept = words if words.startswith("  ") else words.lstrip()
            mark = "> " * min(line.depth, DEEPEST_QUOTE)
            shown.append(f"{mark}{kept}".rstrip())
        return clean("\n".join(_single_gaps(shown))).strip("\n")


def _single_gaps(lines: list[str]) -> list[str]:
    kept: list[str] = []
    for line in lines:
        if line.strip("> ") or not kept or kept[-1].strip("> "):
            kept.append(line)
    return kept
