"""What a request is about, as faults match it and the ledger names it."""

from enum import StrEnum


class Kind(StrEnum):
    INSTAGRAM_CONTAINER = "instagram.container"
    INSTAGRAM_CONTAINER_STATUS = "instagram.container_status"
    INSTAGRAM_PUBLISH = "instagram.publish"
    INSTAGRAM_PUBLISHING_LIMIT = "instagram.publishing_limit"
    INSTAGRAM_MEDIA_LIST = "instagram.media_list"
    INSTAGRAM_MEDIA = "instagram.media"
    INSTAGRAM_COMMENTS = "instagram.comments"
    INSTAGRAM_REPLIES = "instagram.replies"
    INSTAGRAM_COMMENT = "instagram.comment"
    INSTAGRAM_REPLY = "instagram.reply"
    INSTAGRAM_PRIVATE_REPLY = "instagram.private_reply"
    INSTAGRAM_HIDE = "instagram.hide"
    INSTAGRAM_COMMENTING = "instagram.commenting"
    INSTAGRAM_ACCOUNT = "instagram.account"
    INSTAGRAM_REFRESH = "instagram.token_refresh"
    INSTAGRAM_MESSAGE = "instagram.message"
    INSTAGRAM_ACTION = "instagram.sender_action"
    INSTAGRAM_CONVERSATIONS = "instagram.conversations"
    WHATSAPP_MESSAGE = "whatsapp.message"
    WHATSAPP_READ = "whatsapp.read"
    WHATSAPP_MEDIA = "whatsapp.media"
    WHATSAPP_NUMBER = "whatsapp.number"
    OPENAI_CHAT = "openai_chat"
    OPENAI_RESPONSE = "openai_response"
    OPENAI_EMBEDDING = "openai_embedding"
    OPENAI_MODERATION = "openai_moderation"
    OPENAI_MODELS = "openai_models"
    ME = "me"
    UNKNOWN = "unknown"

    @property
    def platform(self) -> str:
        """``instagram``, ``whatsapp``, ``openai``, or ``graph`` for what belongs to none of them."""
        if self.startswith("openai_"):
            return "openai"
        platform, dot, _ = self.partition(".")
        return platform if dot else "graph"
