"""How a mapping takes one value from an item: a JMESPath expression, a literal text, or several joined.

Expressions read and never run code. Patterns are RE2's: their time is linear in the text, whatever the text is.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import jmespath
import msgspec
import re2
from jmespath.exceptions import JMESPathError

from ledger.core.errors import ConfigError, SkippableRecord

Item = Mapping[str, object]
"""What a driver read from an original: JSON-like values, decimals as Decimal."""
Take = Callable[[Item], object]
"""Takes a value from an item; `MISSING` where the item does not have it."""


class _Missing:
    def __repr__(self) -> str:
        return "missing"


MISSING: Final = _Missing()
"""The item does not say; null is something that an item says."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_OR = re.compile(r" *\|\| *")
_FALSE: Final[tuple[object, ...]] = ("", [], {})
"""What JMESPath takes for false, besides null, false and what is missing."""


class Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value of an item. Exactly one of `path`, `text` and `join` says where it comes from.

    `path`: a JMESPath expression. `text`: always this. `join`: several, with `by` between them; one that is missing or
    null makes the whole so. Then, in this order: `match`, an RE2 pattern whose first group (or whole match) is taken,
    nothing where it does not match; `map`, from the source's words to ours, `*` for all others; `default`, where
    nothing was found.
    """

    path: str | None = None
    text: str | None = None
    join: tuple["Value | str", ...] | None = None
    by: str = ""
    match: str | None = None
    map: dict[str, str] | None = None
    default: str | None = None


Spec = Value | str
"""A bare text is a path."""


def constants(spec: Spec | None) -> list[str]:
    """The texts that the value can only be, as far as the mapping itself names them."""
    if spec is None or isinstance(spec, str):
        return []
    named = [text for text in (spec.text, spec.default) if text is not None]
    return [*(named if spec.map is None else [spec.default] if spec.default else []), *(spec.map or {}).values()]


def constant(spec: Spec | None) -> str | None:
    """The text that the value always is, whatever the item; None where that depends on the item."""
    if isinstance(spec, Value) and spec.text is not None and spec == Value(text=spec.text):
        return spec.text
    return None


def compile_value(spec: Spec, where: str) -> Take:
    """The function that takes this value; raises ConfigError, naming `where` of the mapping it stands."""
    if isinstance(spec, str):
        return compile_path(spec, where)
    given = [name for name in ("path", "text", "join") if getattr(spec, name) is not None]
    if len(given) != 1:
        raise ConfigError(f"mapping, {where}: names {' and '.join(given) or 'no source of the value'}", advice=_ONE)
    take = _origin(spec, where)
    if spec.match is not None:
        take = _matched(take, spec.match, where)
    if spec.map is not None:
        take = _mapped(take, spec.map, where)
    return take if spec.default is None else _with_default(take, spec.default)


def compile_path(path: str, where: str) -> Take:
    """The function that follows a JMESPath expression; plain dotted names, and several of them with `||`, without the
    library, which is much faster.
    """
    parts = _OR.split(path)
    if all(_PLAIN.fullmatch(part) for part in parts):
        takes = [_plain(tuple(part.split("."))) for part in parts]
        return takes[0] if len(takes) == 1 else _first(takes)
    try:
        expression = jmespath.compile(path)
    except JMESPathError as error:
        message = f"mapping, {where}: {path!r} is not a JMESPath expression: {str(error).splitlines()[0]}"
        raise ConfigError(message, advice="See jmespath.org for the language.") from None

    def take(item: Item) -> object:
        try:
            return expression.search(item)
        except (JMESPathError, TypeError, ValueError, AttributeError) as error:
            raise SkippableRecord(f"{where}: {path!r} does not fit the item: {error}") from None

    return take


def as_text(value: object) -> str | None:
    """A value as text for joining, matching and mapping; None for null, missing, lists and objects."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[return-value]
    if value is None or value is MISSING:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind is int or kind is Decimal or not isinstance(value, (list, Mapping)):  # a test for Mapping takes its time
        return str(value)
    return None


_ONE = 'Write exactly one of path = "…", text = "…" and join = […].'


def _plain(names: tuple[str, ...]) -> Take:
    if len(names) == 1:
        (only,) = names
        return lambda item: item.get(only, MISSING)
    if len(names) == 2:
        outer, inner = names

        def take_inner(item: Item) -> object:
            value: Any = item.get(outer)
            if type(value) is dict or isinstance(value, Mapping):
                return value.get(inner, MISSING)
            return MISSING

        return take_inner

    def take(item: Item) -> object:
        value: Any = item
        for name in names:
            if type(value) is not dict and not isinstance(value, Mapping):
                return MISSING
            value = value.get(name, MISSING)
        return value

    return take


def _first(takes: list[Take]) -> Take:
    """JMESPath's `||`: the first value that it does not take for false, else the last; null where that is missing."""

    def take(item: Item) -> object:
        value: object = None
        for one in takes:
            value = one(item)
            if type(value) is str and value:  # nearly every value
                return value
            if value is MISSING or value is False:
                continue
            if value is not None and value not in _FALSE:
                return value
        return None if value is MISSING else value

    return take


def _origin(spec: Value, where: str) -> Take:
    if spec.path is not None:
        return compile_path(spec.path, where)
    if spec.text is not None:
        text = spec.text
        return lambda _: text
    parts, by = [compile_value(part, where) for part in spec.join or ()], spec.by

    def take(item: Item) -> object:
        texts = []
        for part in parts:
            text = as_text(part(item))
            if text is None:
                return MISSING
            texts.append(text)
        return by.join(texts)

    return take


def _matched(take: Take, pattern: str, where: str) -> Take:
    try:
        compiled = re2.compile(pattern)
    except re2.error as error:
        raise ConfigError(f"mapping, {where}: {pattern!r} is not an RE2 pattern: {error}") from None

    def matched(item: Item) -> object:
        text = as_text(take(item))
        found = None if text is None else compiled.search(_encodable(text))
        if found is None:
            return MISSING
        taken: str | None = found.group(1) if compiled.groups else found.group(0)
        return MISSING if taken is None else taken

    return matched


def _encodable(text: str) -> str:
    """RE2 works on UTF-8, which has no lone surrogates: they are U+FFFD to a pattern, as they are in a record."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if not text.isascii() else text


def _mapped(take: Take, words: Mapping[str, str], where: str) -> Take:
    def mapped(item: Item) -> object:
        value = take(item)
        text = as_text(value)
        if text is None:
            return MISSING if value is None else value
        if text in words:
            return words[text]
        if "*" in words:
            return words["*"]
        raise SkippableRecord(f"{where}: the mapping has no word for {text!r}", advice="Add it to `map`, or add '*'.")

    return mapped


def _with_default(take: Take, default: str) -> Take:
    def taken(item: Item) -> object:
        value = take(item)
        return default if value is None or value is MISSING or value == "" else value

    return taken
