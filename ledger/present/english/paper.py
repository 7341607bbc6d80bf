"""Words about handwritten signatures on printouts, about signatures made elsewhere, and about the site's letter."""

MESSAGES = {
    "entry.paper-signature.entered": "{authority_actor} entered a handwritten signature of {name}, dated {signed_on}, "
    "on a printout of {printed_address}: “{meaning}”; its scan is on file",
    "entry.paper-signature.checked": "{authority_actor} compared handwritten signature {paper} on a printout of "
    "{printed_address} with its scan; reason: {reason}",
    "entry.paper-signature.withdrawn": "{authority_actor} withdrew handwritten signature {paper} on a printout of "
    "{printed_address}; reason: {reason}",
    "entry.trust-anchor.proposed": "{authority_actor} proposed {subject} as an authority whose certificates sign here; "
    "reason: {reason}",
    "entry.trust-anchor.confirmed": "{authority_actor} confirmed {subject} as an authority whose certificates sign "
    "here; reason: {reason}",
    "entry.trust-anchor.withdrawn": "{authority_actor} withdrew {subject}: its certificates sign nothing new here; "
    "reason: {reason}",
    "signing.class.external": "Electronic signature made outside Trailseal with a certificate of the signer's, brought "
    "back and verified here (21 CFR Part 11, under the site's letter by 11.100(c)); an electronic signature in the "
    "sense of Regulation (EU) 910/2014. Whether it is a qualified one only its certificate and the trusted list can "
    "say.",
    "signature.valid.external": "valid: made outside Trailseal by the signer's certificate, whose binding chains to "
    "the first start and whose authority two administrators let in; what it is over stands there unchanged",
    "signature.qualified": "The certificate claims to be qualified; Trailseal has not asked the trusted list.",
    "signature.revocation.good": "{subject}: not revoked by {by}, which came with the signature.",
    "signature.revocation.revoked": "{subject}: revoked since {since}, by {by}, which came with the signature.",
    "signature.revocation.unknown": "{subject}: not known whether it was revoked, as nothing that came with the "
    "signature tells; Trailseal asks nobody.",
    "signature.revocation.crl": "the authority's list of {at}",
    "signature.revocation.ocsp": "the authority's OCSP response of {at}",
    "signature.certificate": "Certificate of {subject}, issued by {issuer}.",
    "paper.kind": "hand-written, scan on file; no electronic signature",
    "paper.said": "{name} signed by hand on {day}, on a printout of {address}: “{meaning}”",
    "paper.of.entry": "{fingerprint} is the fingerprint of {address}, as it stands now.",
    "paper.of.signature": "{fingerprint} is the fingerprint of the electronic signature {address}; what it signs "
    "stands as it was.",
    "paper.of.older": "{fingerprint} is the fingerprint of an older version: of {address}, whose place {by} has taken "
    "since. A signature on that paper is of the older version, and of no other.",
    "paper.title": "Handwritten signatures",
    "paper.about": "A signature on a printout is entered here with its scan. It is tied to the electronic version by "
    "the fingerprint on the paper. It is kept as what it is, and never counts as an electronic signature.",
    "paper.fingerprint": "Fingerprint on the paper",
    "paper.look": "Look up fingerprint",
    "paper.meaning": "What the signature means, as the paper says",
    "paper.name": "Printed name of who signed",
    "paper.account": "Their account here, if they have one",
    "paper.signed-on": "Day on the paper",
    "paper.kept-at": "Where the paper is kept",
    "paper.reason": "Why you enter it",
    "paper.scan": "Scan (PDF, PNG or JPEG)",
    "paper.older": "I know that the paper is of an older version",
    "paper.enter": "Enter handwritten signature",
    "paper.refused": "Not entered",
    "paper.list": "On file",
    "paper.none": "None is on file.",
    "paper.state": "State",
    "paper.state.entered": "entered by {by}; not checked by a second person yet",
    "paper.state.checked": "entered by {by}, checked by {other}",
    "paper.state.withdrawn": "withdrawn",
    "paper.what": "What it is",
    "paper.version": "Fingerprint of this version",
    "paper.version.about": "A signature by hand on a print of this page is tied to this version by it.",
    "paper.see": "See the scan's entry",
    "paper.check": "Confirm that entry and scan agree",
    "paper.check.reason": "How you compared them",
    "paper.download": "Scan",
    "paper.save": "Save the scan",
    "paper.older.then": "An older version: its place had been taken by",
    "paper.go": "Enter or see signatures by hand",
    "report.papers": "Signatures by hand",
    "report.papers.lead": "On file beside the electronic signatures, as hand-written; where the scans are, the list of "
    "letters and scans says. Nothing here is an electronic signature.",
    "report.papers.scan": "Scan",
    "report.papers.scan.says": "{media_type}, {size} bytes; the paper is kept at: {kept_at}",
    "report.papers.entered": "Entered",
    "report.copies": "Letters and scans",
    "report.copies.lead": "The letter by 21 CFR 11.100(c) in force for each signature, and the scan of each signature "
    "by hand: each is the file that its entry commits to, SHA-256(0x04 ‖ salt ‖ file) with the salt in copies.jsonl.",
    "report.copies.where": "Where",
    "report.copies.size": "Size",
    "report.copies.digest": "SHA-256",
    "report.copies.included": "{size} bytes",
    "report.copies.withheld": "Not in this package: the print shows values that the package withholds.",
    "report.copies.erased": "Not in this package: it is no longer in the ledger.",
    "report.copies.left-out": "Not in this package, which holds {most} such files at most; it stays in the ledger.",
    "report.letter": "Letter (21 CFR 11.100(c))",
    "report.letter.none": "none was on file when this signature was made",
    "report.letter.was": "“{title}” of {dated}, entry {address}",
}
