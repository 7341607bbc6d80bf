"""The checkpoint card: one printed page that a person signs by hand and keeps outside of the ledger.

It bears all 256 bits of the root twice, as base64 and as words, and the signed checkpoint as a QR code. It is read in
black and white, and whatever its texts are it stays one page.
"""

import io
from enum import StrEnum
from typing import Any, Final

from reportlab.graphics.barcode.qr import QrCode
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepInFrame, SimpleDocTemplate, Table, TableStyle

from ledger.core.hashing import b64
from ledger.core.times import Precision
from ledger.present.card import fingerprint_of, words_of
from ledger.present.messages import message
from ledger.trust.cards import CardFacts
from reports import fonts, style
from reports.times import Zone

QR_SIDE: Final = 62 * mm
_COLUMNS: Final = 4
_WORD: Final = ParagraphStyle("card-word", parent=style.CODE, fontSize=12, leading=15)
_MARGIN: Final = 16 * mm
_COMMANDS: Final = ("--ledger FOLDER --card FILE", "PACKAGE.zip --card FILE", "--tiles PLACE --card FILE")


class Paper(StrEnum):
    """The paper that a card is set for."""

    A4 = "a4"
    LETTER = "letter"


_SIZES: Final = {Paper.A4: A4, Paper.LETTER: LETTER}


def qr_of(facts: CardFacts) -> QrCode:
    """The QR code: the signed checkpoint note as UTF-8, with medium correction of errors."""
    return QrCode(facts.note, qrLevel="M", width=QR_SIDE, height=QR_SIDE)


def card_page(facts: CardFacts, printed_us: int, zone: str, paper: Paper = Paper.A4) -> bytes:
    """The page as a PDF. `printed_us`: now, by the ledger's clock; `zone`: the site's."""
    fonts.register()
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=_SIZES[paper],
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=f"{message('card.title')} {facts.card.origin} {facts.card.size}",
        subject=facts.card.origin,
        lang="en",
        invariant=1,
        initialFontName=fonts.SANS,
    )
    # A frame keeps 6 points free on each side.
    width, height = document.width - 12, document.height - 12
    document.build([KeepInFrame(width, height, _story(facts, printed_us, Zone(zone), width), mode="shrink")])
    return out.getvalue()


def _story(facts: CardFacts, printed_us: int, zone: Zone, width: float) -> list[Flowable]:
    card = facts.card
    # As it is typed: without the spaces that group the digits of a number elsewhere.
    size, last = str(card.size), str(card.size - 1)
    left = width - QR_SIDE - 4 * mm
    rows: list[tuple[str, Flowable]] = [
        (message("card.log"), style.text(facts.log)),
        (message("card.origin"), style.code(card.origin)),
        (message("card.size"), style.text(message("card.entries", size=size, last=last), style.SENTENCE)),
        (message("card.logged"), style.text(zone.full(facts.logged_us, Precision.SECOND), style.SMALL)),
        (message("card.printed"), style.text(zone.full(printed_us, Precision.SECOND), style.SMALL)),
        (message("card.root"), style.code(b64(card.root))),
        (message("card.cosigned"), style.text(_cosigned(facts, zone), style.SMALL)),
    ]
    keys: list[tuple[str, Flowable]] = []
    for key in facts.keys:
        # A key of ML-DSA-44 has 1,312 bytes: its fingerprint is compared, the key itself is fetched.
        shown = key if len(key) <= 200 else f"{key[:120]}…"
        keys.append((message("card.key"), style.code(shown)))
        keys.append((message("card.fingerprint"), style.code(fingerprint_of(key))))
    commands = [style.code(f"trailseal verify {one}") for one in _COMMANDS]
    return [
        style.text(message("card.title"), style.TITLE),
        style.text(message("card.lead", size=size)),
        style.rule(),
        _beside(style.facts(rows, left, 28 * mm), qr_of(facts), left),
        style.text(message("card.words"), style.H2),
        _words(words_of(card.root), width),
        style.space(6),
        style.facts(keys, width, 28 * mm),
        style.text(message("card.compare"), style.H2),
        style.text(message("card.compare.file"), style.SMALL),
        *commands,
        style.text(message("card.compare.origin", origin=card.origin, size=size), style.SMALL),
        style.rule(),
        style.text(message("card.sign"), style.SMALL),
        _by_hand(width),
    ]


def _cosigned(facts: CardFacts, zone: Zone) -> str:
    said = [
        message("card.cosigned.one", name=name, at=zone.full(at * 1_000_000, Precision.SECOND))
        for name, at in facts.cosigned
    ]
    return "\n".join(said) or message("card.cosigned.nobody")


def _beside(facts: Flowable, qr: Flowable, left: float) -> Table:
    table = Table([[facts, [qr, style.text(message("card.qr"), style.QUIET)]]], colWidths=[left, QR_SIDE + 4 * mm])
    table.setStyle(_plain())
    return table


def _words(words: tuple[str, ...], width: float) -> Table:
    """The words with their numbers, from left to right."""
    cells: list[list[Any]] = []
    for at, word in enumerate(words):
        if not at % _COLUMNS:
            cells.append([])
        cells[-1] += [style.text(str(at + 1), style.FIGURE), style.text(word, _WORD)]
    number = 9 * mm
    table = Table(cells, colWidths=[number, width / _COLUMNS - number] * _COLUMNS)
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("LEFTPADDING", (0, 0), (-1, -1), 4),
                ("RIGHTPADDING", (0, 0), (-1, -1), 2),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, style.RULE),
                ("BOX", (0, 0), (-1, -1), 0.8, style.INK),
            ]
        )
    )
    return table


def _by_hand(width: float) -> Table:
    names = [style.text(message(f"card.{one}"), style.QUIET) for one in ("name", "date", "signature")]
    widths = [width * 0.4, width * 0.2, width * 0.4]
    table = Table([["", "", ""], names], colWidths=widths, rowHeights=[12 * mm, None])
    table.setStyle(TableStyle([*_plain().getCommands(), ("LINEBELOW", (0, 0), (-1, 0), 0.8, style.INK)]))
    return table


def _plain() -> TableStyle:
    return TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 4),
            ("TOPPADDING", (0, 0), (-1, -1), 0),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ]
    )
