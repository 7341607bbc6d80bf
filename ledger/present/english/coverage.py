"""Words of the page of coverage."""

MESSAGES = {
    "coverage.title": "Coverage",
    "coverage.about": "What is known of each source’s time, by its collection runs. A run is entered also where there "
    "was nothing new. What is hatched or empty is not known.",
    "coverage.from": "From ({zone})",
    "coverage.to": "To ({zone})",
    "coverage.do": "Show",
    "coverage.covered": "covered",
    "coverage.unreachable": "source not reached",
    "coverage.gap": "gap",
    "coverage.before": "not collected yet",
    "coverage.not-yet": "no run has reached it yet",
    "coverage.sum": "{state}: {length}",
    "coverage.picture": "The time of {source} as a bar; the table below says the same.",
    "coverage.open": "What is not known of {source}",
    "coverage.state": "State",
    "coverage.begin": "From",
    "coverage.end": "To",
    "coverage.length": "How long",
    "coverage.why": "Entry, reason",
    "coverage.hidden": "{count} further stretches are not shown: choose a shorter interval.",
    "coverage.none": "No source is registered yet.",
    "coverage.see": "Coverage over any time",
}
