"""Words of the pages about one's own signing keys."""

MESSAGES = {
    "keys.title": "Your signing keys",
    "keys.now": "You can sign by:",
    "keys.fingerprint": "Fingerprint",
    "keys.read-out": "Whoever vouches for a key of yours compares its fingerprint: read it out to them from here.",
    "keys.mode": "Sort",
    "keys.state": "How it stands",
    "keys.vouchers": "Vouched for by",
    "keys.requested": "waits for two people to vouch for it",
    "keys.attested": "waits for a second person to vouch for it",
    "keys.bound": "counts",
    "keys.revoked": "revoked; what it signed stays valid",
    "keys.waits": "once a checkpoint covers that",
    "keys.make": "Make a signing passkey",
    "keys.make.title": "What you call it",
    "keys.make.reason": "Why you make it",
    "keys.make.about": "A signing passkey is made at an address of its own, so that no passkey of sign-in can sign. "
    "You come back here with it.",
    "keys.prove.about": "One more step there: the new key itself signs the request for it. After that two people vouch "
    "that it is yours.",
    "keys.go-on": "Go on with my passkey",
    "keys.script": "A passkey is made in a browser with JavaScript; a sealed key needs none.",
    "keys.no-origin": "No passkeys are made here: the settings name no address of these pages.",
    "keys.sealed": "A sealed key is made at the terminal, by `trailseal sign key`; there too you revoke "
    "one that is lost.",
    "keys.device.make": "This is the address of signing that belongs to {host}. Your authenticator makes a key that "
    "signs for account {account}.",
    "keys.device.sign": "This is the address of signing that belongs to {host}. Your new passkey signs that it is the "
    "key of {name} ({account}).",
    "keys.device.make.do": "Make the key",
    "keys.device.sign.do": "Sign the request",
    "vouch.list": "Keys that wait for you to vouch for them",
    "vouch.about": "A signing key counts once two people say by their own keys whose it is.",
    "vouch.none": "No key waits for you.",
    "vouch.title": "Vouch for a key",
    "vouch.person": "Whose it is said to be",
    "vouch.for": "A signing key of {name} ({account})",
    "vouch.copies": "It can be copied to other devices of its person.",
    "vouch.subject": "Certificate of",
    "vouch.issuer": "Issued by",
    "vouch.identity": "How the identity was checked",
    "vouch.identity.by": "by {by} on {on}",
    "vouch.nobody": "nobody yet",
    "vouch.request": "Request",
    "vouch.digest": "Digest of the request",
    "vouch.voucher": "Who vouches",
    "vouch.compare": "Meet the person, or call them by a number that you know. Have them read out the fingerprint that "
    "stands under their signing keys, and compare all of it.",
    "vouch.compared": "The fingerprint is the one that this person read out to me.",
    "vouch.how": "How you know that it is they",
    "vouch.how.said": "How it is known",
    "vouch.go": "Show what I sign",
    "vouch.said": "You sign that this key is that of {name} ({account}).",
    "vouch.do": "Vouch for the key",
    "vouch.back": "Back, without vouching",
    "vouch.done": "You vouched for the key: entry {index} of the system log.",
    "vouch.refuse": "Refuse",
    "vouch.refuse.about": "If the fingerprint differs, or you cannot tell whose key it is. The request ends at once; "
    "the person has their identity checked again before the next, for which two others vouch.",
    "vouch.refuse.why": "What is not right",
    "vouch.refused": "You refused; the request for the key has ended: entry {index} of the system log.",
    "vouch.device.about": "A signing passkey belongs to an address of its own. There you see this again: compare the "
    "fingerprint, and use your passkey.",
    "vouch.device": "This is the address of signing that belongs to {host}. Your passkey signs that key {fingerprint} "
    "is the signing key of {name} ({account}).",
    "vouch.device.do": "Vouch by my passkey",
}
