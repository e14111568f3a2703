"""Which media WhatsApp shows as what.

Meta, WhatsApp Cloud API, "Media": JPEG and PNG images, MP4 and 3GPP videos, AAC, AMR, MP3, M4A and OGG audio;
everything else is a document. Images of 5 MB, videos and audio of 16 MB, documents of 100 MB. A caption has
1,024 characters, audio has none.
"""

from collections.abc import Mapping, Sequence
from typing import Final, cast, get_args

from socialsync.errors import Invalid
from socialsync.platforms.content import check_text, check_url, ending_of
from socialsync.platforms.contract import Format, Media, MediaKind

CAPTION_LIMIT = 1_024
ENDINGS: Final[Mapping[MediaKind, frozenset[str]]] = {
    "image": frozenset({"jpg", "jpeg", "png"}),
    "video": frozenset({"mp4", "3gp", "3gpp"}),
    "audio": frozenset({"aac", "amr", "mp3", "m4a", "ogg", "opus"}),
}
NOT_SHOWN: Final[Mapping[MediaKind, frozenset[str]]] = {
    "image": frozenset({"gif", "webp", "heic", "heif", "avif", "bmp", "tif", "tiff", "svg"}),
    "video": frozenset({"mov", "avi", "mkv", "webm", "wmv", "flv", "m4v", "mpg", "mpeg"}),
    "audio": frozenset({"wav", "flac", "wma", "aif", "aiff"}),
}
"""What its sender surely did not mean as a document, unless they say so."""
_FORMATS: Final[Mapping[MediaKind, Format]] = {
    "image": Format(
        "a JPEG or PNG image",
        limit=5 * 2**20,
        types=frozenset({"image/jpeg", "image/jpg", "image/pjpeg", "image/png", "image/x-png"}),
        pictures=frozenset({"JPEG", "PNG"}),
    ),
    "video": Format(
        "an MP4 or 3GPP video",
        limit=16 * 2**20,
        types=frozenset(
            {
                "video/mp4",
                "video/3gpp",
                "video/3gp",
                "video/x-m4v",
                "video/mpeg4",
                "video/mp4v-es",
                "video/h264",
            }
        ),
        near=frozenset({"audio"}),
    ),
    "audio": Format(
        "an AAC, AMR, MP3, M4A or OGG file",
        limit=16 * 2**20,
        types=frozenset(
            {
                *("audio/aac", "audio/x-aac", "audio/aacp", "audio/vnd.dlna.adts"),
                *("audio/amr", "audio/amr-nb", "audio/3gpp"),
                *("audio/mpeg", "audio/x-mpeg", "audio/mpeg3", "audio/mp3"),
                *("audio/mp4", "audio/m4a", "audio/x-m4a", "audio/mp4a-latm"),
                *("audio/ogg", "audio/opus"),
            }
        ),
        near=frozenset({"video"}),
    ),
    "document": Format("a document", limit=100 * 2**20),
}


def type_of(url: str, given: str | None, field: str) -> MediaKind:
    """What the file is sent as: the given type, else what its ending tells.

    Raises:
        Invalid: there is no such type, or the ending does not tell.
    """
    kinds = get_args(MediaKind)
    if given is not None and given not in kinds:
        raise Invalid(
            f"WhatsApp has no media of the type {given}" if given else "The media type is empty",
            field="media_type",
            fix=f"Use one of: {', '.join(kinds)}; or leave it out and let the file's ending tell",
        )
    if given is not None:
        return cast("MediaKind", given)
    ending = ending_of(url)
    for kind, endings in ENDINGS.items():
        if ending in endings:
            return kind
    for kind, endings in NOT_SHOWN.items():
        if ending in endings:
            raise Invalid(
                f"WhatsApp does not show .{ending} files as {_noun(kind)}",
                field=field,
                fix=f'Convert it to {_listed(kind)}, or set media_type to "document" to send it as a file',
            )
    if not ending:
        raise Invalid(
            "The URL does not tell what the file is",
            field="media_type",
            fix=f"Set media_type to one of: {', '.join(kinds)}",
        )
    return "document"


def kind_of(_url: str, media_type: str) -> MediaKind:
    """The type of a WhatsApp post is the kind of its medium."""
    return cast("MediaKind", media_type)


def formats_of(media_type: str) -> Mapping[MediaKind, Format]:
    kind = cast("MediaKind", media_type)
    return {kind: _FORMATS[kind]}


def check_media(media_urls: Sequence[str], given: str | None) -> MediaKind:
    """Exactly one medium, of a format that WhatsApp shows as what it is sent as.

    Raises:
        Invalid: names the medium.
    """
    for index, url in enumerate(media_urls):
        check_url(url, f"media_urls[{index}]")
    kind = type_of(media_urls[0], given, "media_urls[0]")
    check_file(media_urls[0], kind)
    if len(media_urls) > 1:
        raise Invalid(
            "A WhatsApp message has one medium",
            field="media_urls[1]",
            fix="Keep one of them; send the others in posts of their own",
        )
    return kind


def check_file(url: str, kind: MediaKind) -> None:
    """Raises Invalid, naming the first medium."""
    check_url(url, "media_urls[0]")
    ending = ending_of(url)
    if ending and kind in ENDINGS and ending not in ENDINGS[kind]:
        raise Invalid(
            f"WhatsApp does not show .{ending} files as {_noun(kind)}",
            field="media_urls[0]",
            fix=f"Give the URL of {_listed(kind)}, or leave media_type out",
        )


def check_caption(caption: str, kind: MediaKind) -> None:
    """Raises Invalid, naming the text."""
    if kind == "audio" and caption:
        raise Invalid(
            "Audio on WhatsApp has no caption", field="text", fix="Leave text out; send it in a post before"
        )
    check_text(caption, CAPTION_LIMIT)


def check_medium(media: Media, caption: str) -> None:
    """What one message is made from. Raises Invalid."""
    check_file(media.url, media.kind)
    check_caption(caption, media.kind)


def _noun(kind: MediaKind) -> str:
    return {"image": "images", "video": "videos"}.get(kind, kind)


def _listed(kind: MediaKind) -> str:
    return "a file that ends with " + " or ".join(f".{ending}" for ending in sorted(ENDINGS[kind]))
