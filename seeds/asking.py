"""With which kind of request a ticket of the demo was asked, and how its questions were answered.

The kinds are those that every new agency begins with. Pure.
"""

from seeds.demo import Request

BROKEN, QUESTION, CHANGE = "Something is broken", "A question", "A change or new work"
WISHES = (
    *("New laptop", "Access to", "Move six", "Cable new", "Replace the", "Renew the", "Update "),
    *("Firewall rule", "Add a field", "Export of", "Report of", "Import prices", "Two-step"),
)
NEW = ("New laptop", "Add a field", "Report of", "Import prices", "Two-step")
AFFECTED = {"urgent": "Everybody", "high": "Several of us"}


def asked(request: Request) -> tuple[str, dict[str, str]]:
    """The name of the kind, and the answers by key of their question."""
    if request.subject.startswith(WISHES):
        return CHANGE, _wish(request)
    if request.work_type == "Consulting":
        return QUESTION, {}
    answers = {"scope": AFFECTED.get(request.priority, "Only me")}
    if answers["scope"] != "Only me":
        answers["since"] = request.created_at.date().isoformat()
    return BROKEN, answers


def _wish(request: Request) -> dict[str, str]:
    if request.subject.startswith(NEW):
        return {"kind": "Something new"}
    return {"kind": "A change to something we have", "what": request.subject}
