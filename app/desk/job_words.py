"""What background jobs are called on pages; in logs and commands they keep their short names."""

WORDS = {
    "actions.remind": "Reminders to clients",
    "billing.compile": "Compiling a billing run",
    "billing.issue": "Issuing invoices",
    "billing.prove": "Proving the books",
    "billing.render": "Drawing documents",
    "billing.revalue": "Pricing time anew",
    "billing.tell": "Noting invoices on tickets",
    "billing.value": "Pricing time",
    "communications.look": "Looking into mailboxes",
    "communications.read": "Reading a mailbox",
    "communications.take_in": "Filing mail that came",
    "demo.load": "Loading the demo",
    "estimates.draw": "Drawing an estimate",
    "imports.apply": "Applying an import",
    "imports.check": "Checking an import",
    "imports.undo": "Undoing an import",
    "imports.undo_check": "Checking what an undo would do",
    "mail.send": "Sending a mail",
    "maintenance.clean": "Cleaning up",
    "portal.address": "Confirming a new address",
    "portal.end_viewings": "Ending views as a contact",
    "portal.link": "Mailing a link",
    "portal.register": "Answering a registration",
    "promises.realign": "Following changed promises",
    "promises.warn": "Warnings of promised times",
    "rules.consider": "Rules at work",
    "rules.strike": "Rules that wait for time",
    "staff.link": "Mailing a link to staff",
    "tickets.complete": "Completing resolved tickets",
    "tickets.tell_closed": "Mailing that tickets are closed",
}


def words(kind: str) -> str:
    """A kind of job in words; one that has none reads as it is called."""
    return WORDS.get(kind) or kind.replace(".", ": ").replace("_", " ").capitalize()
