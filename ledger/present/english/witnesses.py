"""Words about witnesses."""

MESSAGES = {
    "card.title": "Checkpoint card",
    "card.lead": "On this paper stands what the log was at one moment. Whoever later changes, removes or adds an entry "
    "among the first {size} cannot do so unseen, even with the database and the log’s own key. It vouches for nothing "
    "after them.",
    "card.log": "Log",
    "card.origin": "Origin",
    "card.size": "Size",
    "card.entries": "{size} entries, 0 to {last}",
    "card.logged": "Last entry logged",
    "card.printed": "Printed",
    "card.root": "Root (base64)",
    "card.words": "Root in 24 words (BIP-39)",
    "card.key": "Log key",
    "card.fingerprint": "Its fingerprint",
    "card.cosigned": "Cosigned by",
    "card.cosigned.one": "{name}, {at}",
    "card.cosigned.nobody": "no witness had cosigned this checkpoint",
    "card.qr": "The signed checkpoint",
    "card.compare": "To compare",
    "card.compare.file": "Save what the QR code says as a file, or type origin, size and the 24 words in their order. "
    "Then, with a ledger, an evidence package, or published tiles:",
    "card.compare.origin": "Origin and size are typed as: {origin} {size}",
    "card.sign": "Keep it where the ledger’s administrators cannot reach it: in a QA logbook, or with the inspector.",
    "card.name": "Name",
    "card.date": "Date",
    "card.signature": "Signature",
    "witnessed.nobody": "not witnessed: no witness is asked for, so nobody outside could tell that it was rewritten",
    "witnessed.not-yet": "not witnessed yet",
    "witnessed.met": "cosigned by a quorum of its witnesses",
    "witnessed.missing": "its quorum of witnesses is missing: {missing}",
    "witnessed.window": "{entries} entries, the oldest {since} old, have no quorum yet: whoever holds database and key "
    "could rewrite them unseen",
    "witnessed.shared": "shared between log and witness, so that it is less independent: {what}",
    "entry.witness-policy": "{authority_actor} set the policy of witnesses ({about} named), because: {reason}",
    "entry.checkpoint-witnessed.met": "Checkpoint of {origin} at size {size} was cosigned, and has its quorum",
    "entry.checkpoint-witnessed.missing": "Checkpoint of {origin} at size {size} lacks its quorum of witnesses: "
    "{missing}",
    "entry.checkpoint-witnessed.none": "Checkpoint of {origin} at size {size} was cosigned; no quorum was asked for",
}
