"""Words about electronic signatures and the keys that make them."""

MESSAGES = {
    "entry.key-binding.requested": "{account} made signing key {binding}; it counts once two people vouched for it",
    "entry.key-binding.attested": "{authority_actor} vouched for signing key {binding} of {account}",
    "entry.key-binding.bound": "{authority_actor} vouched for signing key {binding} of {account}; from here on it "
    "counts",
    "entry.key-binding.resealed": "Signing key {binding} of {account} was sealed anew; reason: {reason}",
    "entry.key-binding.revoked": "{authority_actor} revoked signing key {binding} of {account}; reason: {reason}",
    "entry.signature": "{statement_signer_name} ({statement_signer_account}, {statement_signer_role}) signed "
    "{statement_target_id}: “{statement_meaning_text}” at {statement_signed_at}, zone {statement_zone}",
    "entry.signing-list": "{authority_actor} set the meanings and reasons of signing for {action}; reason: {reason}",
    "signing.class.sealed-key": "Electronic signature of a closed system (21 CFR Part 11, under the site's letter by "
    "11.100(c)); an electronic signature in the sense of Regulation (EU) 910/2014, not a qualified one. Made on the "
    "server with a key that the signer's secret unseals: it withstands whoever holds the database, not whoever "
    "controls the running server.",
    "signing.class.passkey": "Electronic signature of a closed system (21 CFR Part 11, under the site's letter by "
    "11.100(c)); an electronic signature in the sense of Regulation (EU) 910/2014, not a qualified one. Made by the "
    "signer's own authenticator, whose secret the server does not hold; the authenticator does not show the text.",
    "signing.mode.sealed-key": "sealed key",
    "signing.mode.passkey": "passkey",
    "signing.mode.provider": "identity provider",
    "signing.mode.external": "external service",
    "signing.withstands.sealed-key": "Withstands whoever holds the database or its backup: yes. Withstands whoever "
    "controls the running server: no, it sees the secret go by.",
    "signing.withstands.passkey": "Withstands whoever holds the database or its backup: yes. The server never holds "
    "the secret; but the authenticator does not show the text, so a server under another's control could show one text "
    "and have another signed.",
    "signing.withstands.provider": "Rests on the site's identity provider: whoever controls it can sign for its "
    "people.",
    "signing.withstands.external": "Withstands whoever holds the database or controls the running server: yes, neither "
    "holds the key, and what is signed is the statement itself, which can be read where it is signed. Rests on the "
    "service that made it and on the authority of its certificates, which could issue one in the signer's name; "
    "whether a certificate was revoked is not asked.",
    "signature.who": "{name} ({account}), {role}",
    "signature.for": "{who}, for {other}",
    "signature.said": "{who}, signed {target} on {at}, zone {zone} ({utc}): “{meaning}”",
    "signature.target": "{id} ({count} entries, {version})",
    "signature.target.document": "{id} ({version})",
    "report.signatures": "Signatures",
    "report.signatures.none": "No electronic signature names a record of this package.",
    "report.signatures.lead": "Electronic signatures over records of this package. Each was verified when the package "
    "was made; whoever has the package can verify it again, without Trailseal. Ink on this print belongs to the "
    "electronic signature whose fingerprint it names.",
    "report.signatures.card": "Their keys chain to the first start of {origin}, whose fingerprint is on a card that "
    "both founders signed by hand. Compare it:",
    "report.signatures.meaning": "Meaning",
    "report.signatures.reason": "Reason",
    "report.signatures.signer": "Signer",
    "report.signatures.at": "Date, time, zone",
    "report.signatures.over": "Signed",
    "report.signatures.mode": "Made by",
    "report.signatures.fingerprint": "Fingerprint",
    "report.signatures.entry": "Entry",
    "sign-set.title": "Sign entries",
    "sign-set.about": "You sign {count} entries of log {log}. Read each before you go on.",
    "sign-set.meaning": "What your signature means",
    "sign-set.reason": "Why you sign",
    "sign-set.added": "Words of your own",
    "sign-set.role": "In which role",
    "sign-set.role.any": "the one that may",
    "sign-set.go": "Show what I sign",
    "sign-set.refused": "Not signed",
    "sign-set.entry": "Entry",
    "sign-set.says": "What it says",
    "sign-set.leaf": "Leaf hash",
    "sign-set.exactly": "Exactly this is signed",
    "sign-set.root": "Root over the leaf hashes",
    "sign-set.seen": "Seen at",
    "sign-set.seen.at": "size {size} of the log, root",
    "sign-set.withstands": "What this withstands",
    "sign-set.do": "Sign entries",
    "signing.way.by": "How you sign",
    "signing.way.others": "Sign another way",
    "signing.way.none": "You have nothing to sign with yet: a signing key that two people vouched for, or, where the "
    "site signs there, a link to its identity provider. Either counts once a checkpoint covers it.",
    "signing.way.sealed-key": "By my sealed key",
    "signing.way.passkey": "By my signing passkey",
    "signing.way.provider": "At the identity provider",
    "sign-passkey.go.about": "A signing passkey belongs to an address of its own, so that no passkey of sign-in can "
    "sign. There you see this statement again: compare the fingerprint, and use your passkey.",
    "sign-passkey.go": "Go to the address of signing",
    "sign-passkey.script": "Signing by a passkey needs a browser with JavaScript.",
    "sign-passkey.script.other": "Without it, sign another way, below.",
    "sign-passkey.title": "Sign by passkey",
    "sign-passkey.about": "This is the address of signing that belongs to {host}. Your authenticator does not show the "
    "text: read it here, and compare the fingerprint with the page that you came from.",
    "sign-passkey.do": "Sign by my passkey",
    "sign-passkey.other": "Back to the pages, to sign another way",
    "sign-passkey.return.title": "You are back from the address of signing",
    "sign-passkey.return.about": "Your passkey's answer is entered out of your session here.",
    "sign-return.do": "Enter my signature",
    "sign-provider.go": "Authenticate at {host} and sign",
    "signature.title": "Signature",
    "signature.valid": "valid: made by a key that chains to the first start, over what stands there unchanged",
    "signature.valid.provider": "valid: by a token of the site's identity provider for this very statement, under keys "
    "and a link that stood before, over what stands there unchanged",
    "signature.invalid": "does not hold",
    "signature.unsigned": "unsigned: what was signed has changed since",
    "signature.entries": "Entries that it signs",
    "signature.set": "a set of {count} entries, fixed by its root;",
    "signature.ink": "Write this fingerprint beside ink on a printout: it ties the two together.",
    "signature.see": "As an entry of the system log",
    "entry.signatures": "Signatures",
    "entry.signatures.none": "No electronic signature names this entry.",
    "entry.sign": "Sign this entry",
    "signing.class.provider": "Electronic signature of a closed system (21 CFR Part 11, under the site's letter by "
    "11.100(c)); an electronic signature in the sense of Regulation (EU) 910/2014, not a qualified one. Made by fresh "
    "authentication at the site's identity provider, whose token names this very statement: it rests on that provider.",
}
