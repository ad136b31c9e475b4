"""The tabs of the portal as data: shown where this installation and this person have the pages."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app, request, url_for

from app.core.access import Viewer
from app.core.language import told
from app.core.words import say
from app.portal import client


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: its page, and who has a use for it. `parts` are endpoints that stand under it."""

    label: str
    icon: str
    endpoint: str
    parts: tuple[str, ...] = ()
    is_for: Callable[[Viewer], bool] | None = None


TABS = (
    Tab(say("Home"), "house", "portal.home", ("portal.action", "portal.answer_action")),
    Tab(
        say("Requests"),
        "inbox",
        "portal.requests",
        ("portal.request_page", "portal.new_request", "portal.request_sent"),
    ),
    Tab(
        say("Billing"),
        "receipt",
        "portal.invoices",
        ("portal.invoice", "portal.statement"),
        lambda viewer: bool(viewer.pays_for),
    ),
    Tab(say("Meetings"), "calendar-week", "portal.meetings"),
    Tab(say("Me"), "person-circle", "portal.profile", ("portal.code_setup", "portal.logins_page")),
)


def shown() -> list[tuple[str, str, str, bool]]:
    """Label, icon, address and whether it is the present one, of each tab that leads somewhere."""
    found = client.current_or_none()
    if found is None:
        return []
    return [
        (
            told(tab.label),
            tab.icon,
            url_for(tab.endpoint),
            request.endpoint in (tab.endpoint, *tab.parts),
        )
        for tab in TABS
        if tab.endpoint in current_app.view_functions
        and (tab.is_for is None or tab.is_for(found.viewer))
    ]
