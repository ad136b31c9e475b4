"""The IANA time zones that the agency, companies and people may live in."""

from zoneinfo import available_timezones

_OF_A_MACHINE = frozenset({"localtime", "Factory", "posixrules"})
KNOWN = frozenset(
    name
    for name in available_timezones()
    if name not in _OF_A_MACHINE and not name.startswith(("posix/", "right/"))
)
"""Names that mean the same everywhere; "localtime" is whatever a machine was set to."""
OFFERED = sorted(name for name in KNOWN if "/" in name or name == "UTC")
"""Those to choose from, by region and city."""
IS_ZONE = "timezone(zone, timestamptz 'epoch') is not null"
"""Check of a column `zone`: the database counts days by it, so it must know it too."""
