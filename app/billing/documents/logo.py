"""The agency's logo as an SVG that typst can draw; what cannot be drawn is named, never fatal."""

import base64
import datetime as dt
import io
import re
from functools import lru_cache
from pathlib import Path

from PIL import Image

from app.core import pdf

PROBE = Path(__file__).parent / "logo.typ"
BOX_MM = (60, 18)
"""Width and height that a logo is fitted into on paper."""

RASTERS = ("PNG", "JPEG", "GIF", "WEBP")
KINDS = "PNG, JPEG, GIF, WebP or SVG"
"""What may be given, by page and by command line alike, as people read it."""

MOST_SIDE = 1600
PIXELS_WIDE = 900
MOST_PIXELS = 40_000_000
MOST_SVG_BYTES = 1_000_000
PROBE_PER_INCH = 144
WHITE = 255
LETTERS = re.compile(rb"<(?:\w+:)?text\b", re.IGNORECASE)
_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


class BrokenLogoError(Exception):
    """The picture cannot be used; the message says why, in words for the agency's admin."""


def kept(picture: bytes) -> tuple[bytes, str]:
    """Return the picture as it is kept, and its media type. Raises BrokenLogoError.

    One of dots is drawn anew as a PNG, so that nothing hidden in it is kept. One that would leave
    an empty place on paper is refused.
    """
    if _looks_like_svg(picture):
        _ensure_seen(_svg(picture))
        if LETTERS.search(picture):
            raise BrokenLogoError(
                "the logo has letters that need a font, and would be missing on paper: save it with"
                " its text as paths, or as PNG"
            )
        return picture, "image/svg+xml"
    dots = _png(_dots(picture, MOST_SIDE))
    _ensure_seen(_raster(dots))
    return dots, "image/png"


def _ensure_seen(drawing: str) -> None:
    page = pdf.page_png(PROBE, {"logo": drawing}, per_inch=PROBE_PER_INCH)
    with Image.open(io.BytesIO(page), formats=["PNG"]) as seen:
        shades = seen.convert("L").histogram()
    if not any(shades[:WHITE]):
        raise BrokenLogoError(
            "the logo draws nothing to be seen on white paper: give one with dark lines or areas"
        )


@lru_cache(maxsize=8)
def drawable(picture: bytes) -> str:
    """Return `picture` (one of `KINDS`) as an SVG text. Raises BrokenLogoError."""
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
        raise BrokenLogoError("the logo is no readable SVG picture: save it as PNG") from error
    inner = base64.b64encode(text.encode()).decode()
    return _boxed(f"data:image/svg+xml;base64,{inner}", *BOX_MM)


def _raster(picture: bytes) -> str:
    image = _dots(picture, PIXELS_WIDE)
    encoded = base64.b64encode(_png(image)).decode()
    return _boxed(f"data:image/png;base64,{encoded}", image.width, image.height)


def _dots(picture: bytes, most_side: int) -> Image.Image:
    try:
        with Image.open(io.BytesIO(picture), formats=RASTERS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise BrokenLogoError("the logo has more than 40 million pixels: make it smaller")
            image = opened.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BrokenLogoError(f"the logo is no readable picture: give a {KINDS}") from error
    image.thumbnail((most_side, most_side))
    return image


def _png(image: Image.Image) -> bytes:
    saved = io.BytesIO()
    image.save(saved, "PNG", optimize=True)
    return saved.getvalue()


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
