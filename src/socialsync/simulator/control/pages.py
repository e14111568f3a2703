"""``/_sim/pages``: a page of the web to learn from."""

from html import escape

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><nav><a href="/">Home</a> <a href="/cart">Cart</a></nav><main><h1>{title}</h1>
<h2>Opening hours</h2>
<p>We are open from Tuesday to Saturday, 8:00 to 18:30. On Sundays we bake until noon.</p>
<h2>Delivery</h2><p>Delivery within the city costs 4.90 euros and is free of charge from 50 euros on.</p>
<h2>Allergies</h2><p>Our almond cake contains nuts and eggs; the buckwheat bread is free of gluten.</p>
</main><script>track()</script><footer>Imprint</footer></body></html>
"""


def pages_door() -> APIRouter:
    door = APIRouter(prefix="/pages")

    @door.get("/{name}")
    async def page(name: str) -> HTMLResponse:
        return HTMLResponse(_PAGE.format(title=escape(name.replace("-", " "))))

    return door
