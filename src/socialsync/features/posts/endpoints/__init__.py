"""The doors to what is published, and to whom it is not."""

from socialsync.api.routing import Router
from socialsync.features.posts.endpoints import attempts, channels, many, opt_outs, posts

router = Router()
for part in (many, posts, attempts, opt_outs, channels):  # many first: /bulk is no post's id
    router.include_router(part.router)
