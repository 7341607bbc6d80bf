"""Words about terminals."""

MESSAGES = {
    "terminals.title": "Terminals",
    "terminals.what": "A terminal is a device at which people work: enrolled here, at the device itself, and tested "
    "here again at the interval that the site sets. The profile's item “places” says what may be done only at which.",
    "terminals.here": "This device",
    "terminals.here.is": "This device is terminal “{title}”.",
    "terminals.here.not": "This device is no terminal that is in use.",
    "terminals.name": "Name",
    "terminals.id": "Id, for the profile",
    "terminals.how": "What was tested, and what came of it",
    "terminals.reason": "Reason",
    "terminals.enrol.do": "Make this device a terminal",
    "terminals.test.do": "Record that this terminal passed",
    "terminals.enrolled": "This device is a terminal now. Sessions that begin here from now on count as begun at it.",
    "terminals.passed": "The test is recorded, and this device has a new secret.",
    "terminals.known": "Terminals in use",
    "terminals.none": "No terminal is in use.",
    "terminals.tested": "Last test",
    "terminals.due": "Next test",
    "terminals.overdue": "overdue: sessions there count for no terminal",
    "terminals.end": "Take out of use",
    "terminals.end.how": "The test that it failed, if it did",
    "terminals.end.do": "Take out of use",
    "terminals.ended": "The terminal is in use no longer.",
}
