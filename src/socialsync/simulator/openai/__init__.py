"""``/v1/...``: an OpenAI-compatible server without a model behind it.

``door`` takes the calls and lets faults hit them; a file for each call shapes its answer as OpenAI does;
``mind`` is what answers: the same words always get the same vectors, scores and sentences, in every process.
"""

from socialsync.simulator.openai.door import openai_door

__all__ = ["openai_door"]
