"""The interactive reference, with everything it needs served from here; and the same for language models."""

from pathlib import Path

import fastapi_offline
from fastapi import Request
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response

from canonry.core.errors import NotFound
from canonry.http import llms
from canonry.http.routing import PUBLIC, Routes

router = Routes(include_in_schema=False)

_FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon.png": "image/png"}
_FOLDER = Path(fastapi_offline.__file__).parent / "static"

_START = """
SwaggerUIBundle({url: "/openapi.json", dom_id: "#reference", deepLinking: true, displayRequestDuration: true, filter: true,
  persistAuthorization: false, tryItOutEnabled: true, validatorUrl: null, docExpansion: "list", defaultModelsExpandDepth: 0,
  presets: [SwaggerUIBundle.presets.apis]});
"""
_PAGE = """<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content="width=device-width, initial-scale=1">
<title>Canonry API</title><link rel=icon href="/reference/favicon.png"><link rel=stylesheet href="/reference/swagger-ui.css"></head>
<body><div id=reference></div><noscript>The reference needs JavaScript. <a href="/llms-full.txt">The same as text</a>.</noscript>
<script src="/reference/swagger-ui-bundle.js"></script><script src="/reference/start.js"></script></body></html>
"""
# Nothing of another host, and no script but the two files. Swagger UI sets styles and draws its icons as data.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_KEPT = {"Cache-Control": "public, max-age=86400"}


@router.operation("GET", "/reference", PUBLIC)
async def show_reference() -> HTMLResponse:
    """Show the reference."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


@router.operation("GET", "/docs", PUBLIC)
async def find_reference() -> RedirectResponse:
    """Lead to the reference."""
    return RedirectResponse("/reference", 307)


@router.operation("GET", "/reference/{name}", PUBLIC)
async def read_file(name: str) -> Response:
    """Give one of the files that the page needs."""
    if name == "start.js":
        return Response(_START, media_type="text/javascript", headers=_KEPT)
    if name not in _FILES:
        raise NotFound("not_found", f"The reference has no file {name!r}.", hint="It is at /reference.")
    return FileResponse(_FOLDER / name, media_type=_FILES[name], headers=_KEPT)


@router.operation("GET", "/llms.txt", PUBLIC)
def read_llms(request: Request) -> PlainTextResponse:
    """Tell language models what there is."""
    return PlainTextResponse(llms.short(request.app.openapi()))


@router.operation("GET", "/llms-full.txt", PUBLIC)
def read_llms_full(request: Request) -> PlainTextResponse:
    """Tell language models everything."""
    return PlainTextResponse(llms.full(request.app.openapi()))
