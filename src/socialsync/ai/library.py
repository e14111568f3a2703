"""OpenAI's library, imported at its first use."""

from typing import TYPE_CHECKING

from socialsync import later

if TYPE_CHECKING:
    import openai
else:
    openai = later.module("openai")

__all__ = ["openai"]
