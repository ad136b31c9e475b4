"""Roles as data: which role may do what with what.

`init` gives a permission that is new to a database as this file says; afterwards what an admin
changes on the role pages stands. Admin always holds everything.

A pair is (verb, resource); FAB screens and our own pages ask for the same pairs.
"""

from itertools import chain

CRUD = ("see", "create", "edit", "delete")

# resource -> every verb that exists on it
PERMISSIONS: dict[str, tuple[str, ...]] = {
    "Home": ("see",),
    "Companies": CRUD,
    "Contacts": (*CRUD, "view_as"),
    "Tickets": ("see", "create", "edit", "curate"),
    "Estimates": ("see", "edit", "send"),
    "Time": ("see", "create", "edit", "approve", "write_off"),
    "WorkTypes": ("see", "create", "edit"),
    "Rates": ("see", "create", "edit"),
    "Taxes": ("see", "create", "edit"),
    "Invoices": ("see", "compile", "approve", "issue", "void"),
    "Payments": ("see", "record", "reverse"),
    "Dashboards": ("see", "export"),
    "Imports": ("see", "apply", "undo"),
    "Jobs": ("see", "retry"),
    "Vault": ("see", "create", "reveal", "delete"),
    "RequestTypes": ("see", "create", "edit"),
    "RequestApi": ("see", "create"),
    "Mail": ("see", "resend"),
    "Inbox": ("see", "accept"),
    "Settings": ("see", "edit"),
    "Departments": ("see", "create", "edit"),
    "Promises": ("see", "edit"),
    "Rules": ("see", "create", "edit"),
    "Staff": ("see", "create", "edit"),
    "Users": CRUD,
    "Roles": ("see", "edit"),
    "Audit": ("see",),
    "Styleguide": ("see",),
}

Pairs = frozenset[tuple[str, str]]


def _all(*resources: str) -> set[tuple[str, str]]:
    return {(verb, resource) for resource in resources for verb in PERMISSIONS[resource]}


def _only(resource: str, *verbs: str) -> set[tuple[str, str]]:
    unknown = set(verbs) - set(PERMISSIONS[resource])
    if unknown:
        raise ValueError(f"{resource} has no {unknown}")
    return {(verb, resource) for verb in verbs}


EVERYTHING: Pairs = frozenset(_all(*PERMISSIONS))

ROLES: dict[str, Pairs] = {
    "Admin": EVERYTHING,
    "Manager": frozenset(
        chain(
            _all("Home", "Companies", "Contacts", "Tickets", "Time", "WorkTypes", "Dashboards"),
            _all("Vault", "RequestTypes", "RequestApi", "Rules", "Estimates"),
            _only("Rates", "see"),
            _only("Taxes", "see"),
            _only("Invoices", "see", "approve"),
            _only("Payments", "see"),
            _only("Imports", "see"),
            _only("Jobs", "see"),
            _only("Mail", "see"),
            _all("Inbox"),
            _only("Departments", "see"),
            _only("Promises", "see", "edit"),
            _only("Staff", "see"),
        )
    ),
    "Billing": frozenset(
        chain(
            _all("Home", "Rates", "Taxes", "Invoices", "Payments", "Dashboards", "Mail"),
            _all("Time", "WorkTypes", "Estimates"),
            _only("Companies", "see", "create", "edit"),
            _only("Contacts", "see", "create", "edit"),
            _only("Tickets", "see"),
            _only("RequestApi", "see"),
            _only("Imports", "see", "apply", "undo"),
            _only("Jobs", "see", "retry"),
            _only("Staff", "see"),
        )
    ),
    "Agent": frozenset(
        chain(
            _all("Home", "Estimates", "Inbox", "RequestApi"),
            _only("Tickets", "see", "create", "edit"),
            _only("Time", "see", "create", "edit"),
            _only("Vault", "see", "create", "reveal"),
            _only("Rules", "see"),
            _only("Companies", "see", "create", "edit"),
            _only("Contacts", "see", "create", "edit"),
            _only("Imports", "see", "apply"),
        )
    ),
}
