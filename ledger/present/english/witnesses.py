"""Words about witnesses."""

MESSAGES = {
    "entry.witness-policy": "{authority_actor} set the policy of witnesses ({about} named), because: {reason}",
    "entry.checkpoint-witnessed.met": "Checkpoint of {origin} at size {size} was cosigned, and has its quorum",
    "entry.checkpoint-witnessed.missing": "Checkpoint of {origin} at size {size} lacks its quorum of witnesses: "
    "{missing}",
    "entry.checkpoint-witnessed.none": "Checkpoint of {origin} at size {size} was cosigned; no quorum was asked for",
}
