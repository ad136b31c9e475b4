"""Whether our own mail server vouches for a sender (RFC 8601); pure.

Only the topmost Authentication-Results header counts, and only when our server signed it: what
stands below may have been written by anybody.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

Verdict = Literal["passed", "failed", "unknown"]
RESULT = re.compile(r"(?:^|;)\s*(dmarc|dkim)\s*=\s*([a-z]+)([^;]*)", re.IGNORECASE)
DOMAIN = re.compile(r"header\.(?:d|i|from)\s*=\s*\"?@?([a-z0-9.-]+)", re.IGNORECASE)
# A comment says nothing, and what stands in quotes may be the sender's own words.
SILENT = re.compile(r'\([^()]{0,500}\)|"(?:[^"\\]|\\.){0,500}"')


def verdict(fields: Mapping[str, Sequence[str]], *, sender: str, receiver: str) -> Verdict:
    """What `receiver` (our server's name) found about the domain of `sender`.

    Passed by DMARC, or by DKIM of the sender's own domain; failed by DMARC alone, as mailing
    lists break signatures. Where DMARC fails, nothing else counts.
    """
    first = next(iter(fields.get("authentication-results", ())), "")
    plain = SILENT.sub(" ", " ".join(first.split()))
    server, _, results = plain.partition(";")
    if not receiver or server.split(" ")[0].strip().lower() != receiver.lower():
        return "unknown"
    domain = sender.rpartition("@")[2].lower()
    found: Verdict = "unknown"
    for method, result, rest in RESULT.findall(f";{results}"):
        domains = {each.lower() for each in DOMAIN.findall(rest)}
        is_pass, aligned = result.lower() == "pass", any(_fits(each, domain) for each in domains)
        if method.lower() == "dmarc" and result.lower() == "fail":
            return "failed"
        if is_pass and aligned:
            found = "passed"
    return found


def _fits(signed: str, domain: str) -> bool:
    return bool(signed) and (domain == signed or domain.endswith(f".{signed}"))
