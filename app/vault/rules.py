"""What may be handed over as a login; pure."""

from urllib.parse import urlsplit

from app.core.words import Words, say

LONGEST_LABEL, LONGEST_URL, LONGEST_PART = 200, 1000, 10_000
PARTS = ("user", "secret", "note")
SHORTEST_REASON, LONGEST_REASON = 5, 300


def problems_of(label: str, url: str, parts: tuple[str, ...]) -> list[Words]:
    """What is wrong with a login, in words. `parts` are what is sealed (`PARTS`)."""
    found: list[Words] = []
    if not label.strip():
        nameless = say("The login has no name: say what it is for, such as “Website admin”.")
        found.append(nameless.at("label"))
    if len(label) > LONGEST_LABEL:
        too_long = say("The login's name has at most %(most)s characters.", most=LONGEST_LABEL)
        found.append(too_long.at("label"))
    if len(url) > LONGEST_URL or (url and not _is_address(url)):
        closed = say("The login's address is not one that can be opened: write https://…")
        found.append(closed.at("url"))
    if not parts[1]:
        missing = say("The login has no password: write it into its own field.")
        found.append(missing.at("secret"))
    too_much = say("A part of the login is longer than %(most)s characters.", most=LONGEST_PART)
    return found + [
        too_much.at(name)
        for name, part in zip(PARTS, parts, strict=True)
        if len(part) > LONGEST_PART
    ]


def _is_address(url: str) -> bool:
    """Whether it is a web, ssh or ftp address, or a bare host. Only web addresses become links."""
    if not url.isprintable() or " " in url:
        return False
    try:
        scheme = urlsplit(url).scheme if "://" in url else ""
    except ValueError:
        return False
    return (
        scheme in {"", "http", "https", "ssh", "sftp", "ftp", "ftps"} and "javascript:" not in url
    )


def reason_problems(reason: str) -> list[str]:
    """What is wrong with the reason for opening a login."""
    if not SHORTEST_REASON <= len(reason.strip()) <= LONGEST_REASON:
        return [f"Say why you open it, in {SHORTEST_REASON} to {LONGEST_REASON} characters."]
    return []
