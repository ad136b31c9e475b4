"""Writes docs/admin/settings.md from config.py: `python -m docs.settings` (or `make docs`)."""

from dataclasses import fields
from pathlib import Path

from config import Settings

PAGE = Path(__file__).parent / "admin" / "settings.md"
HEAD = """\
# Settings

Each is an environment variable, read once at start; what cannot be used is refused at start, all
reasons at once. A setting marked *secret* may also be given as a file: `SECRET_KEY_FILE=/run/key`
reads it from there. This page is written from `config.py` by `make docs`.

Secure cookies, HSTS and the refusals at start apply when `PUBLIC_URL` is https or `HOST` is not a
loopback address; `flask --app run doctor` lists every weak setting of an installation.

| setting | default | meaning |
|---|---|---|
"""


def page() -> str:
    """Return the page as it should read."""
    rows = []
    for field in fields(Settings):
        about = field.metadata
        text = f"{about['text']} *Secret.*" if about["secret"] else about["text"]
        rows.append(f"| `{about['name']}` | {about['shown']} | {text} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
