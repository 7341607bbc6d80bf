"""The words of an evidence report on when it happened, who acted, custody, and true copies."""

MESSAGES = {
    "report.picture": "When it happened",
    "report.picture.about": (
        "A lane a source, over the time in which the records happened: filled are records that name what was asked for "
        "themselves, outlined those that are derived to belong, dashed those that may belong. Hatched: the source "
        "could not be reached, or shows a gap."
    ),
    "report.picture.none": "No record names an instant.",
    "report.picture.more": "{count} more sources, with fewer records, are not drawn.",
    "report.col.first": "First",
    "report.col.last": "Last",
    "report.col.undated": "Without an instant",
    "report.col.gaps": "Gaps",
    "report.accounts": "Who acted",
    "report.accounts.lead": (
        "The accounts of these records, as their sources name them. It is no list of who could have acted: that is the "
        "sources’ own list of access."
    ),
    "report.accounts.none": "No record, and so nobody who acted.",
    "report.accounts.unnamed": "no account named",
    "report.accounts.more": "{most} accounts are listed; {count} records are of others.",
    "report.col.account": "Account",
    "report.col.roles": "Roles at the source",
    "report.col.acted": "First and last",
    "report.custody": "Chain of custody",
    "report.custody.lead": (
        "Up to the issue of this package. That it was issued is an entry of the log with the digest of the finished "
        "file, made after it; what happens to the file from then on, the rows below take."
    ),
    "report.custody.collected": "Collected from the sources",
    "report.custody.sources": "collectors of: {names}",
    "report.custody.logged": "Logged",
    "report.custody.checked": "Whole ledger verified",
    "report.custody.seen": "Seen from outside",
    "report.custody.made": "Selected and written",
    "report.custody.made.by": "{product}, for {who}",
    "report.custody.sealed": "Sealed",
    "report.custody.none": "–",
    "report.custody.hands": "Handed on",
    "report.custody.hands.lead": "To be filled in by hand, by whoever gives the package to somebody else.",
    "report.hands.when": "When",
    "report.hands.from": "From",
    "report.hands.to": "To",
    "report.hands.why": "What for",
    "report.hands.signature": "Signature",
    "report.col.step": "Step",
    "report.col.by": "By",
    "report.col.shown": "Shown by",
    "report.copy": "Certificate of a true copy",
    "report.copy.lead": (
        "This package is a copy of what the log holds of its scope. What was verified, and what the copy lacks:"
    ),
    "report.copy.of": "Copy of",
    "report.copy.of.says": "{records} records of the log {origin}",
    "report.copy.compared": "What was compared",
    "report.copy.bodies": (
        "{records} of {records} records: each body, byte for byte, with the commitment that its leaf has, and each "
        "leaf with the root of the log"
    ),
    "report.copy.originals": (
        "{originals} originals, byte for byte, with the commitments that their records have; {withheld} are not in the "
        "copy"
    ),
    "report.copy.tables": "records.csv, made a second time from the records",
    "report.copy.how": "How",
    "report.copy.how.says": (
        "When the package was written, every record was read and proven in one snapshot; the finished file was then "
        "verified as whoever receives it verifies it. It would not exist had anything differed."
    ),
    "report.copy.by": "By which process",
    "report.copy.when": "When",
    "report.copy.keeps": "What it keeps",
    "report.copy.keeps.says": (
        "Content: every record with its four times, old and new values and reasons. Context: sources, clocks, "
        "collection runs, who acted, what it belongs to. Structure: the exact bytes that were logged, in their order."
    ),
    "report.copy.lacks": "What it lacks",
    "report.copy.whole": "nothing of what is logged of its scope",
    "report.copy.withheld": "{count} sealed values are withheld, and shown as withheld",
    "report.copy.originals.withheld": "{count} originals are withheld or were erased",
    "report.copy.sign": (
        "No validation of this process by the site is on record here: a person signs, who has held the copy against "
        "what it is of."
    ),
    "report.sign.name": "Name",
    "report.sign.role": "Role",
    "report.sign.when": "Date",
    "report.sign.signature": "Signature",
}
