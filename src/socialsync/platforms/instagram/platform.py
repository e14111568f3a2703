"""Publishing over the Instagram Graph API.

Meta, Instagram Platform, "Content Publishing": ``POST /{ig-id}/media`` prepares a container that nobody sees,
``GET /{container}`` tells how far it is, ``POST /{ig-id}/media_publish`` makes it public.
"""

from socialsync.platforms import faults, verdicts
from socialsync.platforms.contract import ContainerState, ContainerStatus, Image, Reach, Sender
from socialsync.platforms.errors import PlatformError, Said
from socialsync.platforms.graph import Doors
from socialsync.platforms.instagram import content


class Instagram:
    """`PublishesImages` over the Instagram Graph API."""

    check_post = staticmethod(content.check_post)

    def __init__(self, doors: Doors) -> None:
        self._graph = doors.instagram

    async def create_container(self, sender: Sender, image: Image, caption: str) -> str:
        """Harmless. Let Instagram fetch the image: the container's id, good for 24 hours.

        Raises:
            Invalid: an image or caption that Instagram would refuse; it was not asked.
            PlatformError: MediaUnreachable, ContentRefused and others of `platforms.errors`, never an
                UnknownOutcome but ActionBlocked.
        """
        content.check_image(image)
        content.check_caption(caption)
        body = {"image_url": image.url, "caption": caption}
        if image.alt_text:
            body["alt_text"] = image.alt_text
        answer = await self._graph.write(sender, Reach.HARMLESS, sender.external_id, "media", body=body)
        return answer.text("id")

    async def container_status(self, sender: Sender, container_id: str) -> ContainerStatus:
        """A read. Instagram asks for no more than one a minute, for no more than five minutes.

        Raises:
            ObjectNotVisible: Instagram denies the container, which it sometimes does for good while
                publishing it works all the same.
            PlatformError: others of `platforms.errors`.
        """
        answer = await self._graph.read(sender, container_id, fields="status_code,status")
        word, detail = answer.text("status_code"), answer.body.get("status")
        try:
            state = ContainerState(word)
        except ValueError:
            answer.unclear("its answer has a status_code we do not know")
        detail = detail if isinstance(detail, str) else None
        return ContainerStatus(state, detail, _failure(state, detail))

    async def publish_container(self, sender: Sender, container_id: str) -> str:
        """Visible. Publish a FINISHED container: the media's id.

        Raises:
            MediaNotReady: not published; the same container later.
            ContainerMissing, ContainerLost: not published.
            UnknownOutcome: AnswerLost, PlatformFaulted or ActionBlocked: ask the container's status and look
                among the account's media before anything else.
            PlatformError: others of `platforms.errors`.
        """
        answer = await self._graph.write(
            sender,
            Reach.EFFECT,
            sender.external_id,
            "media_publish",
            body={"creation_id": container_id},
        )
        return answer.text("id")


def _failure(state: ContainerState, detail: str | None) -> PlatformError | None:
    if state is ContainerState.ERROR:
        return faults.from_container(detail)
    if state is ContainerState.EXPIRED:
        return faults.raised(verdicts.CONTAINER_EXPIRED, Said(detail=detail))
    return None
