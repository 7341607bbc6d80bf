"""How the report looks: sizes, colours and the few pieces that all sections are made of (look.md)."""

from collections.abc import Sequence
from typing import Any, Final

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, HRFlowable, LongTable, Paragraph, Spacer, Table, TableStyle

from ledger.present.states import State
from ledger.present.values import Pieces, Role
from reports.fonts import BOLD, ITALIC, MONO, SANS, marked_up

INK: Final = HexColor("#1b1f24")
MUTED: Final = HexColor("#57606a")
RULE: Final = HexColor("#d5dae0")
TONES: Final = {"sound": HexColor("#1b6e3c"), "alert": HexColor("#b3261e"), "caution": HexColor("#8a5a00")}
MARGIN: Final = 18 * mm


def _style(name: str, size: float, leading: float, **more: Any) -> ParagraphStyle:
    settings: dict[str, Any] = {"fontName": SANS, "textColor": INK, "allowWidows": 0, "allowOrphans": 0}
    return ParagraphStyle(name, fontSize=size, leading=leading, **settings | more)


BASE: Final = _style("base", 9.5, 13.8, spaceAfter=4)
SMALL: Final = _style("small", 8, 11)
QUIET: Final = _style("quiet", 8, 11, textColor=MUTED)
CELL: Final = _style("cell", 8, 10.6)
FIGURE: Final = _style("figure", 8, 10.6, alignment=TA_RIGHT)
CELL_QUIET: Final = _style("cell-quiet", 7.2, 9.4, textColor=MUTED)
CODE: Final = _style("code", 7.2, 10, fontName=MONO)
HEAD: Final = _style("head", 8, 10.6, fontName=BOLD, textColor=MUTED)
HEAD_FIGURE: Final = _style("head-figure", 8, 10.6, fontName=BOLD, textColor=MUTED, alignment=TA_RIGHT)
TITLE: Final = _style("title", 22, 28, fontName=BOLD, spaceAfter=2)
SUBTITLE: Final = _style("subtitle", 12.5, 17, textColor=MUTED, spaceAfter=10)
H1: Final = _style("h1", 14, 19, fontName=BOLD, spaceBefore=16, spaceAfter=6, keepWithNext=1)
H2: Final = _style("h2", 10.5, 14, fontName=BOLD, spaceBefore=10, spaceAfter=3, keepWithNext=1)
SENTENCE: Final = _style("sentence", 9.5, 13.2, fontName=BOLD, spaceAfter=3)


def text(words: str, style: ParagraphStyle = BASE) -> Paragraph:
    """A paragraph of plain text; every character shows."""
    return Paragraph(marked_up(words, style.fontName), style)


def code(words: str) -> Paragraph:
    """An id or digest in full, breaking where the line ends."""
    return text(words, CODE)


def pieces(found: Pieces, style: ParagraphStyle = CELL) -> Paragraph:
    """A scene of `present` as a paragraph: old struck through, insertions underlined, notes in italics."""
    return Paragraph(piece_markup(found, style.fontName), style)


def piece_markup(found: Pieces, font: str) -> str:
    """The markup of a scene; no meaning rests on colour alone."""
    return "".join(_drawn(piece.role, marked_up(piece.text, font)) for piece in found)


def state_markup(state: State) -> str:
    """A state by symbol, word and tone."""
    tone = TONES[state.tone].hexval()[2:]
    return (
        f'<font color="#{tone}"><font name="{MONO}">{state.symbol}</font> <b>{marked_up(state.word, BOLD)}</b></font>'
    )


def rule() -> Flowable:
    """A thin line across the page."""
    return HRFlowable(width="100%", thickness=0.6, color=RULE, spaceBefore=5, spaceAfter=5)


def space(points: float) -> Flowable:
    """Empty height."""
    return Spacer(1, points)


def facts(rows: Sequence[tuple[str, Flowable | Sequence[Flowable]]], width: float, label: float = 40 * mm) -> Table:
    """Names and values in two columns, ruled between rows."""
    cells = [[text(name, QUIET), value if isinstance(value, Flowable) else list(value)] for name, value in rows]
    table = Table(cells, colWidths=[label, width - label])
    table.setStyle(
        TableStyle(
            [
                ("FONTNAME", (0, 0), (-1, -1), SANS),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 4),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
                ("LINEBELOW", (0, 0), (-1, -2), 0.4, RULE),
            ]
        )
    )
    return table


def grid(
    head: Sequence[str], rows: Sequence[Sequence[Any]], widths: Sequence[float], figures: Sequence[int] = ()
) -> LongTable:
    """A ruled table whose head repeats on every page; cells are flowables. `figures`: columns of numbers."""
    names = [text(name, HEAD_FIGURE if at in figures else HEAD) for at, name in enumerate(head)]
    table = LongTable([names, *rows], colWidths=list(widths), repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("FONTNAME", (0, 0), (-1, -1), SANS),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 6),
                ("TOPPADDING", (0, 0), (-1, -1), 3),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, INK),
                ("LINEBELOW", (0, 1), (-1, -1), 0.4, RULE),
                *(("RIGHTPADDING", (at, 0), (at, -1), 10) for at in figures),
            ]
        )
    )
    return table


def _drawn(role: Role, words: str) -> str:
    muted = f"#{MUTED.hexval()[2:]}"
    match role:
        case Role.OLD | Role.DELETE:
            return f'<strike><font color="{muted}">{words}</font></strike>'
        case Role.INSERT:
            return f"<u>{words}</u>"
        case Role.NEW:
            return f"<b>{words}</b>"
        case Role.NOTE:
            return f'<font name="{ITALIC}" color="{muted}">{words}</font>'
        case _:
            return words
