"""Words about witnesses."""

MESSAGES = {
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
