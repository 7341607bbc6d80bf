"""Words of the audit of published tiles, and of the logs of other ledgers that one watches."""

MESSAGES = {
    "entry.watched-log.watched": "{authority_actor} has log {origin} watched, where it publishes its tiles: {tiles}",
    "entry.watched-log.released": "{authority_actor} has log {origin} watched no more",
    "entry.site-checkpoint": "Checkpoint of the watched log {origin} at size {size} was verified and entered here",
    "entry.site-fault": "Watched log {origin}: {detail}",
    "entry.server-move.left": "{authority_actor} has this ledger leave its server for {place}",
    "entry.server-move.arrived": "{authority_actor} has this ledger go on at {place}",
    "tiles.verdict.holds": "Holds: {size} entries, under the key, policy or card that you gave.",
    "tiles.verdict.wrong": "Does NOT hold.",
    "tiles.verdict.unauthenticated": "Consistent with itself ({size} entries), but its origin is NOT authenticated: "
    "give the log's key by --vkey, a policy, or the checkpoint card of this size by --card.",
    "tiles.check.unsigned": "Checkpoint: says that it is of {origin}; no key was given to check that",
    "tiles.check.by-card": "Checkpoint: of {origin}, authenticated by the card of its size and root",
    "tiles.check.card": "Card: of size {size}, this very checkpoint’s, with the same root",
    "tiles.check.card-earlier": "Card: of size {size}; the log had that root at that size, and the card vouches for no "
    "entry after it",
    "tiles.check.signed": "Checkpoint: of {origin}, signed by the key that you gave",
    "tiles.check.quorum": "Checkpoint: of {origin}, signed by its key and cosigned as quorum {quorum} of the policy "
    "asks",
    "tiles.check.rotated": "Checkpoint: of {origin}, signed by {vkey}, to which the rotations that the log entered "
    "({rotations}) lead from the key that you gave, each signed by the key before",
    "tiles.check.keys": "Keys: {events} key events, each the body of its leaf and allowed by those before it; the "
    "checkpoint bears the lines of the keys in force, and of no other",
    "tiles.check.keys-unpublished": "Keys: not judged; what happened to the log’s keys (key-life.jsonl) is not "
    "published here, so nothing says whether the key that you gave was replaced or revoked",
    "tiles.check.keys-withheld": "Keys: not judged are the key events at {entries}, which are not published; of "
    "persons’ keys none ever is",
    "tiles.check.doubt": "In doubt, entry {index}: {vkey} may have been in other hands from {since} on: {meaning}",
    "tiles.check.tree": "Tiles: entries {start} to {size} hash to their tiles, these to the tiles above them, and all "
    "of it to the checkpoint’s root",
    "tiles.check.chain": "Entries: canonical leaf data, each naming the one before it, with ascending index and time",
    "tiles.check.foreign": "Entries: another product’s, not judged but for their hashes",
    "tiles.check.consistent": "History: continues the checkpoint of size {size} that was seen before",
    "tiles.not-proven": "Not proven by this: that others are shown the same log (witnesses prove that, or comparing "
    "checkpoints), and what the entries say: tiles hold commitments, no content.",
    "tiles.proof": "These signed checkpoints are the proof; keep them:",
}
