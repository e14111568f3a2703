"""The doors of knowledge: documents, FAQ entries, questions."""

from fastapi import APIRouter

from socialsync.features.knowledge.endpoints import documents, faqs, questions

router = APIRouter()
for part in (documents, faqs, questions):
    router.include_router(part.router)
