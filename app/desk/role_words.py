"""Permissions in plain words: how the role pages name each resource and each special right."""

from collections.abc import Iterable

from app import roles

COLUMNS = (("see", "See"), ("create", "Create"), ("edit", "Edit"), ("delete", "Delete"))

RESOURCES = {
    "Home": "Home page",
    "Companies": "Companies",
    "Contacts": "Contacts",
    "Tickets": "Tickets",
    "Estimates": "Estimates",
    "Time": "Time",
    "WorkTypes": "Work types",
    "Rates": "Rates",
    "Taxes": "Taxes",
    "Invoices": "Invoices",
    "Payments": "Payments",
    "Dashboards": "Dashboards",
    "Imports": "Imports",
    "Jobs": "Background jobs",
    "Vault": "Logins of clients",
    "RequestTypes": "Kinds of requests",
    "RequestApi": "Requests by API",
    "Mail": "Outgoing mail",
    "Inbox": "Mail that came",
    "Settings": "Agency and settings",
    "Departments": "Departments",
    "Promises": "Promised times",
    "Rules": "Rules",
    "Staff": "Staff",
    "Users": "Users and sign-ins",
    "Roles": "Roles",
    "Audit": "Audit log",
    "Styleguide": "Style guide",
}

SPECIAL = {
    ("view_as", "Contacts"): "look at the portal as a contact",
    ("curate", "Tickets"): "change replies and views that others share",
    ("send", "Estimates"): "send estimates to clients",
    ("approve", "Time"): "approve time",
    ("write_off", "Time"): "write off time",
    ("compile", "Invoices"): "compile billing runs",
    ("approve", "Invoices"): "approve invoices as the second person",
    ("issue", "Invoices"): "issue invoices",
    ("void", "Invoices"): "void invoices",
    ("record", "Payments"): "record payments",
    ("reverse", "Payments"): "reverse payments",
    ("export", "Dashboards"): "export figures",
    ("apply", "Imports"): "apply imports",
    ("undo", "Imports"): "undo what others imported",
    ("reveal", "Vault"): "open logins of clients",
    ("retry", "Jobs"): "retry failed jobs",
    ("resend", "Mail"): "resend mail",
    ("accept", "Inbox"): "accept mail that is held back",
}


NOTES = {
    "Rules": "A rule acts with the agency's rights: who may create or edit one can thereby assign, "
    "set and tag every ticket, write notes, mail staff and ask clients formally.",
    "RequestApi": "Who may create requests by API, a program say, writes in any contact's name.",
}
"""What a right brings with it that its name does not say."""


def in_words(verb: str, resource: str) -> str:
    """A permission as a phrase that goes on after “may”: “issue invoices”, “edit companies”."""
    label = RESOURCES[resource]
    return SPECIAL.get((verb, resource)) or f"{verb} {label[:1].lower()}{label[1:]}"


def notes_of(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """What comes along with rights that are more than looking."""
    acting = {resource for verb, resource in pairs if verb != "see"}
    return [note for resource, note in NOTES.items() if resource in acting]


def specials_of(resource: str) -> list[tuple[str, str]]:
    """The special rights on a resource, as (verb, words)."""
    plain = {verb for verb, _ in COLUMNS}
    return [
        (verb, in_words(verb, resource))
        for verb in roles.PERMISSIONS[resource]
        if verb not in plain
    ]


def all_in_words() -> list[tuple[str, str]]:
    """Every permission as a choice: (“issue:Invoices”, “issue invoices”)."""
    return [
        (f"{verb}:{resource}", in_words(verb, resource))
        for resource, verbs in roles.PERMISSIONS.items()
        for verb in verbs
    ]
