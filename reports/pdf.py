"""Writes the readable report: one PDF, or several volumes where there are very many records.

The same evidence gives the same bytes (reportlab's invariant mode), every font is embedded, and pages are made while
the records go by: neither their number nor the length of a text changes what memory is needed, and nothing is cut.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.units import mm
from reportlab.platypus import BaseDocTemplate, CondPageBreak, Flowable, Frame, PageTemplate, Paragraph

from ledger.core.hashing import b64
from ledger.present.messages import message, spoken
from reports import fonts, style
from reports.dataset import ReportData
from reports.sections.accounts import accounts
from reports.sections.coverage import coverage
from reports.sections.custody import custody, true_copy
from reports.sections.howto import howto
from reports.sections.imports import imports
from reports.sections.meanings import glossary, regulations
from reports.sections.paper import copies, papers
from reports.sections.picture import picture
from reports.sections.records import records
from reports.sections.reviews import reviews
from reports.sections.scope import scope
from reports.sections.signatures import signatures
from reports.sections.sources import sources
from reports.sections.summary import identity, summary
from reports.sections.verification import verification
from reports.tables import Row
from reports.times import Zone

VOLUME: Final = 10_000
"""Records of one volume: what reportlab keeps of its pages until it is written takes some 80 MB then."""


class PageSize(StrEnum):
    """The paper that the report is set for."""

    A4 = "a4"
    LETTER = "letter"


_LATE: Final = 120
"""Width of what is known at the end only and stands at the right, in points."""
_SIZES = {PageSize.A4: A4, PageSize.LETTER: LETTER}


def write_report(
    data: ReportData,
    rows: Iterable[tuple[Row, bool]],
    path: Callable[[int], Path],
    zone: str,
    page_size: PageSize,
    progress: Callable[[int], None],
) -> int:
    """Writes the report of these rows, in their order; returns the number of volumes. `path` names each, from 1."""
    fonts.register()
    site = Zone(zone)
    source = iter(rows)
    count = data.totals.records
    volumes = max(1, -(-count // VOLUME))
    done = 0
    for number in range(1, volumes + 1):
        document = _Document(path(number), data, number, volumes, _SIZES[page_size])
        part = islice(source, VOLUME)

        def counted(part: Iterator[tuple[Row, bool]] = part) -> Iterator[tuple[Row, bool]]:
            nonlocal done
            for row in part:
                done += 1
                progress(done)
                yield row

        body = records(counted(), count, site, document.width, data.origins.marks)
        document.write(_story(data, body, site, document.width, number, volumes))
    return volumes


def _story(
    data: ReportData, body: Iterator[list[Flowable]], zone: Zone, width: float, number: int, volumes: int
) -> Iterator[list[Flowable]]:
    if number == 1:
        yield summary(data, zone, width)
        yield [CondPageBreak(150 * mm), style.text(message("report.contents"), style.H2), _Contents(width, volumes)]
        yield [*identity(data, zone, width)]
        yield [CondPageBreak(60 * mm), _section("scope"), *scope(data, zone, width)]
        yield [CondPageBreak(70 * mm), _section("picture"), *picture(data, zone, width)]
        yield [CondPageBreak(60 * mm), _section("coverage"), *coverage(data, zone, width)]
        yield [CondPageBreak(60 * mm), _section("sources"), *sources(data, width)]
        yield [CondPageBreak(60 * mm), _section("imports"), *imports(data, width)]
        yield [CondPageBreak(60 * mm), _section("reviews"), *reviews(data, width)]
        yield [CondPageBreak(60 * mm), _section("accounts"), *accounts(data, zone, width)]
    lead = message("report.records.lead", zone=message("report.zone", zone=zone.name))
    first = next(body, None)
    lead = lead if first else message("report.records.none")
    yield [CondPageBreak(90 * mm), _section("records"), style.text(lead, style.QUIET)]
    yield from chain([first] if first else [], body)
    if number == volumes:
        beside = [*papers(data, width), *copies(data, width)]
        yield [CondPageBreak(60 * mm), _section("signatures"), *signatures(data, width), *beside]
        yield [CondPageBreak(60 * mm), _section("custody"), *custody(data, zone, width)]
        yield [CondPageBreak(110 * mm), _section("copy"), *true_copy(data, zone, width)]
        yield [CondPageBreak(60 * mm), _section("verification"), *verification(data)]
        yield [CondPageBreak(60 * mm), _section("howto"), *howto(data)]
        yield [CondPageBreak(60 * mm), _section("regulations"), *regulations(width)]
        yield [CondPageBreak(60 * mm), _section("glossary"), *glossary(width)]
        yield [
            CondPageBreak(45 * mm),
            style.rule(),
            style.text(message("report.end"), style.HEAD),
            style.facts(
                [
                    (message("report.log"), style.code(data.origin)),
                    (message("report.size"), style.code(str(data.size))),
                    (message("report.root"), style.code(data.root.hex())),
                    (message("report.root64"), style.code(b64(data.root))),
                ],
                width,
            ),
        ]


_LAST = ("signatures", "custody", "copy", "verification", "howto", "regulations", "glossary")
"""Sections that stand at the end of the last volume."""
_SECTIONS = ("scope", "picture", "coverage", "sources", "imports", "reviews", "accounts", "records", *_LAST)


class _Document(BaseDocTemplate):  # type: ignore[misc]
    """A document that is drawn piece by piece. Page numbers that come later are forms, filled in at the end."""

    def __init__(self, path: Path, data: ReportData, number: int, volumes: int, size: tuple[float, float]) -> None:
        margin = style.MARGIN
        super().__init__(
            str(path),
            pagesize=size,
            leftMargin=margin,
            rightMargin=margin,
            topMargin=margin + 6 * mm,
            bottomMargin=margin + 2 * mm,
            title=f"{message('report.title')} {data.package}",
            subject=data.origin,
            creator=data.product,
            author=data.product,
            lang=spoken().value,
            invariant=1,
            initialFontName=fonts.SANS,
        )
        self._data = data
        self._volume = message("report.volume", number=number, count=volumes) if volumes > 1 else ""
        self.sections: dict[str, int] = {}
        frame = Frame(self.leftMargin, self.bottomMargin, self.width, self.height, 0, 0, 0, 0, id="page")
        self.addPageTemplates([PageTemplate(id="page", frames=[frame], onPage=self._furniture)])

    def write(self, story: Iterator[list[Flowable]]) -> None:
        """Draws everything, then fills in what was not known before."""
        self._startBuild()
        for part in story:
            while part:
                self.clean_hanging()
                self.handle_flowable(part)
        pages = self.page
        canvas = self.canv
        for page in range(1, pages + 1):
            self._late(f"page-{page}", message("report.page", page=page, pages=pages), canvas)
        for name in _SECTIONS:
            self._late(f"page-of-{name}", str(self.sections.get(name, "")), canvas)
        self._endBuild()

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 - reportlab's name
        """Notes where a section begins."""
        name = getattr(flowable, "section", None)
        if name is not None and name not in self.sections:
            self.sections[name] = self.page
            self.canv.bookmarkPage(name)
            self.canv.addOutlineEntry(message(f"report.{name}"), name, 0)

    def _late(self, name: str, words: str, canvas: Any) -> None:
        canvas.beginForm(name, 0, -4, _LATE, 14)
        canvas.setFont(fonts.SANS, 8)
        canvas.setFillColor(style.MUTED)
        canvas.drawRightString(_LATE, 0, words)
        canvas.endForm()

    def _furniture(self, canvas: Any, _: Any) -> None:
        """Running header and footer."""
        canvas.saveState()
        left, right = self.leftMargin, self.pagesize[0] - self.rightMargin
        top, bottom = self.pagesize[1] - style.MARGIN, style.MARGIN - 4 * mm
        canvas.setFont(fonts.SANS, 8)
        canvas.setFillColor(style.MUTED)
        header = message("report.header", package=self._data.package, size=self._data.size)
        canvas.drawString(left, top, fonts.plain_for(f"{header}  {self._volume}".rstrip(), fonts.SANS))
        canvas.translate(right - _LATE, top)
        canvas.doForm(f"page-{canvas.getPageNumber()}")
        canvas.translate(_LATE - right, -top)
        canvas.setStrokeColor(style.RULE)
        canvas.setLineWidth(0.6)
        canvas.line(left, top - 5, right, top - 5)
        canvas.line(left, bottom + 10, right, bottom + 10)
        canvas.drawString(left, bottom, self._data.origin)
        canvas.restoreState()


def _section(name: str) -> Paragraph:
    """A heading; the document notes its page, for the contents and the reader's outline."""
    heading = style.text(message(f"report.{name}"), style.H1)
    heading.section = name
    return heading


class _Contents(Flowable):  # type: ignore[misc]
    """The sections and their pages, which are known at the end only; each line leads to its section."""

    def __init__(self, width: float, volumes: int) -> None:
        super().__init__()
        self.width = width
        self._volumes = volumes
        self.height = 14 * len(_SECTIONS)

    def wrap(self, *_: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        canvas = self.canv
        for at, name in enumerate(_SECTIONS, start=1):
            y = self.height - 14 * at + 4
            canvas.setFont(fonts.SANS, 9.5)
            canvas.setFillColor(style.INK)
            canvas.drawString(0, y, message(f"report.{name}"))
            if self._here(name):
                canvas.saveState()
                canvas.translate(self.width - _LATE, y)
                canvas.doForm(f"page-of-{name}")
                canvas.restoreState()
            else:
                canvas.drawRightString(self.width, y, message("report.volume.last", number=self._volumes))
            if self._here(name):
                canvas.linkRect("", name, (0, y - 3, self.width, y + 11), relative=1, thickness=0)

    def _here(self, name: str) -> bool:
        return self._volumes == 1 or name not in _LAST
