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
}
