"""Which media Instagram takes for which type of post.

Meta, Instagram Platform, "Content Publishing": JPEG images, MP4 and MOV videos, carousels of 2 to 10 items;
alternative texts of 1,000 characters for images, not for reels and stories. Images of 8 MB between 4:5 and
1.91:1, outside of stories; of videos the page says 300 MB, Meta's Postman collection 1 GB.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal, cast, get_args

from socialsync.errors import Invalid
from socialsync.platforms.content import check_text, check_url, ending_of
from socialsync.platforms.contract import Format, Media, MediaKind

MediaType = Literal["image", "carousel", "reel", "story"]

CAROUSEL_SIZES = range(2, 11)
ALT_TEXT_LIMIT = 1_000

_IMAGES = frozenset({"jpg", "jpeg"})
_VIDEOS = frozenset({"mp4", "mov"})
_FEWEST = {"carousel": CAROUSEL_SIZES[0]}
_MOST = {"carousel": CAROUSEL_SIZES[-1]}
_KINDS: Final[Mapping[str, tuple[MediaKind, ...]]] = {
    "image": ("image",),
    "carousel": ("image", "video"),
    "reel": ("video",),
    "story": ("image", "video"),
}
_IMAGE = Format(
    "a JPEG image",
    limit=8 * 2**20,
    types=frozenset({"image/jpeg", "image/jpg", "image/pjpeg"}),
    pictures=frozenset({"JPEG"}),
    ratios=(4 / 5, 1.91),
)
_VIDEO = Format(
    "an MP4 or MOV video",
    limit=2**30,
    types=frozenset(
        {"video/mp4", "video/quicktime", "video/x-m4v", "video/mpeg4", "video/mp4v-es", "video/h264"}
    ),
    near=frozenset({"audio"}),
)


def type_of(media_urls: Sequence[str], given: str | None) -> MediaType:
    """The type of the post: the given one, else what its media tell.

    Raises:
        Invalid: there is no such type.
    """
    types = get_args(MediaType)
    if given is not None and given not in types:
        raise Invalid(
            f"An Instagram post is no {given}" if given else "The media type is empty",
            field="media_type",
            fix=f"Use one of: {', '.join(types)}; or leave it out and let the media tell",
        )
    if given is not None:
        return cast("MediaType", given)
    if len(media_urls) > 1:
        return "carousel"
    return "reel" if media_urls and ending_of(media_urls[0]) in _VIDEOS else "image"


def kind_of(url: str, media_type: str) -> MediaKind:
    """What this file is. One without an ending is an image where the type takes both."""
    kinds = _KINDS[media_type]
    return "video" if "image" not in kinds or ("video" in kinds and ending_of(url) in _VIDEOS) else "image"


def formats_of(media_type: str) -> Mapping[MediaKind, Format]:
    """A story fills the screen, whatever its shape."""
    image = replace(_IMAGE, ratios=None) if media_type == "story" else _IMAGE
    formats: dict[MediaKind, Format] = {"image": image, "video": _VIDEO}
    return {kind: formats[kind] for kind in _KINDS[media_type]}


def check_media(media_urls: Sequence[str], media_type: MediaType) -> None:
    """As many media as the type has, each of a kind that it takes.

    Raises:
        Invalid: names the medium.
    """
    if not media_urls:
        raise Invalid(
            "An Instagram post needs an image or a video",
            field="media_urls",
            fix="Give the public URL of a JPEG, or of an MP4 or MOV video",
        )
    for index, url in enumerate(media_urls):
        check_file(url, f"media_urls[{index}]", media_type)
    fewest, most = _FEWEST.get(media_type, 1), _MOST.get(media_type, 1)
    if len(media_urls) < fewest:
        raise Invalid(
            f"A carousel has {fewest} to {most} items, this one has {len(media_urls)}",
            field="media_urls",
            fix="Add another, or leave media_type out",
        )
    if len(media_urls) > most:
        raise Invalid(
            f"A carousel has at most {most} items, this one has {len(media_urls)}"
            if media_type == "carousel"
            else f"An Instagram {media_type} has one medium, this one has {len(media_urls)}",
            field=f"media_urls[{most}]",
            fix="Post the others separately"
            if media_type == "carousel"
            else "Keep one of them, or make it a carousel",
        )


def check_file(url: str, field: str, media_type: str) -> None:
    """An absolute URL whose file, if it has an ending, has one of the type.

    Raises:
        Invalid: names the field.
    """
    check_url(url, field)
    ending, kinds = ending_of(url), _KINDS[media_type]
    if not ending or ("image" in kinds and ending in _IMAGES) or ("video" in kinds and ending in _VIDEOS):
        return
    if media_type == "image" and ending in _VIDEOS:
        raise Invalid(
            "An Instagram image is no video", field=field, fix='Set media_type to "reel", or leave it out'
        )
    if media_type == "reel":
        raise Invalid(
            f"An Instagram reel is an MP4 or MOV video, this is .{ending}",
            field=field,
            fix="Give the URL of an .mp4 or .mov file"
            + (', or set media_type to "image"' if ending in _IMAGES else ""),
        )
    raise Invalid(
        f"Instagram takes JPEG images{' only' if kinds == ('image',) else ' and MP4 or MOV videos'},"
        f" this is .{ending}",
        field=field,
        fix="Give the URL of a .jpg or .jpeg file" + (", .mp4 or .mov" if "video" in kinds else ""),
    )


def check_alt_texts(alt_texts: Sequence[str], media_urls: Sequence[str], media_type: MediaType) -> None:
    """At most one for each medium, and for images only; an empty one is none.

    Raises:
        Invalid: names the text.
    """
    for index, alt_text in enumerate(alt_texts):
        field = f"alt_texts[{index}]"
        if index >= len(media_urls):
            raise Invalid(
                f"There is no medium for this text: the post has {len(media_urls)}",
                field=field,
                fix="Give one alternative text for each of media_urls, in their order",
            )
        if not alt_text:
            continue
        if media_type == "story" or kind_of(media_urls[index], media_type) == "video":
            raise Invalid(
                "Instagram takes alternative texts for images, not for videos and stories",
                field=field,
                fix='Leave it out, or write "" in its place',
            )
        check_text(alt_text, ALT_TEXT_LIMIT, field=field)


def check_medium(media: Media, media_type: str) -> None:
    """What one container is made from. Raises Invalid."""
    check_file(media.url, "media_urls[0]", media_type)
    check_text(media.alt_text or "", ALT_TEXT_LIMIT, field="alt_texts[0]")
