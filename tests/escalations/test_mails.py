"""One mail after the other leaves over real SMTP, and says what a person needs."""

import logging
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from socialsync.errors import Permanent, Temporary, UnknownOutcome
from socialsync.features.escalations import service
from socialsync.queue.policies import Wait
from tests.escalations.conftest import OWNER
from tests.escalations.post_office import HANG_UP


async def test_an_escalation_is_mailed_with_what_was_written_and_where_to_look(desk):
    link = "https://www.instagram.com/p/abc/c/17/"
    await desk.open(
        urgency="urgent", reason="A threat.", excerpt="I know <b>where</b> you live.\n.\nSee you", link=link
    )
    assert (await desk.run())["status"] == "sent"
    (mail,) = desk.post_office.mails
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    html = mail.get_body(("html",)).get_content()
    for part in (text, html):
        assert "A threat" in part
        assert link in part
        assert "2026-03-04 12:15 UTC" in part
    assert "> I know <b>where</b> you live.\n> .\n> See you" in text
    assert "I know &lt;b&gt;where&lt;/b&gt; you live." in html
    assert desk.post_office.envelopes == [("desk@bakery.example.com", [OWNER])]


async def test_its_headers_say_who_it_is_and_that_nobody_need_answer(desk):
    await desk.open(reason="A complaint.")
    await desk.run()
    (mail,), (row,) = desk.post_office.mails, await desk.mails()
    assert mail["From"] == "Bakery <desk@bakery.example.com>"
    assert mail["To"] == OWNER
    assert mail["Subject"] == "[high] A complaint (whatsapp)"
    assert mail["Message-ID"] == f"<{row['id']}@bakery.example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == desk.now
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert (row["status"], row["sent_at"], row["attempts"], row["recipient"]) == ("sent", desk.now, 1, OWNER)


async def test_a_link_within_the_installation_is_below_its_public_url(desk):
    escalation_id = await desk.open(urgency="urgent")
    await desk.open(link="/conversations/1")
    await desk.run()
    text = desk.post_office.mails[0].get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert f"https://sync.example.com/escalations/{escalation_id}\n" in text
    assert "https://sync.example.com/conversations/1\n" in text


@pytest.mark.parametrize("link", ["javascript:alert(1)", "//evil.example.com", "/a\r\nBcc: x@y.de"])
async def test_a_strange_link_stays_below_the_public_url(desk, link):
    await desk.open(link=link)
    await desk.run()
    (mail,) = desk.post_office.mails
    assert mail["Bcc"] is None
    assert "https://sync.example.com/" in mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert "javascript" not in mail.get_body(("html",)).get_content()


async def test_what_people_write_becomes_no_header(desk):
    await desk.open(reason="Mad\r\nBcc: spy@example.com\u202emoc\n")
    await desk.run()
    (mail,) = desk.post_office.mails
    assert mail["Bcc"] is None
    assert mail["Subject"] == "[high] Mad Bcc: spy@example.com moc (whatsapp)"


async def test_any_language_arrives_as_it_was_written(desk):
    await desk.open(reason="شكوى 🥖", excerpt="Où est ma commande ? أين طلبي")
    await desk.run()
    (mail,) = desk.post_office.mails
    assert mail["Subject"] == "[high] شكوى 🥖 (whatsapp)"
    assert "> Où est ma commande ? أين طلبي" in mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert desk.post_office.received[0].isascii()


async def test_what_comes_soon_after_a_mail_becomes_one_digest(desk):
    await desk.open()
    await desk.run()
    for n in range(60):
        await desk.open(reason=f"Attack {n}.", urgency="urgent" if n == 59 else "normal")
    assert [job["scheduled_at"] for job in await desk.waiting()] == [desk.now + timedelta(minutes=5)]
    await desk.run()
    _, digest = desk.post_office.mails
    assert digest["Subject"] == "[urgent] 60 need a person (whatsapp)"
    text = digest.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert text.index("Attack 59") < text.index("Attack 0.")
    assert "And 10 more." in text
    assert len((await desk.mail())["escalation_ids"]) == 60
    assert not await desk.waiting()


