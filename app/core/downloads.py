"""Files as downloads: typed by their bytes, never shown in a page's place, never run."""

from flask import make_response
from werkzeug.wrappers import Response

from app.core import filetypes, storage
from app.core.headers import FILE_POLICY
from app.core.models import StoredFile

SOON = 5  # seconds within which a paper is usually drawn


def download(file: StoredFile, name: str) -> Response:
    """The bytes of a stored file under a name."""
    content = storage.read(file)
    response = make_response(content)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers.set("Content-Type", filetypes.of(content))
    response.headers["Content-Security-Policy"] = FILE_POLICY  # also of a PDF, which is not ours
    return response


def not_yet(page: str) -> Response:
    """The page in a file's place that says it is still being drawn."""
    response = make_response(page, 202)
    response.headers["Retry-After"] = str(SOON)
    return response
