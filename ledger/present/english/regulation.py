"""Words of the regulation map; what the clauses themselves say stands in the map."""

MESSAGES = {
    "help.regulation": "Regulations",
    "regulation.about": "What regulations and guides ask, in our own words; where Trailseal meets it, what it lacks, "
    "and the tests that show it.",
    "regulation.not-legal": "It is no legal advice, and a site’s own procedures are never counted as met. Where the "
    "text of a clause was not read, that is said: compare it with the official one before you rely on it.",
    "regulation.terminal": "At the terminal:",
    "regulation.clause": "Clause",
    "regulation.asks": "What it asks",
    "regulation.answer": "How it stands",
    "regulation.shown-by": "Where, and shown by",
    "regulation.test": "test",
    "regulation.totals": "Clauses: {clauses}; met: {met}, met in part: {partly}, not met yet: {open}.",
    "regulation.standing.met": "met",
    "regulation.standing.partly": "met in part",
    "regulation.standing.not-met-yet": "not met yet",
    "regulation.sort.software": "software",
    "regulation.sort.procedure": "site procedure, which the software assists",
    "regulation.sort.both": "software and site procedure",
    "regulation.checked.read": "Text read on {day}: {source}",
    "regulation.checked.secondary": "Known from what others write of it; its text was not read.",
    "regulation.checked.not-checked": "Not checked against any text.",
    "regulation.place.api": "API",
    "regulation.place.page": "page",
    "regulation.place.module": "code",
    "regulation.place.command": "command",
    "regulation.place.handbook": "handbook",
    "regulation.place.help": "help",
}