async def test_a_job_that_comes_too_early_waits_for_the_digest(desk):
    await desk.open()
    await desk.run()
    await desk.open()
    for minutes in (1, 3):
        (job,) = await desk.waiting()
        desk.wait(minutes=minutes)
        if minutes == 1:
            assert (await desk.office.run(job["id"]))["status"] == "until its time"
        else:
            with pytest.raises(Wait) as waited:
                await desk.office.run(job["id"])
            assert waited.value.wait == timedelta(minutes=1)
    assert len(desk.post_office.mails) == 1


async def test_channels_do_not_wait_for_one_another(desk):
    await desk.address("insta@bakery.example.com", "instagram")
    await desk.open()
    await desk.run()
    await desk.open(channel_id=desk.office.instagram)
    assert (await desk.run())["status"] == "sent"
    assert [mail["To"] for mail in desk.post_office.mails] == [OWNER, "insta@bakery.example.com"]


async def test_a_mail_that_the_server_puts_off_is_tried_again_with_what_came_since(desk):
    desk.post_office.says["DATA"] = ["451 4.3.0 Try again later"]
    first = await desk.open(reason="First.")
    with pytest.raises(Temporary) as postponed:
        await desk.run()
    row = await desk.mail()
    assert (row["status"], row["attempts"], row["sending_at"]) == ("queued", 1, None)
    assert "451 4.3.0 Try again later" in row["error"]
    assert timedelta(seconds=48) <= postponed.value.retry_after <= timedelta(seconds=72)
    assert row["not_before"] == desk.now + postponed.value.retry_after
    second = await desk.open(reason="Second.", urgency="normal")
    (job,) = await desk.waiting()
    assert job["scheduled_at"] == row["not_before"]
    await desk.run()
    (mail,) = desk.post_office.mails
    assert mail["Message-ID"].startswith(f"<{row['id']}@")
    assert mail["Subject"] == "[high] 2 need a person (whatsapp)"
    row = await desk.mail()
    assert (row["status"], row["attempts"], row["error"]) == ("sent", 2, None)
    assert row["escalation_ids"] == [first, second]


@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
async def test_a_mail_that_the_server_refuses_failed_with_its_words(desk, stage):
    desk.post_office.says[stage] = ["550 5.1.1 No such user here"]
    escalation_id = await desk.open()
    with pytest.raises(Permanent, match=r"550 5\.1\.1 No such user here"):
        await desk.run()
    row = await desk.mail()
    assert row["status"] == "failed"
    assert row["error"] == "The mail server refused it: 550 5.1.1 No such user here"
    assert (await desk.see(escalation_id))["mail_id"] == row["id"]
    assert desk.post_office.mails == []


async def test_a_server_that_is_not_there_is_tried_as_often_as_the_policy_says(desk):
    opened = desk.office.opened
    settings = opened.settings.model_copy(update={"smtp_url": SecretStr("smtp://127.0.0.1:1")})
    desk.office.opened = replace(opened, settings=settings)
    await desk.open()
    for _ in range(5):
        with pytest.raises(Temporary, match="was not reached"):
            await desk.run()
        desk.clock.set((await desk.mail())["not_before"])
    with pytest.raises(Permanent, match="tried 6 times"):
        await desk.run()
    assert (await desk.mail())["status"] == "failed"
    assert (await desk.mail())["attempts"] == 6


async def test_a_mail_whose_answer_is_lost_is_handed_in_once_more_as_the_same_mail(desk):
    desk.post_office.says["DATA"] = [HANG_UP]
    await desk.open(reason="First.")
    with pytest.raises(Wait):
        await desk.run()
    assert (await desk.mail())["status"] == "queued"
    later = await desk.open(reason="Later.")
    desk.wait(minutes=1)
    await desk.run()
    first, again = desk.post_office.received
    assert first == again
    assert len({mail["Message-ID"] for mail in desk.post_office.mails}) == 1
    row = await desk.mail()
    assert (row["status"], row["attempts"], row["doubts"]) == ("sent", 2, 1)
    assert (await desk.see(later))["mail_id"] is None
    assert await desk.waiting()


async def test_a_mail_whose_answer_is_lost_twice_is_unknown_and_left_alone(desk):
    desk.post_office.says["DATA"] = [HANG_UP, HANG_UP]
    await desk.open()
    with pytest.raises(Wait):
        await desk.run()
    desk.wait(minutes=1)
    with pytest.raises(UnknownOutcome):
        await desk.run()
    assert (await desk.mail())["status"] == "unknown"
    desk.wait(minutes=10)
    assert (await desk.run())["status"] == "nothing to tell"
    assert len(desk.post_office.mails) == 2


