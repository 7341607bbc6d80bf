"""The words that an evidence report uses in a sense of its own."""

MESSAGES = {
    "glossary.alcoa": "ALCOA+",
    "glossary.alcoa.means": "What a record is to be: attributable, legible, contemporaneous, original, accurate; "
    "complete, consistent, enduring and available.",
    "glossary.audit-trail": "Audit trail",
    "glossary.audit-trail.means": "What a system keeps by itself of who did what, when, from what to what, and why.",
    "glossary.bag": "Bag",
    "glossary.bag.means": "A folder with a list of the digests of its files (RFC 8493): any program for bags can "
    "check it.",
    "glossary.body": "Body",
    "glossary.body.means": "What an entry says; it stands beside its leaf, which commits to it.",
    "glossary.checkpoint": "Checkpoint",
    "glossary.checkpoint.means": "The signed statement of a log’s size and root: it fixes every entry up to that size.",
    "glossary.collection-run": "Collection run",
    "glossary.collection-run.means": "One reading of a source: what it brought, from where to where, and what it "
    "could not reach. The runs of a source are chained.",
    "glossary.commitment": "Commitment",
    "glossary.commitment.means": "A digest made with a random salt: it fixes a value, and tells nothing of it.",
    "glossary.completeness": "Proof and statement of completeness",
    "glossary.completeness.means": "A proof follows from the chain of a source’s runs. A statement is what the log’s "
    "report key signs: it can be held against the ledger, and does not follow from this package alone.",
    "glossary.derived": "Derived",
    "glossary.derived.means": "A record belongs to a batch by a rule or an interval, and does not name it itself.",
    "glossary.entry": "Entry",
    "glossary.entry.means": "One thing that was logged; its number is its place in the log, from 0.",
    "glossary.exposure": "Exposure window",
    "glossary.exposure.means": "The time from when a source recorded something until it was received. In it the "
    "record was the source’s alone.",
    "glossary.fingerprint": "Fingerprint",
    "glossary.fingerprint.means": "The beginning of a digest, short enough to be compared by eye.",
    "glossary.leaf": "Leaf",
    "glossary.leaf.means": "The part of an entry that the log’s tree is made of: number, time, kind, commitment, and "
    "the hash of the entry before.",
    "glossary.log": "Log",
    "glossary.log.means": "A list to which entries are only ever added.",
    "glossary.original": "Original",
    "glossary.original.means": "The exact bytes that a source gave; the record can be derived from them again.",
    "glossary.proof": "Inclusion proof",
    "glossary.proof.means": "The few hashes that lead from a leaf to the root of the log’s tree: the entry is in the "
    "log.",
    "glossary.seal": "Seal",
    "glossary.seal.means": "The signature of the log’s report key over all files of the package: a machine’s, never a "
    "person’s.",
    "glossary.sealed-value": "Sealed value",
    "glossary.sealed-value.means": "A personal value of which the body has the commitment only; the value itself is "
    "given with a package, or withheld.",
    "glossary.time-stamp": "Time-stamp",
    "glossary.time-stamp.means": "The signed word of an authority that something was there at a moment (RFC 3161).",
    "glossary.true-copy": "True copy",
    "glossary.true-copy.means": "A copy that was verified to hold the content, context and structure of what it is of.",
    "glossary.verifier-key": "Verifier key",
    "glossary.verifier-key.means": "The public key that a log’s signature is checked with. It counts only from "
    "outside the package.",
    "glossary.withheld": "Withheld",
    "glossary.withheld.means": "In the log, and not in this package; its commitment is.",
    "glossary.witness": "Witness",
    "glossary.witness.means": "Somebody outside who signs checkpoints, and only such as continue what they signed "
    "before.",
}
