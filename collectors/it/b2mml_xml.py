"""XML of messages, read within bounds: no entity, no document type, no network, bounded depth and number of elements.

An item is the whole document, or each element of a given name in it, cut out byte for byte with the namespaces that
hold there. As values, namespaces are left out: an element with children is an object, one without is its text, what is
repeated is a list. Attributes of an element with children are `@name` in its object; those of one without stand beside
its text, as `Element@name`, so that a text is a text whether it has attributes or not.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

import msgspec
from lxml import etree  # type: ignore[import-untyped]

from collectors.text import clean
from ledger.core.errors import SkippableRecord

MAX_DEPTH: Final = 100
MAX_ELEMENTS: Final = 200_000
ENCODINGS: Final = ("utf-8", "us-ascii", "iso-8859-1", "windows-1252")
EMPTY: Final = re.compile(rb"""<[^\s/>]+(?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/>""")
"""An element that is one tag: expat then gives the byte behind it as its end, else the one where its end tag begins."""
_CONTEXT: Final = 50
_SHORT: Final = 512
Values = dict[str, object]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """An item's bytes in the document, and what holds there: prefix → namespace, outermost first."""

    start: int
    end: int
    namespaces: dict[str, str]


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """What a first reading of a document found."""

    encoding: str
    parts: tuple[Part, ...]


def scan(data: bytes, names: tuple[str, ...]) -> Scan:
    """The document's items: the outermost elements with one of these local names, or with none, the whole.

    Raises SkippableRecord for what is not well-formed, or is beyond the bounds.
    """
    return _Scanner(data, names).scan()


def parse(data: bytes, encoding: str = "utf-8", namespaces: dict[str, str] | None = None) -> etree._Element:
    """The element that these bytes hold, where these namespaces hold; None: a whole document.

    Raises SkippableRecord.
    """
    if encoding not in ENCODINGS:
        raise SkippableRecord(f"XML in the encoding {encoding!r}")
    if namespaces is not None:
        scope = "".join(
            f" {f'xmlns:{prefix}' if prefix else 'xmlns'}={quoteattr(uri)}" for prefix, uri in namespaces.items()
        )
        head = f'<?xml version="1.0" encoding="{encoding}"?><scope{scope}>'
        data = head.encode(encoding, "xmlcharrefreplace") + data + b"</scope>"
    scan(data, ())
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
        for element in root.iter():
            etree.QName(element)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SkippableRecord(f"not XML: {error}") from None
    if namespaces is None:
        return root
    if len(root) != 1:
        raise SkippableRecord("not one element")
    return root[0]


def local(element: etree._Element) -> str:
    """An element's name without its namespace."""
    return clean(etree.QName(element).localname)


def values(element: etree._Element) -> Values:
    """The element as an object; one without children has its text as `#text`."""
    found = _object(element)
    return found if len(element) else {**found, "#text": _text(element)}


def elements(root: etree._Element, names: tuple[str, ...]) -> Iterator[etree._Element]:
    """The same elements as `scan` finds, in the same order."""
    if not names:
        yield root
        return
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if local(element) in names:
            yield element
        else:
            waiting += reversed(list(element))


def context(element: etree._Element) -> dict[str, dict[str, str]]:
    """What stands above an item: short texts of the elements that it is in, and of the message's ApplicationArea."""
    found: dict[str, dict[str, str]] = {}
    above = list(element.iterancestors())
    heads = [child for ancestor in above for child in islice(ancestor, _CONTEXT) if local(child) == "ApplicationArea"]
    for one in (*heads, *reversed(above)):
        leaves = [child for child in islice(one, _CONTEXT) if not len(child)]
        found[local(one)] = {local(leaf): text for leaf in leaves if len(text := _text(leaf)) <= _SHORT}
    return found


def _object(element: etree._Element) -> Values:
    found: Values = {f"@{_attribute(name)}": clean(value) for name, value in element.attrib.items()}
    for child in element:
        name = local(child)
        if len(child):
            _put(found, name, _object(child))
            continue
        _put(found, name, _text(child))
        for attribute, value in child.attrib.items():
            _put(found, f"{name}@{_attribute(attribute)}", clean(value))
    return found


def _put(found: Values, name: str, value: object) -> None:
    if name not in found:
        found[name] = value
        return
    there = found[name]
    if isinstance(there, list):
        there.append(value)
    else:
        found[name] = [there, value]


def _text(element: etree._Element) -> str:
    return clean("".join(element.itertext()))


def _attribute(name: str) -> str:
    return clean(etree.QName(name).localname)


class _Scanner:
    """One reading by expat, which says at which byte each element begins and ends."""

    def __init__(self, data: bytes, names: tuple[str, ...]) -> None:
        self._data, self._names = data, names
        self._encoding, self._count, self._inside = "utf-8", 0, -1
        self._scopes: list[dict[str, str]] = [{}]
        self._begun: tuple[int, dict[str, str]] = (0, {})
        self._parts: list[Part] = []
        self._parser = expat.ParserCreate()
        self._parser.XmlDeclHandler = self._declared
        self._parser.StartDoctypeDeclHandler = self._typed
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def scan(self) -> Scan:
        if self._data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in self._data[:4]:
            raise SkippableRecord("XML in UTF-16 or UTF-32, which is not read")
        try:
            self._parser.Parse(self._data, True)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise SkippableRecord(f"not well-formed XML: {error}") from None
        parts = self._parts if self._names else [Part(start=0, end=len(self._data), namespaces={})]
        return Scan(encoding=self._encoding, parts=tuple(parts))

    def _declared(self, version: str, encoding: str | None, standalone: int) -> None:
        self._encoding = (encoding or "utf-8").lower()
        if self._encoding not in ENCODINGS:
            raise SkippableRecord(f"XML in the encoding {encoding!r}; read are {', '.join(ENCODINGS)}")

    def _typed(self, *_: object) -> None:
        raise SkippableRecord("XML with a document type declaration, which is never read")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS or len(self._scopes) > MAX_DEPTH:
            raise SkippableRecord(f"XML with more than {MAX_ELEMENTS} elements, or more than {MAX_DEPTH} in each other")
        if self._inside < 0 and name.rpartition(":")[2] in self._names:
            self._inside = len(self._scopes)
            self._begun = (self._parser.CurrentByteIndex, self._scopes[-1])
        own = {one[6:]: uri for one, uri in attributes.items() if one == "xmlns" or one.startswith("xmlns:")}
        self._scopes.append({**self._scopes[-1], **own} if own else self._scopes[-1])

    def _end(self, name: str) -> None:
        self._scopes.pop()
        if self._inside != len(self._scopes):
            return
        self._inside = -1
        end = self._parser.CurrentByteIndex
        if not EMPTY.fullmatch(self._data, self._begun[0], end):
            end = self._data.index(b">", end) + 1
        self._parts.append(Part(start=self._begun[0], end=end, namespaces=self._begun[1]))
