"""Somebody who imports on the desk, as a browser does it."""

import io
import re

from sqlalchemy import select

from app.companies.models import Company
from app.core import jobs
from app.core.db import db
from app.core.forms import new_nonce


def send(clerk, content, *, kind="companies", name="clients.csv"):
    raw = content if isinstance(content, bytes) else content.encode()
    data = {"nonce": new_nonce(), "kind": kind, "file": (io.BytesIO(raw), name)}
    return clerk.post("/imports/", data=data, content_type="multipart/form-data")


def uploaded(clerk, content, **how):
    """The address of the import that an upload made."""
    answer = send(clerk, content, **how)
    assert answer.status_code == 302, answer.text
    return answer.location.removesuffix("/mapping")


def post(clerk, url, **data):
    return clerk.post(url, data={"nonce": new_nonce(), **data})


def go_on(clerk, url, step, **data):
    """Press a button, let the worker do it, and give the page it leads to."""
    answer = post(clerk, f"{url}/{step}", **data)
    assert answer.status_code == 302, answer.text
    jobs.run_due()
    db.session.expire_all()
    return clerk.get(url).text


def words(page):
    """The text of a page without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def names():
    db.session.expire_all()
    return set(db.session.scalars(select(Company.name)))


def fields_of(page):
    """The cells of the refused rows as the form shows them."""
    return dict(re.findall(r'name="(cell-[\d-]+)" value="([^"]*)"', page))
