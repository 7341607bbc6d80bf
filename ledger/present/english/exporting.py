"""Words of exports of what a search found."""

MESSAGES: dict[str, str] = {
    "export.about": "About",
    "export.records": "Records",
    "export.origin": "Origin of the log",
    "export.size": "As of size",
    "export.root": "Root at that size",
    "export.checkpoint": "Newest checkpoint within",
    "export.asked": "Asked for",
    "export.order": "Order",
    "export.zone": "Zone of local times",
    "export.dictionary": "What the columns mean",
    "export.dictionary.says": "See {file}. The same rows stand in {table}, which `trailseal verify` makes again from "
    "the records and compares; this workbook is sealed with the rest, and not compared.",
    "export.none": "none",
    "export.cut": "Cells that were cut",
    "export.cut.why": "{count}: a cell holds {most} characters; CSV and JSON Lines have all of them",
    "export.cut.mark": "… ({count} characters in all)",
    "export.wrote": "Written to {file}, as of size {size}, root {root}.",
    "export.refused": "{name} are for pages: an export has all that match",
}
