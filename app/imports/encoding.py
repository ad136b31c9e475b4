"""Which encoding a file is in: found from its bytes, never assumed. Pure.

UTF-8 and UTF-16 prove themselves. Between cp1250 (Central Europe) and cp1252 (Western Europe)
nothing but language decides, so each letter that the two read differently is weighed in its word.
"""

import codecs
from typing import BinaryIO

from app.core.errors import UnusableInputError

CHUNK = 1 << 20
EVIDENCE_BYTES = 1 << 18

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FOREIGN = (
    (b"PK\x03\x04", "an archive or a damaged workbook (.ods, .zip)"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a compressed file (.gz)"),
    (b"SQLite format 3\x00", "a database"),
    (b"\x7fELF", "a program"),
)
_CONTROL = bytes(set(range(32)) - {9, 10, 11, 12, 13, 26, 27} | {127})
_ORDINALS = frozenset("ªº")
_VOWELS = frozenset("aeiouyáéíóúýàèìòùâêîôûäëïöüãõåæøœěůőűąęăıÿ")


def detect(stream: BinaryIO) -> str:
    """Find the Python name of the encoding of a seekable file; leave the file at its start.

    Raises UnusableInputError for an empty file and for one that is no text.
    """
    stream.seek(0)
    head = stream.read(CHUNK)
    stream.seek(0)
    if not head.strip():
        msg = "The file is empty: choose a file with a header row and at least one row of data."
        raise UnusableInputError(msg)
    for magic, kind in _FOREIGN:
        if head.startswith(magic):
            msg = f"The file is {kind}, not delimited text: save it as CSV and upload that."
            raise UnusableInputError(msg)
    encoding = _marked(head) or _wide(head) or _eight_bit(stream, head)
    stream.seek(0)
    return encoding


def _marked(head: bytes) -> str | None:
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def _wide(head: bytes) -> str | None:
    """UTF-16 without its mark: every second byte of Latin text is zero."""
    sample = head[: 1 << 12]
    pairs = len(sample) // 2
    if pairs and sample[1::2].count(0) > pairs * 0.6 and not sample[0::2].count(0):
        return "utf-16-le"
    if pairs and sample[0::2].count(0) > pairs * 0.6 and not sample[1::2].count(0):
        return "utf-16-be"
    return None


def _eight_bit(stream: BinaryIO, head: bytes) -> str:
    # A few stray ones spoil their rows alone, which are refused by their lines.
    if len(head) - len(head.translate(None, _CONTROL)) > max(len(head) * 0.02, 1):
        first = next(at for at, byte in enumerate(head) if byte in _CONTROL)
        line = head.count(b"\n", 0, first) + 1
        msg = (
            f"The file is not text (line {line} holds control characters): "
            "save the table as CSV (comma, semicolon or tab) first."
        )
        raise UnusableInputError(msg)
    decoder = codecs.getincrementaldecoder("utf-8")()
    stream.seek(0)
    try:
        while chunk := stream.read(CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8"
    _refuse_damaged_utf8(stream)
    return central_or_western(_accented_lines(stream))


def _refuse_damaged_utf8(stream: BinaryIO) -> None:
    """Refuse UTF-8 with a few broken bytes: read as Western text, every accent would spoil."""
    good, broken, first = 0, 0, 0
    stream.seek(0)
    for number, raw in enumerate(stream, start=1):
        if raw.isascii():
            continue
        text = raw.decode("utf-8", "surrogateescape")
        bad = sum("\udc80" <= letter <= "\udcff" for letter in text)
        good += sum(letter > "\x7f" for letter in text) - bad
        broken += bad
        first = first or (number if bad else 0)
    if good >= 2 * broken:
        msg = (
            f"The file is UTF-8, but line {first} holds bytes that are not: "
            "save it again as UTF-8 and upload that."
        )
        raise UnusableInputError(msg)


def _accented_lines(stream: BinaryIO) -> bytes:
    found, size = [], 0
    stream.seek(0)
    for raw in stream:
        if not raw.isascii():
            found.append(raw)
            size += len(raw)
            if size > EVIDENCE_BYTES:
                break
    return b"".join(found)


def central_or_western(raw: bytes) -> str:
    """cp1250 or cp1252, by which reading gives words that languages have; cp1252 when equal."""
    readings = {}
    for name in ("cp1252", "cp1250"):
        try:
            readings[name] = raw.decode(name)
        except UnicodeDecodeError:
            continue
    if not readings:
        msg = "The encoding of the file was not recognised: save it as UTF-8 and upload that."
        raise UnusableInputError(msg)
    if len(readings) == 1:
        return next(iter(readings))
    western, central = readings["cp1252"], readings["cp1250"]
    score = sum(
        _weigh(western, central, at)
        for at, (one, other) in enumerate(zip(western, central, strict=True))
        if one != other
    )
    return "cp1250" if score < 0 else "cp1252"


def _weigh(western: str, central: str, at: int) -> float:
    """Evidence of one letter: positive for cp1252, negative for cp1250."""
    west, east = western[at].casefold(), central[at].casefold()
    before = _letter(western, at - 1)
    after = _letter(western, at + 1)
    told = _told_by_neighbours(west, east, before, after)
    if told is not None:
        return told
    vowels_beside = (before in _VOWELS) + (after in _VOWELS)
    if not west.isalpha() or west in _ORDINALS:
        inside_word = bool(before) and bool(after)
        return -1.0 if inside_word or (east.isalpha() and vowels_beside) else 1.0
    if not east.isalpha():
        return 1.0 if before or after else 0.5
    if west in _VOWELS and east not in _VOWELS:
        rare = 1.0 if east in _RARE_CENTRAL else 0.0
        return rare + (1.0 if not vowels_beside else -1.0)
    return 0.0


def _told_by_neighbours(west: str, east: str, before: str, after: str) -> float | None:
    befores, afters, fits, otherwise = _PAIRS.get((west, east), (None, None, None, None))
    beside = (befores is None or before in befores) and (afters is None or after in afters)
    return fits if beside else otherwise


def _letter(text: str, at: int) -> str:
    if not 0 <= at < len(text):
        return ""
    letter = text[at].casefold()
    return letter if letter.isalpha() else ""


# Only Slovak has these, and seldom; the other reading is common in French and Nordic names.
_RARE_CENTRAL = frozenset("ŕĺ")

# Where vowel against consonant does not settle it, the neighbours do: (letters before, letters
# after, weight if both fit, weight if not); "" is the edge of the word, None any letter, a weight
# of None leaves it to the common rule. Spanish ñ stands before a vowel, Polish ń does not;
# Portuguese writes ão, ães, õe; French ière and ièg, naïf.
_Beside = frozenset[str] | None
_PAIRS: dict[tuple[str, str], tuple[_Beside, _Beside, float, float | None]] = {
    ("ñ", "ń"): (None, _VOWELS, 1.0, -1.0),
    ("ã", "ă"): (None, frozenset("oe"), 1.0, -0.5),
    ("õ", "ő"): (None, frozenset("e"), 1.0, -1.0),
    ("ê", "ę"): (frozenset("rthvmb"), None, 0.5, -0.5),
    ("û", "ű"): (frozenset("or"), None, 0.5, -0.5),
    ("ù", "ů"): (frozenset("o"), frozenset({""}), 1.0, -0.5),
    ("ì", "ě"): (frozenset("dr"), frozenset({""}), 0.2, -0.8),
    ("ð", "đ"): (None, None, 0.0, 0.0),
    ("þ", "ţ"): (frozenset({""}), None, 0.5, -0.5),
    ("è", "č"): (frozenset("i"), frozenset("rgmvlcb"), 1.0, None),
    ("ï", "ď"): (frozenset("ao"), frozenset("bcdfglmnrstv"), 0.5, None),
}
