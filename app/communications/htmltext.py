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
LONGEST_ADDRESS = 1000
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
ALT = re.compile(r"""\balt\s?=\s?(?:"([^"]{1,200})"|'([^']{1,200})')""", re.IGNORECASE)
HREF = re.compile(r"""\shref\s?=\s?(?:"([^"]+)|'([^']+)|([^\s"'>]+))""", re.IGNORECASE)
WEB = re.compile(r"https?://", re.IGNORECASE)
START = re.compile(r"""\sstart\s?=\s?["']?(\d{1,6})""", re.IGNORECASE)


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
        self.lists: list[int] = []  # the number of the next entry, 0 where entries have none
        self.link = ""
        self.linked: list[str] = []

    def begin(self, tag: str, content: str) -> None:
        if tag == "br":
            self._end_line()
        elif tag == "a":
            self._end_link()
            self.link = _address(content)
        elif tag == "img":
            alt = ALT.search(content)
            self.lines[-1].words.append(f"[{unescape(alt[1] or alt[2])}]" if alt else "")
            self.linked.append("[image]")
        elif tag in {"td", "th"}:
            self.lines[-1].words.append(" ")
        elif tag in BLOCKS:
            self.depth += tag == "blockquote"
            self.verbatim += tag == "pre"
            self._block(tag)
            self._list(tag, content)

    def end(self, tag: str) -> None:
        if tag == "a":
            self._end_link()
        elif tag in BLOCKS:
            self.depth = max(0, self.depth - (tag == "blockquote"))
            self.verbatim = max(0, self.verbatim - (tag == "pre"))
            self._block(tag)
            if tag in {"ol", "ul"}:
                del self.lists[-1:]

    def _list(self, tag: str, content: str) -> None:
        if tag == "ol":
            start = START.search(content)
            self.lists.append(int(start[1]) if start else 1)
        elif tag == "ul":
            self.lists.append(0)
        elif tag == "li":
            number = self.lists[-1] if self.lists else 0
            self.lines[-1].words.append(f"{number}. " if number else "- ")
            if number:
                self.lists[-1] += 1

    def _end_link(self) -> None:
        """Write where a link leads behind its words, unless they say it themselves."""
        shown = "".join(self.linked).split()
        if self.link and shown and _bare(self.link) not in {_bare(word) for word in shown}:
            told = f"({self.link})" if "/" in self.link else f"<{self.link}>"  # else of a person
            words = self.lines[-1].words
            words.append(f"{told} " if words and words[-1].endswith(" ") else f" {told}")
        self.link = ""
        self.linked = []

    def words(self, data: str) -> None:
        if self.link:
            self.linked.append(data)
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
        self._end_link()
        shown: list[str] = []
        for line in self.lines:
            words = "".join(line.words).rstrip()
            kept = words if words.startswith("  ") else words.lstrip()
            mark = "> " * min(line.depth, DEEPEST_QUOTE)
            shown.append(f"{mark}{kept}".rstrip())
        return clean("\n".join(_single_gaps(shown))).strip("\n")


def _address(tag: str) -> str:
    """Where a link leads on the web or by mail; empty for places within the mail and scripts."""
    href = HREF.search(tag)
    if href is None:
        return ""
    written = "".join(unescape(href[1] or href[2] or href[3]).split())
    scheme, _, rest = written.partition(":")
    if scheme.lower() == "mailto":
        return rest.partition("?")[0][:LONGEST_ADDRESS]
    if scheme.lower() not in {"http", "https"}:
        return ""
    return written if len(written) <= LONGEST_ADDRESS else f"{written[:LONGEST_ADDRESS]}…"


def _bare(address: str) -> str:
    """An address as people also write it: without the scheme and the last stroke."""
    return WEB.sub("", address).rstrip("/")


def _single_gaps(lines: list[str]) -> list[str]:
    kept: list[str] = []
    for line in lines:
        if line.strip("> ") or not kept or kept[-1].strip("> "):
            kept.append(line)
    return kept
