"""Templates to bytes: one Jinja environment, escaping always, and the headers that every page carries."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined
from litestar import Response
from markupsafe import Markup

from ledger.present.inert import one_line
from ledger.present.messages import message, number
from ledger.present.states import State
from ledger.present.values import grouped
from ledger.web.static_files import static_url
from ledger.web.svg import svg

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_TEMPLATES = files("ledger.web").joinpath("templates")


def page(template: str, status: int = 200, **values: Any) -> Response[str]:
    """A whole page. A name that a template uses and no one gave raises, instead of showing nothing."""
    return Response(
        _environment.get_template(template).render(values),
        media_type="text/html; charset=utf-8",
        status_code=status,
        headers=PAGE_HEADERS,
    )


def download(data: bytes, name: str, media_type: str = "application/octet-stream") -> Response[bytes]:
    """Bytes to be saved, never shown: nothing in them can act in the page's origin."""
    headers: Mapping[str, str] = {
        **PAGE_HEADERS,
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Response(data, media_type=media_type, headers=headers)


def _load(name: str) -> str | None:
    path = _TEMPLATES.joinpath(*name.split("/"))
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _prose(text: str) -> Markup:
    """Text of the catalogue, or of an error, with what stands in backticks as code."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))


_environment = Environment(
    loader=FunctionLoader(_load), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_environment.globals.update(t=message, static_url=static_url, svg=svg, State=State)
_environment.filters.update(number=number, grouped=grouped, one_line=one_line, prose=_prose)
