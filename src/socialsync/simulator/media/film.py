"""A film for demonstrations: its boxes say how large and how long it is, and hold no frame worth seeing.

ISO/IEC 14496-12: boxes of boxes, each with its length and type; 14496-15 for the sample entry.
"""

import functools
import struct

from socialsync.simulator.media.size import Size

_TIMESCALE = 1_000
_UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_UNDETERMINED = 0x55C4
"""The language ``und``, five bits a letter."""
_SAMPLE = b"\x00\x00\x00\x02\x09\x10"
"""An access unit delimiter."""


@functools.lru_cache(maxsize=64)
def mp4(name: str, size: Size, seconds: int) -> bytes:
    """One video track; the same name, size and length give the same film."""
    head = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2avc1mp41")
    # The track says where its sample is, which follows it: its length does not depend on what it says
    length = len(_movie(size, seconds, 0))
    movie = _movie(size, seconds, len(head) + length + 8)
    return head + movie + _box(b"mdat", _SAMPLE, name.encode())


def _movie(size: Size, seconds: int, sample_at: int) -> bytes:
    duration = seconds * _TIMESCALE
    # Made and changed never; rate and volume 1
    header = struct.pack(">5IH10x", 0, 0, _TIMESCALE, duration, 0x10000, 0x100)
    # Made and changed never; track 1; layer, group, volume 0
    track = struct.pack(">5I8x4H", 0, 0, 1, 0, duration, 0, 0, 0, 0)
    sides = struct.pack(">2I", size.width << 16, size.height << 16)
    return _box(
        b"moov",
        _full_box(b"mvhd", header, _UNITY, bytes(24), struct.pack(">I", 2)),
        _box(b"trak", _full_box(b"tkhd", track, _UNITY, sides, flags=7), _media(size, duration, sample_at)),
    )


def _media(size: Size, duration: int, sample_at: int) -> bytes:
    return _box(
        b"mdia",
        _full_box(b"mdhd", struct.pack(">4I2H", 0, 0, _TIMESCALE, duration, _UNDETERMINED, 0)),
        _full_box(b"hdlr", bytes(4), b"vide", bytes(12), b"VideoHandler\0"),
        _box(
            b"minf",
            _full_box(b"vmhd", bytes(8), flags=1),
            _box(b"dinf", _full_box(b"dref", struct.pack(">I", 1), _full_box(b"url ", flags=1))),
            _samples(size, duration, sample_at),
        ),
    )


def _samples(size: Size, duration: int, sample_at: int) -> bytes:
    """A single sample that lasts the whole film."""
    look = struct.pack(">HH2I4xH", *size, 0x480000, 0x480000, 1)
    configuration = _box(b"avcC", b"\x01\x42\x00\x1e\xff\xe0\x00")
    entry = _box(
        b"avc1", bytes(6), struct.pack(">H16x", 1), look, bytes(32), b"\x00\x18\xff\xff", configuration
    )
    return _box(
        b"stbl",
        _full_box(b"stsd", struct.pack(">I", 1), entry),
        _full_box(b"stts", struct.pack(">3I", 1, 1, duration)),
        _full_box(b"stsc", struct.pack(">4I", 1, 1, 1, 1)),
        _full_box(b"stsz", struct.pack(">2I", len(_SAMPLE), 1)),
        _full_box(b"stco", struct.pack(">2I", 1, sample_at)),
    )


def _box(kind: bytes, *content: bytes) -> bytes:
    inside = b"".join(content)
    return struct.pack(">I", 8 + len(inside)) + kind + inside


def _full_box(kind: bytes, *content: bytes, flags: int = 0) -> bytes:
    """With version 0 and flags."""
    return _box(kind, struct.pack(">I", flags), *content)
