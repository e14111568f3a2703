"""What we ask Instagram about comments, what we make of its answers, and how we answer people."""

from datetime import UTC, datetime
from typing import Any

import pytest

from socialsync.errors import Invalid
from socialsync.platforms import Comment, CommentPage, Platforms, PublishedMedia, Sender, errors
from tests.platforms.world import World

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
FIELDS = "id%2Ctext%2Ctimestamp%2Cusername%2Cfrom%2Clike_count%2Chidden%2Cparent_id"
NESTED = f"{FIELDS}%2Creplies%7B{FIELDS}%7D"
ACCOUNT = "106540352242922"
GONE = {"error": {"message": "Unsupported request", "code": 100, "error_subcode": 33}}


def written(known: str = "1", **more: Any) -> dict[str, Any]:
    return {
        "id": known,
        "text": "Lovely",
        "timestamp": "2026-03-04T12:00:00+0000",
        "username": "ada",
        "from": {"id": "1254477777772919", "username": "ada"},
        "like_count": 2,
        "hidden": False,
        **more,
    }


def listed(*entries: Any, after: str | None = None) -> dict[str, Any]:
    paging = {"cursors": {"before": "a", "after": after or "b"}}
    return {"data": list(entries), "paging": paging | ({"next": "https://secret"} if after else {})}


# Reading


async def test_a_page_of_comments_has_their_replies(platforms: Platforms, world: World, sender: Sender):
    reply = written("2", text="Thanks", parent_id="1", **{"from": {"id": ACCOUNT, "username": "bakery"}})
    world.answers(listed(written(replies=listed(reply, after="more"), hidden=True), after="QVFI="))
    page = await platforms.instagram.comments_page(sender, "180")
    answer = Comment("2", "Thanks", NOON, ACCOUNT, "bakery", own=True, parent_id="1", like_count=2)
    assert page == CommentPage(
        [
            Comment(
                "1",
                "Lovely",
                NOON,
                "1254477777772919",
                "ada",
                hidden=True,
                like_count=2,
                replies=(answer,),
                replies_truncated=True,
            )
        ],
        "QVFI=",
    )
    [seen] = world.seen
    assert (seen.method, seen.target) == (
        "GET",
        f"/instagram/v25.0/180/comments?fields={NESTED}&limit=50",
    )


async def test_pages_are_asked_for_by_cursor(platforms: Platforms, world: World, sender: Sender):
    world.answers(listed(written()))
    page = await platforms.instagram.comments_page(sender, "180", "QVFI=", 10)
    assert page.after is None
    await platforms.instagram.comments_page(sender, "180", limit=500)
    await platforms.instagram.replies_page(sender, "1", "QVFI=")
    assert [seen.target for seen in world.seen] == [
        f"/instagram/v25.0/180/comments?fields={NESTED}&limit=10&after=QVFI%3D",
        f"/instagram/v25.0/180/comments?fields={NESTED}&limit=50",
        f"/instagram/v25.0/1/replies?fields={FIELDS}&limit=50&after=QVFI%3D",
    ]


async def test_what_cannot_be_read_is_counted(platforms: Platforms, world: World, sender: Sender):
    odd: list[Any] = [None, 7, {}, written(""), written(timestamp="yesterday"), written(timestamp=None)]
    poor = {"id": 5, "timestamp": "2026-03-04T12:00:00+0000", "from": 7, "replies": 7, "like_count": True}
    world.answers(listed(*odd, poor, written(replies={"data": [None, written("2")]})))
    page = await platforms.instagram.comments_page(sender, "180")
    assert page.unreadable == len(odd)
    assert page.comments[0] == Comment("5", "", NOON, None, None)
    assert page.comments[1].replies_truncated
    assert [reply.id for reply in page.comments[1].replies] == ["2"]


@pytest.mark.parametrize("answer", [{}, {"data": {}}, {"data": None}])
async def test_a_list_that_is_none_says_nothing(
    platforms: Platforms, world: World, sender: Sender, answer: Any
):
    world.answers(answer)
    for asked in (platforms.instagram.comments_page, platforms.instagram.replies_page):
        with pytest.raises(errors.PlatformUnavailable):
            await asked(sender, "180")


async def test_a_comment_tells_what_it_is_under(platforms: Platforms, world: World, sender: Sender):
    world.answers(written(media={"id": "180"}))
    comment = await platforms.instagram.comment(sender, "1")
    assert comment is not None
    assert (comment.id, comment.media_id) == ("1", "180")
    fields = f"{FIELDS}%2Cmedia%2Creplies%7B{FIELDS}%7D"
    assert [seen.target for seen in world.seen] == [f"/instagram/v25.0/1?fields={fields}"]


async def test_a_comment_that_is_gone_is_none(platforms: Platforms, world: World, sender: Sender):
    world.answers(GONE, 400)
    assert await platforms.instagram.comment(sender, "1") is None
    with pytest.raises(errors.ObjectNotVisible):
        await platforms.instagram.comments_page(sender, "180")
    with pytest.raises(errors.ObjectNotVisible):
        await platforms.instagram.replies_page(sender, "1")


async def test_an_answer_without_a_comment_is_none_of_its_being_gone(
    platforms: Platforms, world: World, sender: Sender
):
    world.answers({"id": "1"})
    with pytest.raises(errors.PlatformUnavailable):
        await platforms.instagram.comment(sender, "1")


