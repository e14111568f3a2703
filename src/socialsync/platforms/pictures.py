"""What the first bytes of an image tell: its format and its shape. Nothing is ever decoded."""

import io
import warnings
from dataclasses import dataclass

from PIL import Image

_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")
_ORIENTATION = 0x0112
_LYING = range(5, 9)
"""Exif, "Orientation": turned by a quarter."""


@dataclass(frozen=True)
class Picture:
    """As it is shown.

    Args:
        form: ``JPEG``, ``PNG``, ...
        ratio: width by height.
    """

    form: str
    ratio: float


def read_picture(head: bytes) -> Picture | None:
    """None for what is no image, or not yet: more bytes might tell."""
    with warnings.catch_warnings():
        # A bomb only goes off when it is decoded
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(head), formats=_FORMATS) as image:
                width, height = image.size
                form = "JPEG" if image.format == "MPO" else str(image.format)
                if image.getexif().get(_ORIENTATION) in _LYING:
                    width, height = height, width
        except Exception:  # noqa: BLE001 - Pillow raises nearly anything for what is no image
            return None
    return Picture(form, width / height) if height else None
