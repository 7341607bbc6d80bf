"""Words of the pages about one's own signing keys."""

MESSAGES = {
    "keys.title": "Your signing keys",
    "keys.now": "You can sign by:",
    "keys.key": "Key",
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
    "keys.sealed": "A sealed key is made at the terminal, by `trailseal sign key`; there too others vouch for a key of "
    "yours, and you revoke one that is lost.",
    "keys.device.make": "This is the address of signing that belongs to {host}. Your authenticator makes a key that "
    "signs for account {account}.",
    "keys.device.sign": "This is the address of signing that belongs to {host}. Your new passkey signs that it is the "
    "key of {name} ({account}).",
    "keys.device.make.do": "Make the key",
    "keys.device.sign.do": "Sign the request",
}
