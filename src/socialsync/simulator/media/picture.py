"""A picture for demonstrations, encoded here because no imaging library is installed for it.

ITU-T T.81 (JPEG), baseline: every 8x8 block has one flat colour, so it needs its mean (the DC coefficient)
and an end-of-block only.
"""

import functools
import hashlib
import struct

from socialsync.simulator.media.size import Size

_BLOCK = 8
_QUANTISER = bytes([8] * 64)
"""With 8 everywhere the quantised mean of a flat block is its level itself, less 128."""
_DC_CATEGORIES = bytes(range(12))
_DC_LENGTH = 4


@functools.lru_cache(maxsize=64)
def jpeg(name: str, size: Size) -> bytes:
    """A JPEG, coloured by its name."""
    red, green, blue = hashlib.sha256(name.encode()).digest()[:3]
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"),
            _segment(0xDB, b"\x00" + _QUANTISER),
            # Eight bits, three components (Y, Cb, Cr), none of them subsampled, all with quantiser 0
            _segment(
                0xC0,
                struct.pack(">BHHB", 8, size.height, size.width, 3) + b"\x01\x11\x00\x02\x11\x00\x03\x11\x00",
            ),
            # DC: twelve codes of four bits; AC: the single code 0, end of block
            _segment(0xC4, b"\x00" + bytes([0, 0, 0, 12]) + bytes(12) + _DC_CATEGORIES),
            _segment(0xC4, b"\x10" + bytes([1]) + bytes(15) + b"\x00"),
            _segment(0xDA, b"\x03\x01\x00\x02\x00\x03\x00" + b"\x00\x3f\x00"),
            _scan(size, red, green, blue),
            b"\xff\xd9",
        )
    )


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _scan(size: Size, red: int, green: int, blue: int) -> bytes:
    bits: list[str] = []
    previous = (0, 0, 0)
    columns, rows = (-(-side // _BLOCK) for side in size)
    for row in range(rows):
        for column in range(columns):
            light = 0.4 + 0.6 * (row + column) / (rows + columns)
            levels = _ycbcr(red * light, green * light, blue * light)
            bits += [_block(level - before) for level, before in zip(levels, previous, strict=True)]
            previous = levels
    stream = "".join(bits)
    stream += "1" * (-len(stream) % 8)
    # In a scan, 0xFF is followed by 0 where it is no marker
    return int(stream, 2).to_bytes(len(stream) // 8).replace(b"\xff", b"\xff\x00")


def _ycbcr(red: float, green: float, blue: float) -> tuple[int, int, int]:
    """JFIF 1.02's conversion, each level less 128."""
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return round(luma) - 128, round(0.564 * (blue - luma)), round(0.713 * (red - luma))


def _block(difference: int) -> str:
    """The difference's category, its bits (negative ones less one), and the end of the block."""
    category = abs(difference).bit_length()
    low = difference if difference > 0 else difference + (1 << category) - 1
    return f"{category:0{_DC_LENGTH}b}" + (f"{low:0{category}b}" if category else "") + "0"
