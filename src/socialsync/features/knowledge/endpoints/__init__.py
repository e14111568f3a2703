"""The doors of knowledge: documents, FAQ entries, questions."""

from socialsync.api.routing import Router
from socialsync.features.knowledge.endpoints import documents, faqs, questions

router = Router()
for part in (documents, faqs, questions):
    router.include_router(part.router)
