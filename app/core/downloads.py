"""Files as downloads: typed by their bytes, never shown in a page's place, never run."""

import unicodedata
from urllib.parse import quote

from flask import make_response
from werkzeug.wrappers import Response

from app.core import filetypes, storage
from app.core.headers import FILE_POLICY
from app.core.models import StoredFile

UNQUOTED = "!#$&+-.^_`|~"
"""What else stands for itself in a name that is spelled by RFC 8187."""
SOON = 5  # seconds within which a paper is usually drawn


def download(file: StoredFile, name: str) -> Response:
    """The bytes of a stored file under a name."""
    content = storage.read(file)
    response = make_response(content)
    offer_as(response, name)
    response.headers.set("Content-Type", filetypes.of(content))
    response.headers["Content-Security-Policy"] = FILE_POLICY  # also of a PDF, which is not ours
    return response


def offer_as(response: Response, name: str) -> None:
    """Have the answer kept as a file called `name`, in any script (RFC 6266).

    A header is Latin-1: other names are spelled in UTF-8 beside the nearest one in ASCII.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    names = {"filename": plain}
    if plain != name:
        names["filename*"] = f"UTF-8''{quote(name, safe=UNQUOTED)}"
    response.headers.set("Content-Disposition", "attachment", **names)


def not_yet(page: str) -> Response:
    """The page in a file's place that says it is still being drawn."""
    response = make_response(page, 202)
    response.headers["Retry-After"] = str(SOON)
    return response
