"""Front-end files, served out of installed wheels and `app/static`; none of others is in git.

Every file has one name (`asset("bootstrap.css")` in a template), an address that holds the hash of
its content, and a body compressed once. So browsers may keep it for a year.
"""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, request, url_for

STATIC = Path(__file__).parent / "static"
YEAR = 31_536_000

BASE_CSS = (
    "tokens.css components.css fields.css tables.css bars.css timeline.css blocks.css"
    " layers.css layout.css"
)
# name -> (package or None for app/static, path inside it; several are joined)
FILES: Mapping[str, tuple[str | None, str]] = {
    "desk.css": (
        None,
        f"{BASE_CSS} estimates.css ticket.css composer.css queue.css time.css mail.css",
    ),
    "bootstrap.css": ("flask_bootstrap", "static/bootstrap5/css/bootstrap.min.css"),
    "bootstrap.js": ("flask_bootstrap", "static/bootstrap5/js/bootstrap.min.js"),
    "popper.js": ("flask_bootstrap", "static/bootstrap5/umd/popper.min.js"),
    "styleguide.css": (None, "styleguide.css"),
    "billing.css": (None, "billing.css"),
    "imports.css": (None, "imports.css"),
    "icons.svg": ("flask_bootstrap", "static/bootstrap5/icons/bootstrap-icons.svg"),
    "htmx.js": ("js_lib_htmx", "static/htmx/htmx.min.js"),
    "plotly.js": ("plotly", "package_data/plotly.min.js"),
    "desk.js": (None, "drafts.js session.js desk.js"),
    "fields.js": (None, "fields.js"),
    "theme.js": (None, "theme.js"),
    "ticket.js": (None, "ticket.js"),
    "timer.js": (None, "timer.js"),
    "portal.css": (
        None,
        f"{BASE_CSS} estimates.css portal.css portal_requests.css",
    ),
    "portal.js": (None, "drafts.js session.js portal.js"),
    "request_types.css": (None, "request_types.css"),
    "rules.css": (None, "rules.css"),
    "request.js": (None, "request.js"),
    "charts.js": (None, "charts.js"),
    "charts.css": (None, "charts.css"),
    "favicon.svg": (None, "favicon.svg"),
}

# `make assets` puts smaller builds of the same files here; the folder is not in git.
SMALLER: Mapping[str, Path] = {"plotly.js": STATIC / "vendor" / "plotly-cartesian.min.js"}

MIMETYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

# The wheel's sprite has 2,078 symbols (1.1 MB); pages use those named in icons.txt.
ICONS = frozenset((STATIC / "icons.txt").read_text().split())

# Flask-AppBuilder's screens name Font Awesome icons; the sprite has these for them.
ICON_OF_FONT_AWESOME = {
    "fa-bar-chart": "bar-chart",
    "fa-cogs": "gear",
    "fa-edit": "pencil",
    "fa-group": "people",
    "fa-key": "key",
    "fa-lock": "lock",
    "fa-rocket": "trash",
    "fa-trash": "trash",
    "fa-user": "person",
    "fa-users": "people",
}

blueprint = Blueprint("assets", __name__)


@dataclass(frozen=True)
class Asset:
    """One file as it goes out: its content, the same compressed, and what it is called."""

    name: str
    body: bytes
    digest: str

    @property
    def mimetype(self) -> str:
        return MIMETYPES[Path(self.name).suffix]

    @property
    def compressed(self) -> bytes:
        return _compressed(self.digest, self.body)


def paths_of(name: str) -> tuple[Path, ...]:
    """Where the files of this name lie on disk. KeyError for a name that is not in the table."""
    package, inside = FILES[name]
    if name in SMALLER and SMALLER[name].is_file():
        return (SMALLER[name],)
    if package is None:
        return tuple(STATIC / part for part in inside.split())
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"{name}: the package {package} is not installed")
    return (Path(spec.submodule_search_locations[0]) / inside,)


def load(name: str) -> Asset:
    """Read a file of the table; kept in memory until the file on disk changes."""
    paths = _paths(name)
    return _load(name, paths, tuple(path.stat().st_mtime_ns for path in paths))


@lru_cache
def _paths(name: str) -> tuple[Path, ...]:
    return paths_of(name)


@lru_cache(maxsize=64)
def _load(name: str, paths: tuple[Path, ...], _changed: tuple[int, ...]) -> Asset:
    body = b"\n".join(path.read_bytes() for path in paths)
    if name == "icons.svg":
        body = cut_sprite(body.decode(), ICONS).encode()
    return Asset(name, body, hashlib.sha256(body).hexdigest()[:12])


@lru_cache(maxsize=64)
def _compressed(_digest: str, body: bytes) -> bytes:
    return gzip.compress(body, 7, mtime=0)


def cut_sprite(sprite: str, wanted: frozenset[str]) -> str:
    """Return the sprite with only the wanted symbols. LookupError names those it lacks."""
    symbols = {
        found.group(1): found.group(0)
        for found in re.finditer(r'<symbol[^>]* id="([^"]+)".*?</symbol>', sprite, re.DOTALL)
    }
    missing = sorted(wanted - symbols.keys())
    if missing:
        raise LookupError(f"icons missing from the sprite: {', '.join(missing)}")
    kept = "".join(symbols[name] for name in sorted(wanted))
    return f'<svg xmlns="http://www.w3.org/2000/svg">{kept}</svg>'


def asset(name: str) -> str:
    """Return the address of a front-end file, with the hash of its content in it."""
    return url_for("assets.serve", digest=load(name).digest, name=name)


def icon_name(name: str) -> str:
    """Return the sprite's name for an icon; Font Awesome names are translated."""
    bare = name.removeprefix("fa ").strip()
    known = ICON_OF_FONT_AWESOME.get(bare, bare.removeprefix("fa-"))
    return known if known in ICONS else "circle"


@blueprint.get("/assets/<digest>/<name>")
def serve(digest: str, name: str) -> Response:
    """Send a file of the table. An outdated hash gets today's content, but may not be kept."""
    if name not in FILES:
        abort(404)
    found = load(name)
    squeeze = bool(request.accept_encodings["gzip"])
    response = Response(found.compressed if squeeze else found.body, mimetype=None)
    response.content_type = found.mimetype
    response.headers["Vary"] = "Accept-Encoding"
    if squeeze:
        response.headers["Content-Encoding"] = "gzip"
    if digest == found.digest:
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    else:
        response.headers["Cache-Control"] = "no-store"
    return response


def init_app(app: Flask) -> None:
    """Register the blueprint and the template globals `asset` and `icon_name`."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals["asset"] = asset
    app.jinja_env.globals["icon_name"] = icon_name
