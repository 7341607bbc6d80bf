"""The words of the evidence report."""

MESSAGES = {
    "report.title": "Evidence report",
    "report.page": "page {page} of {pages}",
    "report.header": "{package} · checkpoint size {size}",
    "report.verdict": "Verdict",
    "report.asked": "Asked for by {by}.",
    "report.asked.why": "Why: {why}",
    "report.asked.unknown": "{actor} (not authenticated)",
    "report.asked.untold": "somebody whom this package does not name",
    "report.rests": "What this rests on",
    "report.not": "Not proven by this: {what}",
    "report.unchanged.title": "Unchanged since receipt.",
    "report.unchanged": (
        "{records} records stand in the log {origin} exactly as they were received, each "
        "proven under its checkpoint at size {size}."
    ),
    "report.unchanged.not": "that what a source reported was true.",
    "report.complete.title": "Complete as received, with every known gap.",
    "report.complete.batch": (
        "Signed completeness statement: these are all records that name {what} or lie in its "
        "occupation of equipment, as of size {size}; {runs} unbroken collection runs stand behind them."
    ),
    "report.complete.search": (
        "Signed completeness statement: these are all records that match the query as of size "
        "{size}; {runs} unbroken collection runs stand behind them."
    ),
    "report.complete.proof": (
        "Proof of completeness: these are all {records} records that {runs} unbroken collection "
        "runs of the source brought; the chain of its runs leads over exactly these."
    ),
    "report.order.title": "Logged in this order.",
    "report.order": (
        "Each of the {size} entries of the log names the one before it, and the checkpoint "
        "commits to all of them: none can be moved, slipped in or taken out unseen."
    ),
    "report.order.not": "that things happened in this order: where clocks leave it open, the records say so (≈).",
    "report.existed.title": "Existed by this date.",
    "report.existed": ("{dated} of {records} records were there by {at}, by the time-stamps of {names}."),
    "report.existed.not": "that the authority’s clock was right, until its root is given to the verifier.",
    "report.existed.log": (
        "Only by the log’s own clock, which says {at} of the last record. No time-stamp from outside dates them."
    ),
    "report.existed.log.not": "any date, to whoever does not trust that clock.",
    "report.existed.nothing": "There is no record to date.",
    "report.exposure": "Exposure windows",
    "report.exposure.lead": (
        "How long records were in the hands of their source alone, from when it recorded them until they were "
        "received: what happened to them in that time is not covered."
    ),
    "report.exposure.none": "No source gave a record.",
    "report.exposure.window": "{low} to {high}",
    "report.exposure.untold": "not known: the source does not say when it recorded them",
    "report.exposure.rest": "{count}: window not known",
    "report.exposure.more": "{count} more sources stand under Coverage and gaps.",
    "report.col.exposure": "Shortest to longest",
    "report.col.unexposed": "Without a recorded time",
    "report.complete.open": "Some of it cannot be judged: {what}.",
    "report.complete.not": "that a source gave everything it had; each gap that is known stands under Coverage.",
    "report.open.unreachable": "intervals in which a source could not be reached: {count}",
    "report.open.gaps": "gaps that a source shows: {count}",
    "report.open.undated": "records of occupied equipment without an instant: {count}",
    "report.open.unmatched": "start or stop records that bound no interval: {count}",
    "report.open.uncertain": "records at the edge of an interval, within the clocks’ uncertainty: {count}",
    "report.open.possible": "records between two looks that lie in an occupation only in part: {count}",
    "report.open.runs": "no collection run stands behind these records",
    "report.ledger": "The ledger's last verification: {says}.",
    "report.ledger.none": "No verification of the whole ledger was at hand when this package was made.",
    "report.ledger.said": "{at}, to size {size}: {levels}",
    "report.ledger.level": "level {level} {verdict}",
    "report.ledger.holds": "holds",
    "report.ledger.fails": "DOES NOT HOLD",
    "report.ledger.not-run": "not run",
    "report.ledger.not-built": "not built yet",
    "report.ledger.not-assessable": "cannot be judged",
    "report.ledger.not": "anything about entries that came after it.",
    "report.origin": (
        "This document cannot vouch for itself. Verify the package with the log's key from a source of your own."
    ),
    "report.origin.not": "who made this package, until that is done.",
    "report.origin.shared": "who made this package, until that is done; nor that its witnesses are independent: log "
    "and witness share {shared}.",
    "report.witnessed.none": "No witness is asked for: nobody outside has seen this log.",
    "report.witnessed.met": "The checkpoint bears the cosignatures of a quorum of witnesses: {names}.",
    "report.witnessed.missing": "The checkpoint lacks its quorum of witnesses ({missing}).",
    "report.witnessed.unasked": "no witness has been asked about it yet",
    "report.identity": "Identity",
    "report.contents": "Contents",
    "report.scope": "Scope",
    "report.records": "Records",
    "report.coverage": "Coverage and gaps",
    "report.verification": "Verification",
    "report.howto": "How to verify this package",
    "report.regulations": "Regulation map",
    "report.regulations.lead": (
        "Clauses that this report answers, in our own words, and where. It is no legal advice: compare the official "
        "text."
    ),
    "report.col.clause": "Clause",
    "report.col.asks": "What it asks",
    "report.col.section": "Where in this report",
    "report.glossary": "Glossary",
    "report.end": "End of report",
    "report.package": "Package",
    "report.log": "Log",
    "report.size": "Checkpoint size",
    "report.root": "Root hash (hex)",
    "report.root64": "Root hash (base64)",
    "report.made": "Made",
    "report.product": "Made by",
    "report.fingerprint": "Log key fingerprint",
    "report.fingerprint.note": (
        "first 128 bits of SHA-256 over the verifier key below; compare it with the log's card"
    ),
    "report.key": "Log verifier key",
    "report.report_key": "Report key",
    "report.selection": "Selection",
    "report.selection.batch": "{kind} {id}",
    "report.selection.all": "all records of the log",
    "report.selected": "Records",
    "report.selected.batch": (
        "{records}: {read} name it themselves, {derived} are derived from its occupation of equipment"
    ),
    "report.selected.possible": "{count} may belong, as they happened between two looks that lie in it only in part",
    "report.period": "Happened",
    "report.period.from_to": "{first} to {last}",
    "report.actions": "By action",
    "report.sealed": "Sealed values",
    "report.gone": "Disposed of",
    "report.gone.total": "{count} records of this scope are gone, as their retention was over.",
    "report.gone.under": "{count} under entry {entry} of the system log ({disposal}): class {classes}, kept until "
    "{until}; rule: {rule}.",
    "report.gone.built-in": "built in, {terms}",
    "report.gone.rule": "entry {entry}, {terms}",
    "report.gone.elsewhere": "{count} other records of this log were disposed of; nothing that is left of them says "
    "that they belonged to this scope.",
    "report.sealed.none": "none in these records",
    "report.sealed.disclosed": "disclosed in this package: {count}",
    "report.sealed.withheld": (
        "{count} in these records, withheld from this package together with {originals} originals; those "
        "records are no longer re-derivable from their original here"
    ),
    "report.sealed.signers": (
        "This package hides the printed name of the signer in {count} records of a signature: it does not meet 21 CFR "
        "11.50"
    ),
    "report.originals": "Originals",
    "report.originals.count": "in originals.jsonl, byte for byte as the sources gave them: {count}",
    "report.reasons": "Reasons",
    "report.reasons.count": "records without a reason from their source: {count}",
    "report.inferred": "Inferred",
    "report.inferred.count": (
        "records whose old and new values are inferred from two looks, not told by the source: {count}"
    ),
    "report.occupations": "Occupation of equipment",
    "report.occupations.lead": (
        "A record of the equipment that happened between start and stop belongs to the batch (derived). "
        "Edges are widened by what the clocks and the precision of the times leave open. A record that names no "
        "instant, but the two looks between which it happened, may belong where the time between them lies in it "
        "only in part."
    ),
    "report.rule": "By the rule in entry {rule}, {assets}, time before belongs: {before}; and time after: {after}.",
    "report.rule.all": "for all equipment",
    "report.rule.class": "for equipment of class {name}",
    "report.rule.first": "back to the last record of {types} within {most}, else {length}",
    "report.rule.last": "up to the first record of {types} within {most}, else {length}",
    "report.equipment": "Equipment",
    "report.started": "Started",
    "report.stopped": "Stopped",
    "report.still": "still occupied at size {size}",
    "report.col.when": "When",
    "report.col.who": "Who",
    "report.col.what": "What",
    "report.col.change": "Old → new",
    "report.col.reason": "Reason",
    "report.col.basis": "Source",
    "report.records.lead": (
        "In order of time as the sources claim it, corrected by their measured clocks; {zone}. ≈ marks a "
        "record whose order against the one above it cannot be told. Hashes, originals and proofs of "
        "every record stand in records.jsonl."
    ),
    "report.records.none": "No record answers the selection.",
    "report.untimed": "no instant given",
    "report.unclear": "≈ order unclear",
    "report.entry": "Entry {index}",
    "report.basis.query": "matches the query",
    "report.basis.read": "names it itself",
    "report.basis.derived": "derived",
    "report.basis.possible": "may belong",
    "report.basis.edge": "derived, at the edge",
    "report.derived": (
        "Derived: {equipment} was occupied from {after} (entry {started}) to {before} (entry {stopped})."
    ),
    "report.derived.open": "Derived: {equipment} was occupied from {after} (entry {started}), with no end known.",
    "report.derived.looks": "It happened between two looks, at {after} and {before}, both in the occupation.",
    "report.possible": (
        "May belong: {equipment} was occupied from {after} (entry {started}) to {before} (entry {stopped})."
    ),
    "report.possible.open": "May belong: {equipment} was occupied from {after} (entry {started}), with no end known.",
    "report.possible.looks": (
        "It happened between two looks, at {after} and {before}, and the time between them lies in the "
        "occupation only in part."
    ),
    "report.derived.uncertain": (
        "It lies at the edge: clocks, or the precision of the times, leave open whether it is inside."
    ),
    "report.why.before": "It happened before the equipment was in use.",
    "report.why.during": "It happened while the equipment was in use.",
    "report.why.after": "It happened after the equipment was in use.",
    "report.why.rule": "The times hold what the rule in entry {rule} adds before and after.",
    "report.why.tag": "By the asset map, {tag} stands for this equipment.",
    "report.no_reason": "none given by the source",
    "report.change.inferred": "inferred between {after} and {before}",
    "report.change.gap": "more changes lie between than the two looks can show",
    "report.time.occurred": "Happened (source’s claim)",
    "report.time.recorded": "Recorded by the source",
    "report.time.received": "Received by the collector",
    "report.time.logged": "Logged",
    "report.time.text": "source’s own text: {text}",
    "report.time.exposure": (
        "Received {duration} after the source recorded it: what happened to it in between is not covered."
    ),
    "report.clock": "Source’s clock",
    "report.clock.measured": "{offset} against the collector, ± {uncertainty}, measured {at} by {method}",
    "report.clock.none": "not measured",
    "report.source": "Source",
    "report.source_id": "Source’s record id",
    "report.outcome": "Action and outcome",
    "report.actor": "Actor",
    "report.object": "Object",
    "report.links": "Belongs to",
    "report.reason": "Reason",
    "report.leaf": "Leaf hash",
    "report.commitment": "Body commitment",
    "report.original": "Original",
    "report.original.said": "{media}, {size} bytes, read by {parser} {version}: {state}",
    "report.original.included": "in originals.jsonl",
    "report.original.withheld": "withheld with the sealed value that it holds",
    "report.original.none": "none kept",
    "report.original.erased": "erased with a personal value that it held; no longer re-derivable from its original",
    "report.coverage.lead": (
        "From the collection runs in entries.jsonl. Their chain proves that no record which these runs "
        "collected is missing unseen. It does not prove that a source gave everything it had."
    ),
    "report.coverage.none": "No source is registered in this log.",
    "report.col.source": "Source",
    "report.col.runs": "Runs",
    "report.col.collected": "Collected",
    "report.col.selected": "Selected",
    "report.col.duplicates": "Duplicates",
    "report.col.quarantined": "Quarantined",
    "report.col.interval": "From, to (UTC)",
    "report.coverage.unseen": "no run in this interval",
    "report.imported": "imported from an old audit trail, not collected live: its runs say when it was imported",
    "report.gaps": "Gaps and unreachable intervals",
    "report.gaps.none": "None is known.",
    "report.gap.unreachable": "could not be reached",
    "report.col.between": "Between (UTC)",
    "report.col.kind": "What is not known",
    "report.gaps.more": "{count} more stand in entries.jsonl.",
    "report.clocks": "Clocks",
    "report.verification.lead": (
        "Every record in this package was read again, its body checked against the commitment in its "
        "leaf, and its place in the log’s tree proven, in the same snapshot in which it was selected "
        "(level 1 of the verification, for the rows used)."
    ),
    "report.verification.checkpoint": "The checkpoint, signed by the log’s key:",
    "report.howto.lead": (
        "Three things are needed: this package, any copy of Trailseal, and the log’s verifier key from a "
        "source other than this package."
    ),
    "report.howto.step1": (
        "Take the verifier key from the log’s card or from whoever runs the log, and compare the "
        "fingerprint: {fingerprint}"
    ),
    "report.howto.step2": (
        "Run: trailseal verify {package}.zip --vkey KEY (with --tsa-root ROOT.pem too, where you have the root of a "
        "time-stamp authority from elsewhere: it then says by when the records existed)"
    ),
    "report.howto.step3": (
        "Exit code 0: everything holds. 1: something is wrong, and the file or entry is named. 2: "
        "consistent with itself, but no key from outside was given, so its origin is not authenticated."
    ),
    "report.howto.page": (
        "Without Trailseal: open verify.html, which is in this package, in a browser (no network is "
        "needed), give it the verifier key and drop the package on it. Its word is worth as much as where "
        "key and page came from: use your own copy of the page, or compare its SHA-256: {digest}. It names "
        "what it does not check, such as signatures and time-stamps."
    ),
    "report.howto.hand.title": "By hand, without Trailseal",
    "report.howto.hand": (
        "Each line of records.jsonl and entries.jsonl is JSON in the form of RFC 8785. The leaf’s “body” "
        "is base64 of SHA-256(0x02 ‖ salt ‖ body); the leaf hash is SHA-256(0x00 ‖ leaf), and “proof” "
        "leads from it to the root in the file checkpoint (RFC 9162, section 2.1.3.2), a signed note of "
        "C2SP with origin, size and root. A disclosed sealed value gives SHA-256(0x03 ‖ salt ‖ value), an"
        " original SHA-256(0x04 ‖ salt ‖ bytes). A collection run’s chain is SHA-256(0x06 ‖ chain before "
        "‖ leaf hash), record by record. Each proofs/*.tlog-proof "
        "proves one record to any verifier of C2SP; records.multi-proof proves all at once, by the hashes of the "
        "ranges of the tree without any of them. The folder is a bag of RFC 8493; seal.note is a signed note over"
        " the digests of all its files, by the report key, which the second line of entries.jsonl vouches"
        " for."
    ),
    "report.howto.bound": (
        "What is proven is integrity since receipt: not truth at the source, and not time beyond what the"
        " log’s own clock says."
    ),
    "report.number": "{value}",
    "report.zone": "times in {zone}",
    "report.volume.last": "in volume {number}",
    "report.volume": "volume {number} of {count}",
    "report.query.text": "words",
    "report.query.source": "source",
    "report.query.action": "action",
    "report.query.outcome": "outcome",
    "report.query.actor": "account",
    "report.query.object_type": "object type",
    "report.query.object_id": "object",
    "report.query.link_kind": "link kind",
    "report.query.link_id": "link",
    "report.query.occurred_from": "happened from",
    "report.query.occurred_to": "happened before",
    "report.query.recorded_from": "recorded from",
    "report.query.recorded_to": "recorded before",
    "report.query.received_from": "received from",
    "report.query.received_to": "received before",
    "report.query.workstation": "workstation",
    "report.query.role": "role",
    "report.query.attribute": "attribute",
    "report.query.reasoned": "with a reason",
    "report.query.links": "links",
    "report.query.yes": "yes",
    "report.query.no": "no",
    "report.help": "HOW TO VERIFY THIS PACKAGE",
}
