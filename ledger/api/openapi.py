"""The interface description, complete and served by this service alone: no file of it comes from elsewhere."""

from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec
from litestar import Litestar, Request, Response, Router, get
from litestar.enums import MediaType
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import FromPath

from ledger import __version__
from ledger.core.errors import NotFound
from ledger.core.run import RunBatch
from ledger.people.access import Scope, allow
from ledger.people.sessions import COOKIE

SCHEMA_PATH: Final = "/api/v1/schema"
DOCS_PATH: Final = "/api/docs"
RUNS_PATH: Final = "/api/v1/sources/{source}/runs"
PART_PATH: Final = "/api/v1/sources/{source}/import-files/{upload}"
LISTS: Final = {
    "identities": "source,account,person,kind,valid_from,valid_to\nerp,operator1,P-1042,person,2026-01-01T00:00:00Z,\n",
    "assets": "source,tag,site,area,line,unit,gxp,valid_from\ndcs,TIC101.SP,S1,A2,L1,R-101,yes,2026-01-01T00:00:00Z\n",
}
"""What can be imported, and an example of each list."""
_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE: Final = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Trailseal: interface description</title>
<link rel="icon" href="{DOCS_PATH}/favicon-32x32.png">
<link rel="stylesheet" href="{DOCS_PATH}/swagger-ui.css">
</head>
<body>
<div id="description"></div>
<noscript>The description itself is at <a href="{SCHEMA_PATH}/openapi.json">{SCHEMA_PATH}/openapi.json</a>.</noscript>
<script src="{DOCS_PATH}/swagger-ui-bundle.js"></script>
<script src="{DOCS_PATH}/start.js"></script>
</body>
</html>
"""
_START: Final = f"""SwaggerUIBundle({{
  url: "{SCHEMA_PATH}/openapi.json",
  dom_id: "#description",
  presets: [SwaggerUIBundle.presets.apis],
  validatorUrl: null,
}});
"""
_FILES: Final = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}


class _Complete(JsonRenderPlugin):
    """Adds what Litestar can't know: the bodies that are not read by it, but strictly and piece by piece."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The description as JSON."""
        (_,), schemas = msgspec.json.schema_components([RunBatch], ref_template="#/components/schemas/Ingest{name}")
        openapi_schema["components"]["schemas"].update({f"Ingest{name}": schema for name, schema in schemas.items()})
        openapi_schema["paths"][RUNS_PATH]["post"]["requestBody"] = {
            "required": True,
            "description": "A run. A submission that is not of this form is quarantined; anything else is refused as a "
            "whole.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/IngestRunBatch"}}},
        }
        for what, example in LISTS.items():
            openapi_schema["paths"][f"/api/v1/maps/{what}/import"]["post"]["requestBody"] = {
                "required": True,
                "description": "A CSV file in UTF-8; the first line names the columns, an empty field is not said.",
                "content": {"text/csv": {"schema": {"type": "string"}, "example": example}},
            }
        openapi_schema["paths"][PART_PATH]["put"]["requestBody"] = {
            "required": True,
            "description": "The file's next bytes, as they are.",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
        return super().render(request, openapi_schema)


def config() -> OpenAPIConfig:
    """How the description is made; it is served only to who may read."""
    return OpenAPIConfig(
        title="Trailseal",
        version=__version__,
        description="A tamper-evident audit trail. Errors are problem details (RFC 9457) with a stable `code`.",
        use_handler_docstrings=True,
        render_plugins=[_Complete(path=["/openapi.json", "/"])],
        openapi_router=Router(SCHEMA_PATH, route_handlers=[], include_in_schema=False, opt=allow(Scope.READ)),
        components=Components(
            security_schemes={
                "token": SecurityScheme(type="http", scheme="bearer", description="A service token."),
                "session": SecurityScheme(type="apiKey", name=COOKIE, security_scheme_in="cookie"),
            }
        ),
        security=[{"token": []}, {"session": []}],
    )


def prepare(app: Litestar) -> None:
    """Makes the description before the first request: it takes most of a second, in which nobody else is answered."""
    assert app.openapi_schema.paths


@get("/", media_type=MediaType.HTML)
async def docs_page() -> Response[str]:
    """The description as a page."""
    return Response(_PAGE, media_type=MediaType.HTML, headers={"Content-Security-Policy": _CSP})


@get("/{name:str}")
async def docs_file(name: FromPath[str]) -> Response[bytes]:
    """A file of that page."""
    data, media_type = _file(name)
    return Response(data, media_type=media_type, headers={"Cache-Control": "private, max-age=3600"})


@cache
def _file(name: str) -> tuple[bytes, str]:
    if name == "start.js":
        return _START.encode(), "text/javascript; charset=utf-8"
    if name not in _FILES:
        raise NotFound(f"there is no file {name[:80]!r}")
    folder = next(one for one in files("swagger_ui_bundle").joinpath("vendor").iterdir() if one.is_dir())
    return folder.joinpath(name).read_bytes(), _FILES[name]


docs = Router(DOCS_PATH, route_handlers=[docs_page, docs_file], include_in_schema=False, opt=allow(Scope.READ))
