"""Where a redirect may lead: to a page of this installation, never to another site. Pure."""

import unicodedata
from urllib.parse import unquote, urlsplit

LONGEST = 2000


def is_local(target: str) -> bool:
    """Whether `target` is a path of ours as every browser reads it.

    Browsers read a slash and a backslash as two slashes, and those as another host, and they drop
    tabs and line ends: all of these are refused, plain or percent-encoded.
    """
    if not target.startswith("/") or len(target) > LONGEST:
        return False
    path = unquote(target.partition("?")[0])
    if path.startswith("//") or "\\" in target or "\\" in path:
        return False
    if any(unicodedata.category(character)[0] == "C" for character in target + path):
        return False
    parts = urlsplit(target)
    return not parts.scheme and not parts.netloc


def local_or(target: str | None, fallback: str) -> str:
    """`target` when it is a page of ours, else `fallback`."""
    return target if target and is_local(target) else fallback
