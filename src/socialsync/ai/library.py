"""OpenAI's library."""

from socialsync import later

openai = later.module("openai")
