"""What the shells of the pages ask for: the menu of this person, the theme chosen, names."""

import re
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlencode

from flask import Flask, Response, current_app, redirect, request, url_for
from werkzeug.routing import BuildError

from app.core.security import may
from app.desk.at_desk import moment
from app.menu import ACTIONS, MENU, MenuItem

THEMES = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Link:
    """One line of the rail."""

    label: str
    url: str
    icon: str
    current: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of the rail under one heading, which may be empty."""

    heading: str
    links: tuple[Link, ...]


def menu_groups() -> list[Group]:
    """Return the menu as far as this person may open it and this installation has its pages."""
    found = [
        (group.heading, [(item, url_or_none(item.endpoint)) for item in group.items if _open(item)])
        for group in MENU
    ]
    current = _nearest([url for _, items in found for _, url in items if url])
    groups = []
    for heading, items in found:
        links = tuple(
            Link(item.label, url, item.icon, url == current) for item, url in items if url
        )
        if links:
            groups.append(Group(heading, links))
    return groups


def named(words: str) -> list[Link]:
    """Return the pages and actions open to this person whose name has every one of the words."""
    wanted = words.casefold().split()
    items = [item for group in MENU for item in group.items] + list(ACTIONS)
    found = [
        (item, url_or_none(item.endpoint))
        for item in items
        if all(word in item.label.casefold() for word in wanted) and _open(item)
    ]
    return [Link(item.label, url, item.icon, current=False) for item, url in found if url]


def _open(item: MenuItem) -> bool:
    return item.endpoint in current_app.view_functions and may(item.verb, item.resource)


def _nearest(urls: list[str]) -> str:
    """Return the address of the menu that this page stands under: the longest fitting one."""
    path = request.path.rstrip("/") + "/"

    def fits(url: str) -> bool:
        stem = url.split("?", maxsplit=1)[0].removesuffix("list/").rstrip("/") + "/"
        return path == "/" if stem == "/" else path.startswith(stem)

    return max((url for url in urls if fits(url)), key=len, default="")


def theme() -> str:
    """Return the theme this browser chose, or an empty string for the system's."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in THEMES else ""


def url_or_none(endpoint: str, **values: object) -> str | None:
    """Return the address of an endpoint, or None where this installation has no such page."""
    try:
        return url_for(endpoint, **values)  # type: ignore[arg-type]
    except BuildError:
        return None


def settle_filters() -> Response | None:
    """Send a generated list's search form to its plain address.

    Such a form has a field `_flt_<n>_<column>` for each column, filled or not, and `_op_<column>`
    with the comparison chosen. The plain address has the filled ones alone, with n as chosen.
    """
    chosen = {key[4:]: n for key, n in request.args.items() if key.startswith("_op_")}
    if not chosen:
        return None
    kept = []
    for key, given in request.args.items(multi=True):
        if key.startswith("_op_"):
            continue
        filtered = re.fullmatch(r"_flt_\d+_(.+)", key)
        if filtered and not given:
            continue
        column = filtered.group(1) if filtered else ""
        kept.append((f"_flt_{chosen[column]}_{column}" if column in chosen else key, given))
    return cast(Response, redirect(f"{request.path}?{urlencode(kept)}"))


def init_app(app: Flask) -> None:
    """Give the shells their template globals and lists their plain addresses."""
    app.jinja_env.globals.update(
        may=may, menu_groups=menu_groups, theme=theme, url_or_none=url_or_none
    )
    app.jinja_env.filters["moment"] = moment
    app.before_request(settle_filters)