async def test_the_accounts_media_are_listed_wherever_they_came_from(
    platforms: Platforms, world: World, sender: Sender
):
    link, file = "https://www.instagram.com/p/A/", "https://cdn.example/1.jpg"
    entry = {"id": "1", "timestamp": "2026-03-04T12:00:00+0000", "caption": "Hello"}
    kinds = [("IMAGE", "FEED"), ("CAROUSEL_ALBUM", "FEED"), ("VIDEO", "REELS"), ("VIDEO", "FEED")]
    medias = [{**entry, "media_type": kind, "media_product_type": product} for kind, product in kinds]
    world.answers(listed({**medias[0], "permalink": link, "media_url": file}, *medias[1:], after="QVFI="))
    page = await platforms.instagram.recent_media(sender, "b")
    assert page.media[0] == PublishedMedia("1", "Hello", NOON, "image", link, file)
    assert [media.media_type for media in page.media] == ["image", "carousel", "reel", "video"]
    assert page.after == "QVFI="
    assert world.seen[0].target.endswith("permalink%2Cmedia_url&limit=50&after=b")


# Answering


async def test_a_reply_stands_below_the_comment(platforms: Platforms, world: World, sender: Sender):
    world.answers({"id": "17873440459141021"})
    assert await platforms.instagram.reply(sender, "1", "Grüße 👋") == "17873440459141021"
    [seen] = world.seen
    assert (seen.method, seen.target) == ("POST", "/instagram/v25.0/1/replies")
    assert seen.json == {"message": "Grüße 👋"}


async def test_a_private_reply_goes_to_who_wrote_the_comment(
    platforms: Platforms, world: World, sender: Sender
):
    world.answers({"recipient_id": "1254477777772919", "message_id": "aWd1"})
    assert await platforms.instagram.reply_privately(sender, "1", "Hello") == "aWd1"
    [seen] = world.seen
    assert (seen.method, seen.target) == ("POST", f"/instagram/v25.0/{ACCOUNT}/messages")
    assert seen.json == {"recipient": {"comment_id": "1"}, "message": {"text": "Hello"}}


async def test_a_comment_is_hidden_and_shown_again(platforms: Platforms, world: World, sender: Sender):
    world.answers({"success": True})
    await platforms.instagram.hide(sender, "1", hidden=True)
    await platforms.instagram.hide(sender, "1", hidden=False)
    assert [(seen.method, seen.target, seen.json) for seen in world.seen] == [
        ("POST", "/instagram/v25.0/1", {"hide": True}),
        ("POST", "/instagram/v25.0/1", {"hide": False}),
    ]
    world.answers({"success": False})
    with pytest.raises(errors.PlatformUnavailable):
        await platforms.instagram.hide(sender, "1", hidden=True)


async def test_there_is_no_answering_a_comment_that_is_gone(
    platforms: Platforms, world: World, sender: Sender
):
    world.answers(GONE, 400)
    with pytest.raises(errors.CommentGone) as gone:
        await platforms.instagram.reply(sender, "1", "Hello")
    assert (gone.value.said.code, gone.value.said.subcode) == (100, 33)
    with pytest.raises(errors.CommentGone):
        await platforms.instagram.hide(sender, "1", hidden=True)


async def test_a_permission_that_is_missing_is_no_comment_that_is_gone(
    platforms: Platforms, world: World, sender: Sender
):
    world.answers({"error": {"message": "Not allowed", "code": 10}}, 403)
    with pytest.raises(errors.PermissionMissing):
        await platforms.instagram.reply(sender, "1", "Hello")
    with pytest.raises(errors.PermissionMissing):
        await platforms.instagram.hide(sender, "1", hidden=True)


async def test_a_second_private_reply_is_refused_for_good(platforms: Platforms, world: World, sender: Sender):
    world.answers({"error": {"message": "Invalid", "code": 100, "error_subcode": 2534025}}, 400)
    with pytest.raises(errors.PrivateReplyRefused):
        await platforms.instagram.reply_privately(sender, "1", "Hello")


async def test_a_lost_answer_leaves_open_whether_we_replied_and_nothing_else(
    platforms: Platforms, world: World, sender: Sender
):
    world.hangs_up()
    instagram = platforms.instagram
    for reply in (instagram.reply, instagram.reply_privately):
        with pytest.raises(errors.AnswerLost):
            await reply(sender, "1", "Hello")
    for read in (instagram.comments_page, instagram.replies_page, instagram.comment):
        with pytest.raises(errors.PlatformUnavailable):
            await read(sender, "1")
    with pytest.raises(errors.PlatformUnavailable):
        await instagram.hide(sender, "1", hidden=True)


async def test_an_impossible_reply_never_leaves(platforms: Platforms, world: World, sender: Sender):
    instagram = platforms.instagram
    calls = [
        *(instagram.reply(sender, "1", text) for text in ("", " \n", "a" * 2_201, "\ud83d", "\0")),
        *(instagram.reply_privately(sender, "1", text) for text in ("", "ä" * 501)),
    ]
    for call in calls:
        with pytest.raises(Invalid) as refused:
            await call
        assert refused.value.field == "text"
        assert refused.value.fix
    assert not world.seen
    instagram.check_reply("👋" * 2_200)
    instagram.check_private_reply("a" * 1_000)
