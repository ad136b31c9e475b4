"""Codes of an authenticator app (RFC 6238: SHA-1, six digits, 30 seconds). Pure."""

import base64
import hmac
import secrets
import struct
from datetime import datetime
from urllib.parse import quote, urlencode

import segno
from markupsafe import Markup

SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20
WINDOW = 1  # steps a clock may be off, either way


def new_secret() -> str:
    """A secret to share with the app, in base 32."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")


def step_at(now: datetime) -> int:
    """The number of the 30 seconds of an instant."""
    return int(now.timestamp()) // SECONDS


def code_at(secret: str, step: int) -> str:
    """The code of a step."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), "sha1")
    start = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def matching_step(secret: str, code: str, now: datetime, *, after: int | None = None) -> int | None:
    """The step whose code this is, none at or before `after`, so that no code works twice."""
    given = "".join(code.split())
    found = None
    for step in range(step_at(now) - WINDOW, step_at(now) + WINDOW + 1):
        fits = hmac.compare_digest(code_at(secret, step).encode(), given.encode())
        if fits and (after is None or step > after):
            found = step
    return found


def uri(secret: str, *, account: str, issuer: str) -> str:
    """The address by which an app takes the secret over."""
    label = quote(f"{issuer}:{account}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer})}"


def picture(address: str) -> Markup:
    """An address as a QR picture (ISO/IEC 18004) for the camera of a phone, as inline SVG.

    Dark on light in each theme, with the margin of four that readers need.
    """
    drawn = segno.make(address, error="m", micro=False)
    return Markup(  # noqa: S704 - of a fixed alphabet, written by the library
        drawn.svg_inline(
            border=4, omitsize=True, svgclass="qr", lineclass=None, dark="#000", light="#fff"
        )
    )
