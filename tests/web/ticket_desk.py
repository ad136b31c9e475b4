"""What an agent sends from a ticket's page, and the page it leads to."""

from app.core import forms


def followed(browser, answer):
    assert answer.status_code == 302
    return browser.get(answer.location).get_data(as_text=True)


def sent(browser, number, **fields):
    """Press Send in the composer."""
    fields.setdefault("nonce", forms.new_nonce())
    fields.setdefault("billable", "y")
    return browser.post(f"/tickets/{number}/say", data=fields, content_type="multipart/form-data")
