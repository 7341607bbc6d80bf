"""Words of integrity incidents."""

MESSAGES = {
    "incidents.title": "Integrity incidents",
    "incidents.about": "A case is opened when a verification fails, when the signer refuses a log, or when two "
    "people say "
    "that a source, an agent or a key cannot be trusted. What was there is kept first. Until quality assurance has "
    "signed "
    "the closing, answers about what the case doubts are unknown.",
    "incidents.none": "No integrity incident was ever opened.",
    "incidents.case": "Case",
    "incidents.all": "All integrity incidents",
    "incidents.opened": "Opened",
    "incidents.cause": "Cause",
    "incidents.cause.verification": "a verification failed",
    "incidents.cause.publisher": "the signer refused",
    "incidents.cause.source": "a source is doubtful",
    "incidents.cause.agent": "an agent is doubtful",
    "incidents.cause.key": "a person’s key is doubtful",
    "incidents.cause.log": "something kept outside contradicts the log",
    "incidents.state": "State",
    "incidents.state.reported": "reported, a second person has to open it",
    "incidents.state.opened": "open",
    "incidents.state.compared": "open, compared with a copy",
    "incidents.state.restored": "restored and verified, to be closed",
    "incidents.state.proposed": "open, a new epoch is proposed",
    "incidents.state.continued": "goes on in a new epoch, to be closed",
    "incidents.state.closing": "waits for the signature that closes it",
    "incidents.state.closed": "closed",
    "incidents.reason": "What is wrong",
    "incidents.since": "since {since}",
    "incidents.affected": "Doubted entries",
    "incidents.affected.of": "{count} of log {log}: {runs}",
    "incidents.affected.hidden": "of a log that you do not read",
    "incidents.proven": "Still proven",
    "incidents.proven.to": "{log}: every entry before {size} that is not doubted, by the checkpoint of that size "
    "that the "
    "{basis} vouches for",
    "incidents.proven.nothing": "{log}: no checkpoint holds",
    "incidents.evidence": "Kept evidence",
    "incidents.evidence.where": "In the folder kept/incidents/{case} beside the ledger, outside of its database; "
    "SHA-256 "
    "of each file as the case’s entry has it.",
    "incidents.file": "File",
    "incidents.bytes": "Bytes",
    "incidents.faults": "Faults",
    "incidents.impact": "What rests on it",
    "incidents.impact.about": "As of now; what was true when the case was opened is in impact.jsonl of its folder.",
    "incidents.impact.none": "Nothing that you may see rests on the doubted entries.",
    "incidents.impact.next": "More",
    "incidents.impact.because": "Rests on",
    "incidents.impact.to": "Given to",
    "incidents.sort": "Sort",
    "incidents.what": "What",
    "incidents.sort.lost": "lost entries, of which nothing is left",
    "incidents.sort.finding": "finding",
    "incidents.sort.signature": "signature",
    "incidents.sort.signing-request": "signing request",
    "incidents.sort.package": "evidence package",
    "incidents.sort.review": "audit trail review",
    "incidents.sort.review-answer": "answer about a batch's review",
    "incidents.sort.entry": "entry that relies on it",
    "incidents.every-link": "More is affected than can be listed, or entries are lost of which nothing is left: every "
    "batch of the log is unknown.",
    "incidents.compared": "{place}: {confirmed} confirmed, {differ} differ, {missing} missing there",
    "incidents.do": "What can be done now",
    "incidents.do.open": "Open the case",
    "incidents.do.open.about": "Somebody else than who reported it opens the case: then what came from there since is "
    "unknown.",
    "incidents.do.restored": "Restored, and it verifies",
    "incidents.do.restored.about": "Every log is verified in full first; the case says so only if all of it holds.",
    "incidents.do.backup": "Which backup was restored",
    "incidents.do.compare": "Compare with a copy",
    "incidents.do.compare.about": "What the case doubts, and what no checkpoint proves, is compared with a copy that "
    "was put into the folder “copies” in the ledger’s: a ledger’s folder, its SQLite file or its published tiles. The "
    "entry says what was the same there. A copy elsewhere is compared at the terminal.",
    "incidents.do.against": "Name of the copy",
    "incidents.do.propose": "Propose a new epoch",
    "incidents.do.propose.about": "The log goes on, and names the damage for ever. It takes two people, and everything "
    "else has to hold.",
    "incidents.do.proceed": "Begin the new epoch",
    "incidents.do.close": "Put before quality assurance",
    "incidents.do.close.about": "The case is closed once quality assurance has signed the entry that this makes.",
    "incidents.do.deviation": "Number of the deviation",
    "incidents.do.reason": "Reason",
    "incidents.do.sign": "Sign the closing",
    "incidents.not-done": "Not done",
    "home.incident": "An integrity incident is open: answers about what it doubts are unknown.",
}
