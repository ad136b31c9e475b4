"""`python -m bench [name ...]`: prints the figures; exits 1 when a target is missed."""

import sys
from importlib import import_module

from bench.report import Report

NAMES = ("pdf", "issue", "imports", "queue", "search", "rules", "dashboards", "inbound", "portal")


def main(wanted: list[str]) -> int:
    """Run the named measurements, or all."""
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        sys.stderr.write(f"no such measurement: {', '.join(unknown)}; there are {NAMES}\n")
        return 2
    report = Report()
    for name in wanted or NAMES:
        report.note(f"\n== {name}")
        import_module(f"bench.{name}").run(report)
    if report.missed:
        report.note(f"\nmissed: {', '.join(report.missed)}")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
