"""Comments between us and the simulator, over real HTTP."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

from socialsync.platforms import Comment, Platforms, Sender, errors, open_platforms
from socialsync.platforms.instagram import webhooks
from tests.simulator.receiver import SECRET, Receiver
from tests.simulator.server import SimulatorServer

ACCOUNT = Sender("17841400008460056", "a-token-of-instagram", "instagram:17841400008460056")


@pytest.fixture
async def meta(simulator: SimulatorServer) -> AsyncIterator[Platforms]:
    async with open_platforms(
        meta_graph_url=simulator.url, instagram_graph_url=simulator.url, version="v25.0"
    ) as opened:
        yield opened


@pytest.fixture
def receiver(simulator: SimulatorServer) -> Iterator[Receiver]:
    with Receiver() as receiver:
        simulator.tell(receiver.url, SECRET)
        yield receiver
        simulator.reset()


@pytest.fixture
def media(simulator: SimulatorServer) -> str:
    elsewhere = {"account": ACCOUNT.external_id, "caption": "From the phone"}
    (media,) = simulator.comments(media=[elsewhere])["media"]
    return media


def write(simulator: SimulatorServer, media: str, text: str = "Lovely") -> str:
    (comment,) = simulator.comments(comments=[{"media_id": media, "text": text}])["ids"]
    return comment


async def test_every_comment_is_read_though_pages_shift(
    meta: Platforms, simulator: SimulatorServer, media: str
):
    written = simulator.comments(crowds=[{"media_id": media, "count": 300}])["ids"]
    seen: list[Comment] = []
    after: str | None = None
    while True:
        page = await meta.instagram.comments_page(ACCOUNT, media, after)
        seen += page.comments
        assert page.unreadable == 0
        after = page.after
        if after is None:
            break
        simulator.comments(crowds=[{"media_id": media, "count": 3}])
    assert {comment.id for comment in seen} == set(written)
    assert len(seen) > len(written)


async def test_what_is_published_elsewhere_is_found(meta: Platforms, media: str):
    page = await meta.instagram.recent_media(ACCOUNT)
    (found,) = page.media
    assert (found.id, found.caption, found.media_type) == (media, "From the phone", "image")
    assert found.permalink
    assert found.media_url


async def test_a_reply_whose_answer_is_lost_is_found_below_its_comment(
    meta: Platforms, simulator: SimulatorServer, media: str
):
    comment = write(simulator, media)
    simulator.fault(action="lost_answer", match={"kind": "instagram.reply"})
    with pytest.raises(errors.AnswerLost):
        await meta.instagram.reply(ACCOUNT, comment, "Thanks 👋")
    (effect,) = simulator.ledger(kind="instagram.reply")
    page = await meta.instagram.replies_page(ACCOUNT, comment)
    (found,) = page.comments
    assert (found.id, found.text, found.own, found.parent_id) == (effect["id"], "Thanks 👋", True, comment)
    under = (await meta.instagram.comments_page(ACCOUNT, media)).comments[0]
    assert [reply.id for reply in under.replies] == [found.id]
    assert not under.own
    assert not under.replies_truncated


async def test_more_replies_than_come_at_once_are_read_by_themselves(
    meta: Platforms, simulator: SimulatorServer, media: str
):
    comment = write(simulator, media)
    ids = simulator.comments(comments=[{"parent_id": comment, "text": "Yes"}] * 60)["ids"]
    (found,) = (await meta.instagram.comments_page(ACCOUNT, media)).comments
    assert found.replies_truncated
    first = await meta.instagram.replies_page(ACCOUNT, comment)
    second = await meta.instagram.replies_page(ACCOUNT, comment, first.after)
    assert [reply.id for reply in (*first.comments, *second.comments)] == ids
    assert second.after is None


async def test_a_page_that_is_too_long_comes_in_parts(
    meta: Platforms, simulator: SimulatorServer, media: str
):
    text = "\U0001f44b" * 2_000
    written = simulator.comments(crowds=[{"media_id": media, "count": 20, "texts": [text]}])["ids"]
    for comment in written:
        simulator.comments(comments=[{"parent_id": comment, "text": text}] * 25)
    page = await meta.instagram.comments_page(ACCOUNT, media)
    assert [comment.id for comment in page.comments] == written[:-6:-1]
    assert page.after is not None


async def test_a_comment_is_hidden_and_then_deleted(meta: Platforms, simulator: SimulatorServer, media: str):
    comment = write(simulator, media)
    await meta.instagram.hide(ACCOUNT, comment, hidden=True)
    found = await meta.instagram.comment(ACCOUNT, comment)
    assert found is not None
    assert (found.hidden, found.media_id) == (True, media)
    with pytest.raises(errors.RequestRefused):
        await meta.instagram.reply(ACCOUNT, comment, "Hello")
    simulator.comments(deletions=[comment])
    assert await meta.instagram.comment(ACCOUNT, comment) is None
    with pytest.raises(errors.CommentGone):
        await meta.instagram.reply(ACCOUNT, comment, "Hello")
    with pytest.raises(errors.CommentGone):
        await meta.instagram.hide(ACCOUNT, comment, hidden=False)
    with pytest.raises(errors.PrivateReplyRefused):
        await meta.instagram.reply_privately(ACCOUNT, comment, "Hello")


async def test_a_comment_gets_one_private_reply(meta: Platforms, simulator: SimulatorServer, media: str):
    comment = write(simulator, media)
    simulator.fault(action="lost_answer", match={"kind": "instagram.private_reply"})
    with pytest.raises(errors.AnswerLost):
        await meta.instagram.reply_privately(ACCOUNT, comment, "Hello")
    with pytest.raises(errors.PrivateReplyRefused):
        await meta.instagram.reply_privately(ACCOUNT, comment, "Hello")
    assert len(simulator.ledger(kind="instagram.private_reply")) == 1


async def test_a_limit_refuses_before_anything_happens(
    meta: Platforms, simulator: SimulatorServer, media: str
):
    comment = write(simulator, media)
    simulator.fault(action="retry_after", retry_after_s=60, times=3)
    for call in (
        meta.instagram.comments_page(ACCOUNT, media),
        meta.instagram.reply(ACCOUNT, comment, "Hello"),
        meta.instagram.reply_privately(ACCOUNT, comment, "Hello"),
    ):
        with pytest.raises(errors.RateLimited):
            await call
    assert simulator.ledger() == []


async def test_what_webhooks_tell_is_what_is_read(
    meta: Platforms, simulator: SimulatorServer, media: str, receiver: Receiver
):
    comment = write(simulator, media)
    await meta.instagram.reply(ACCOUNT, comment, "Thanks")
    told = []
    for body in receiver.wait_bodies(2):
        news = webhooks.read(json.loads(body), now=datetime.now(UTC))
        assert (news.unread, news.problems) == ({}, [])
        told += [(account, made.media_id, made.comment) for account, made in news.comments]
    assert [(account, media_id) for account, media_id, _ in told] == [(ACCOUNT.external_id, media)] * 2
    (found,) = (await meta.instagram.comments_page(ACCOUNT, media)).comments
    for read, (_, _, heard) in zip((found, *found.replies), told, strict=True):
        assert (heard.id, heard.text, heard.author_id) == (read.id, read.text, read.author_id)
        assert (heard.own, heard.parent_id, heard.username) == (read.own, read.parent_id, read.username)
    assert [heard.own for _, _, heard in told] == [False, True]
