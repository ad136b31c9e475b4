"""Bytes to text whatever their label says; pure, never fails."""

import codecs

# A label that is narrower than what its users send -> the wider set that holds it.
WIDER = {
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso8859-9": "cp1254",
    "iso2022_jp": "iso2022_jp_ext",
}
# Codecs of Python that no mail is written in; some take very long over hostile bytes.
NEVER = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"})
GUESSES = ("utf-8", "cp1252")
LONGEST_LABEL = 40


def decoded(content: bytes, label: str | None) -> str:
    """The text of some bytes by their charset `label`; a wrong or missing one is guessed.

    UTF-8 is tried first, as bytes of another set are hardly ever valid UTF-8 by chance.
    """
    for name in (_codec(label), *GUESSES):
        if name is None or (name == "ascii" and not content.isascii()):
            continue
        try:
            return clean(content.decode(name))
        except (UnicodeError, LookupError, ValueError):
            continue
    return clean(content.decode("latin-1"))


def clean(text: str) -> str:
    """Text that can be kept: one kind of line end, no NUL, no half of a surrogate pair."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return plain.encode("utf-8", "replace").decode("utf-8")


def _codec(label: str | None) -> str | None:
    """Python's name of a charset, None for one that is unknown or no charset of mails."""
    wanted = (label or "").strip().strip("\"'").lower()
    if not wanted.isascii() or not 0 < len(wanted) <= LONGEST_LABEL:
        return None
    try:
        found = codecs.lookup(wanted).name
    except (LookupError, ValueError):
        return None
    return None if found in NEVER else WIDER.get(found, found)
