"""The staff menu as data: what stands in the rail, in which order, for whom."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A line of the menu: shown when the user holds (verb, resource) and the endpoint exists."""

    label: str
    icon: str
    endpoint: str
    verb: str
    resource: str


@dataclass(frozen=True, slots=True)
class MenuGroup:
    """Lines under one heading; an empty heading draws a plain gap."""

    heading: str
    items: tuple[MenuItem, ...]


MENU = (
    MenuGroup(
        "",
        (
            MenuItem("Home", "house", "desk.home", "see", "Home"),
            MenuItem("Tickets", "inbox", "tickets.queue", "see", "Tickets"),
            MenuItem("Mail in", "envelope-arrow-down", "inbox.index", "see", "Inbox"),
            MenuItem("My week", "calendar-week", "time.week", "see", "Time"),
            MenuItem("Approval", "check2-square", "time.approval", "approve", "Time"),
        ),
    ),
    MenuGroup(
        "Clients",
        (
            MenuItem("Companies", "building", "CompanyView.list", "see", "Companies"),
            MenuItem("Contacts", "people", "ContactView.list", "see", "Contacts"),
            MenuItem("Registrations", "person-plus", "portal_access.waiting", "see", "Contacts"),
            MenuItem("Imports", "upload", "imports.index", "see", "Imports"),
        ),
    ),
    MenuGroup(
        "Billing",
        (
            MenuItem("Billing run", "receipt-cutoff", "billing.runs", "see", "Invoices"),
            MenuItem("Invoices", "receipt", "billing.invoices", "see", "Invoices"),
            MenuItem("Payments", "cash-coin", "billing.payments", "see", "Payments"),
            MenuItem("Rates", "currency-exchange", "billing.rates", "see", "Rates"),
            MenuItem("Taxes", "percent", "billing.taxes", "see", "Taxes"),
            MenuItem("Proof", "shield-check", "billing.proof", "see", "Invoices"),
        ),
    ),
    MenuGroup(
        "Reports",
        (MenuItem("Dashboards", "bar-chart", "dashboards.index", "see", "Dashboards"),),
    ),
    MenuGroup(
        "System Configuration",
        (
            MenuItem("Agency", "gear", "settings.agency", "see", "Settings"),
            MenuItem("Departments", "diagram-3", "DepartmentView.list", "see", "Departments"),
            MenuItem("Promised times", "clock", "promises.index", "see", "Promises"),
            MenuItem("Rules", "lightning", "rules.index", "see", "Rules"),
            MenuItem(
                "Kinds of requests", "list-check", "request_types.index", "see", "RequestTypes"
            ),
            MenuItem("Staff", "person-badge", "StaffView.list", "see", "Staff"),
            MenuItem("Work types", "tags", "WorkTypeView.list", "see", "WorkTypes"),
            MenuItem("Users", "person-gear", "users.index", "see", "Users"),
            MenuItem("Roles", "key", "roles.index", "see", "Roles"),
            MenuItem("Jobs", "list-task", "jobs.index", "see", "Jobs"),
            MenuItem("Mail", "envelope", "mail.index", "see", "Mail"),
            MenuItem("Mailboxes", "mailbox", "mailboxes.index", "see", "Settings"),
            MenuItem(
                "Mail templates", "file-earmark-text", "mailboxes.templates", "see", "Settings"
            ),
            MenuItem("Audit log", "journal-text", "audit.index", "see", "Audit"),
        ),
    ),
)

ACTIONS = (
    MenuItem("New ticket", "plus-lg", "tickets.new", "create", "Tickets"),
    MenuItem("New company", "building", "CompanyView.add", "create", "Companies"),
    MenuItem("New contact", "people", "ContactView.add", "create", "Contacts"),
    MenuItem("New user", "person-gear", "users.new", "create", "Users"),
    MenuItem("New rule", "lightning", "rules.new", "create", "Rules"),
    MenuItem("New kind of request", "list-check", "request_types.new", "create", "RequestTypes"),
    MenuItem("Your profile", "person-circle", "account.index", "see", "Home"),
)
"""What is no line of the rail, and still found by its name in the search field."""