def without_server(desk) -> None:
    opened = desk.office.opened
    desk.office.opened = replace(opened, settings=opened.settings.model_copy(update={"smtp_url": None}))


async def test_without_a_mail_server_it_is_logged(desk, capsys):
    without_server(desk)
    await desk.open(reason="A complaint.")
    assert (await desk.run())["status"] == "logged"
    assert "[ESCALATE] [high] A complaint (whatsapp)" in capsys.readouterr().out
    row = await desk.mail()
    assert (row["status"], row["sent_at"]) == ("logged", None)
    assert desk.post_office.mails == []


async def test_a_mail_that_waited_for_a_server_is_logged_once_there_is_none_any_more(desk):
    desk.post_office.says["DATA"] = ["451 4.3.0 Try again later"]
    await desk.open()
    with pytest.raises(Temporary):
        await desk.run()
    without_server(desk)
    desk.wait(minutes=2)
    assert (await desk.run())["status"] == "logged"
    assert [row["status"] for row in await desk.mails()] == ["logged"]


async def test_the_most_urgent_stands_first_whatever_joined_the_mail_later(desk):
    desk.post_office.says["DATA"] = ["451 4.3.0 Try again later"]
    await desk.open(urgency="normal", reason="Slow.")
    with pytest.raises(Temporary):
        await desk.run()
    await desk.open(urgency="urgent", reason="A threat.")
    await desk.run()
    assert desk.post_office.mails[0]["Subject"] == "[urgent] 2 need a person (whatsapp)"


async def test_without_an_address_the_row_says_so_and_is_mailed_once_there_is_one(desk):
    await desk.address(None)
    escalation_id = await desk.open()
    assert (await desk.run())["status"] == "no address"
    assert (await desk.see(escalation_id))["mail_waits_for"] == "The channel has no escalation_email."
    desk.wait(minutes=2)
    assert await desk.sweep(service.requeue_stranded) == 0
    await desk.address(OWNER)
    assert await desk.sweep(service.requeue_stranded) == 1
    assert (await desk.run())["status"] == "sent"
    assert (await desk.see(escalation_id))["mail_waits_for"] is None


async def test_what_was_resolved_meanwhile_is_not_mailed(desk):
    escalation_id = await desk.open()
    async with desk.office.opened.database.transaction(desk.workspace_id) as session:
        await service.resolve(session, escalation_id, by="ann", note=None, now=desk.now)
    assert (await desk.run())["status"] == "nothing to tell"


async def test_the_user_signs_in_and_the_password_is_nowhere_told(desk, caplog, capsys):
    opened, port = desk.office.opened, desk.post_office.port
    caplog.set_level(logging.DEBUG)
    for password, status in (("right%20p%40ss", "sent"), ("wr0ng-s3cret", "failed")):
        url = SecretStr(f"smtp://me%40x.de:{password}@127.0.0.1:{port}")
        settings = opened.settings.model_copy(update={"smtp_url": url})
        desk.office.opened = replace(opened, settings=settings)
        await desk.open()
        desk.wait(minutes=5)
        with nullcontext() if status == "sent" else pytest.raises(Permanent, match="535"):
            await desk.run()
        assert (await desk.mail())["status"] == status
    assert set(desk.post_office.logins) == {("me@x.de", "right p@ss"), ("me@x.de", "wr0ng-s3cret")}
    told = f"{caplog.text} {capsys.readouterr()} {await desk.mails()} {desk.office.opened.settings!r}"
    assert "wr0ng-s3cret" not in told
    assert "right" not in told


async def test_a_recipient_that_the_server_puts_off_is_tried_again(desk):
    desk.post_office.says["RCPT"] = ["450 4.2.1 Greylisted"]
    await desk.open()
    with pytest.raises(Temporary, match=r"450 4\.2\.1 Greylisted"):
        await desk.run()
    row = await desk.mail()
    assert row["status"] == "queued"
    desk.clock.set(row["not_before"])
    await desk.run()
    assert (await desk.mail())["status"] == "sent"
    assert len(desk.post_office.mails) == 1
