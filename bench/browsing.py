"""A visitor as the load test needs one: a connection, cookies, and forms, filled and sent."""

import http.client
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import uuid4

from app.core import clock

PATIENCE = 60
MOVED = {HTTPStatus.FOUND, HTTPStatus.SEE_OTHER}
NO_ANSWER = 0


@dataclass
class Ledger:
    """Every request that was made: seconds and status by what it was for."""

    rows: list[tuple[str, float, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str, seconds: float, status: int) -> None:
        with self.lock:
            self.rows.append((what, seconds, status))


@dataclass
class Form:
    """One form of a page: where it goes and what it would send as it stands."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    blank: list[tuple[str, str]] = field(default_factory=list)  # asked for and empty: name, type


def is_asked(given: Mapping[str, str]) -> bool:
    """Whether a person would fill a field in: required, or a question of a kind of request."""
    return "required" in given or given.get("name", "").startswith("field-")


class Forms(HTMLParser):
    """Reads the forms of a page as a browser does; what a person would fill in is kept apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._form: Form | None = None
        self._name = self._text = ""
        self._options: list[str] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""))
            self.found.append(self._form)
        elif self._form is None:
            return
        elif tag == "textarea":
            self._name, self._text = given.get("name", ""), ""
            if is_asked(given):
                self._form.blank.append((self._name, "text"))
        elif tag == "select":
            self._name, self._options = given.get("name", ""), []
        elif tag == "option" and self._options is not None:
            at = 0 if "selected" in given else len(self._options)
            self._options.insert(at, given.get("value", ""))
        elif tag == "input" and given.get("name"):
            self._input(self._form, given)

    def _input(self, form: Form, given: dict[str, str]) -> None:
        kind, name, value = given.get("type", "text"), given["name"], given.get("value", "")
        if kind in {"checkbox", "radio"}:
            known = any(name == each for each, _ in form.fields)
            if "checked" in given or (kind == "radio" and "required" in given and not known):
                form.fields.append((name, value))
        elif kind not in {"file", "submit", "button"}:
            form.fields.append((name, value))
            if is_asked(given) and not value:
                form.blank.append((name, kind))

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if self._form is None:
            return
        if tag == "textarea":
            self._form.fields.append((self._name, self._text.strip()))
        elif tag == "select" and self._options is not None:
            filled = [each for each in self._options if each]
            self._form.fields.append((self._name, filled[0] if filled else ""))
            self._options = None
        elif tag == "form":
            self._form = None


def form_to(page: str, action: str) -> Form | None:
    """The form of a page whose address fits a pattern."""
    return next((each for each in Forms(page).found if re.search(action, each.action)), None)


class Visitor:
    """One person at a browser, from an address of their own.

    Each request has a new connection: people think for longer than a server keeps an old one.
    """

    def __init__(self, port: int, ledger: Ledger, address: str) -> None:
        self._port, self._ledger, self._address = port, ledger, address
        self._cookies: dict[str, str] = {}

    def get(self, what: str, path: str) -> str:
        """A page, redirects followed; "" when there was none."""
        return self._ask(what, "GET", path)

    def send(
        self,
        what: str,
        form: Form | None,
        *,
        file: tuple[str, bytes] | None = None,
        **given: str,
    ) -> str:
        """Fill a form and send it; returns the page that it leads to."""
        if form is None:
            self._ledger.note(f"{what}: no such form", 0, NO_ANSWER)
            return ""
        fields = dict(form.fields)
        today = clock.today("UTC").isoformat()
        fields |= {name: today if kind == "date" else "1" for name, kind in form.blank}
        body, mime = encoded(fields | given, file)
        return self._ask(what, "POST", form.action, body, mime)

    def _ask(self, what: str, method: str, path: str, body: bytes = b"", mime: str = "") -> str:
        begun = time.perf_counter()
        status, location, page = self._exchange(method, path, body, mime)
        self._ledger.note(what, time.perf_counter() - begun, status)
        if status in MOVED and location:
            parts = urlsplit(location)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            return self._ask(f"{what}, then", "GET", target)
        return page

    def _exchange(self, method: str, path: str, body: bytes, mime: str) -> tuple[int, str, str]:
        headers = {
            "X-Forwarded-For": self._address,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
        }
        if mime:
            headers["Content-Type"] = mime
            headers["Referer"] = f"http://127.0.0.1:{self._port}/"
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request(method, path, body=body or None, headers=headers)
            answer = connection.getresponse()
            page = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return NO_ANSWER, "", ""
        finally:
            connection.close()
        self._keep(answer.headers.get_all("Set-Cookie") or [])
        return answer.status, answer.headers.get("Location", ""), page

    def _keep(self, cookies: list[str]) -> None:
        for cookie in cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value


def encoded(fields: Mapping[str, str], file: tuple[str, bytes] | None) -> tuple[bytes, str]:
    """A form as a browser sends one with files, and its type."""
    mark = uuid4().hex
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    if file is not None:
        name, content = file
        head = f'--{mark}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        parts += [f"{head}Content-Type: text/plain\r\n\r\n".encode(), content, b"\r\n"]
    return b"".join([*parts, f"--{mark}--\r\n".encode()]), f"multipart/form-data; boundary={mark}"
