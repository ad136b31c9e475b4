"""The agency's logo as an SVG that typst can draw; what cannot be drawn is named, never fatal."""

import base64
import datetime as dt
import io
from functools import lru_cache
from pathlib import Path

from PIL import Image

from app.core import pdf

PROBE = Path(__file__).parent / "logo.typ"
BOX_MM = (60, 18)
"""Width and height that a logo is fitted into on paper."""

PIXELS_WIDE = 900
MOST_PIXELS = 40_000_000
MOST_SVG_BYTES = 1_000_000
_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


class BrokenLogoError(Exception):
    """The picture cannot be used; the message says why, in words for the agency's admin."""


@lru_cache(maxsize=8)
def drawable(picture: bytes) -> str:
    """Return `picture` (PNG, JPEG, WebP, GIF or SVG) as an SVG text. Raises BrokenLogoError."""
    return _svg(picture) if _looks_like_svg(picture) else _raster(picture)


def _looks_like_svg(picture: bytes) -> bool:
    return b"<svg" in picture[:4096].lower()


def _svg(picture: bytes) -> str:
    if len(picture) > MOST_SVG_BYTES:
        raise BrokenLogoError(f"the logo is larger than {MOST_SVG_BYTES // 1000} kB")
    try:
        text = picture.decode("utf-8")
        pdf.draw(PROBE, {}, at=_EPOCH, assets={"logo": text})
    except (UnicodeDecodeError, pdf.DrawingError) as error:
        raise BrokenLogoError("the logo is not a readable SVG picture in UTF-8") from error
    inner = base64.b64encode(text.encode()).decode()
    return _boxed(f"data:image/svg+xml;base64,{inner}", *BOX_MM)


def _raster(picture: bytes) -> str:
    try:
        with Image.open(io.BytesIO(picture)) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise BrokenLogoError("the logo has more than 40 million pixels: make it smaller")
            image = opened.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BrokenLogoError("the logo is not a readable PNG, JPEG or SVG picture") from error
    image.thumbnail((PIXELS_WIDE, PIXELS_WIDE))
    saved = io.BytesIO()
    image.save(saved, "PNG")
    encoded = base64.b64encode(saved.getvalue()).decode()
    return _boxed(f"data:image/png;base64,{encoded}", image.width, image.height)


def _boxed(href: str, width: int, height: int) -> str:
    """Fit a picture into the logo's box: wide ones to its width, tall ones to its height."""
    most_wide, most_high = BOX_MM
    scale = min(most_wide / width, most_high / height)
    size = f'width="{width * scale:.3f}" height="{height * scale:.3f}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{most_wide}mm" height="{most_high}mm" '
        f'viewBox="0 0 {most_wide} {most_high}">'
        f'<image href="{href}" {size} preserveAspectRatio="xMinYMid meet"/></svg>'
    )
