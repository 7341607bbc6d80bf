"""Words about the site's identity provider."""

MESSAGES = {
    "entry.identity-provider.in-use": "{authority_actor} agreed on {issuer} as the site's identity provider; reason: "
    "{reason}",
    "entry.identity-provider.retired": "{authority_actor} ended the use of {issuer} as the site's identity provider; "
    "reason: {reason}",
    "entry.key-set": "{authority_actor} entered the present keys of the site's identity provider; reason: {reason}",
    "provider.title": "Sign in with your site account",
    "provider.about": "You authenticate at {host}, the identity provider that this site agreed on. Trailseal learns "
    "who you are there, and by which class of authentication; it never sees what you show there.",
    "provider.do": "Continue to {host}",
    "provider.going.title": "On the way to {host}",
    "provider.going.about": "If nothing happens, go on yourself:",
    "provider.done.title": "You are signed in",
    "provider.done.do": "Continue",
    "provider.link.title": "Link your site account",
    "provider.link.about": "Once your account is linked, you can sign in, and where the site allows it sign, by "
    "authenticating at {host}. Link it out of a session that you began with other components.",
    "provider.link.now": "Your account is linked to subject {subject}.",
    "provider.link.waits": "It waits for a second administrator to confirm it.",
    "provider.link.do": "Authenticate at {host} and link",
    "provider.return.title": "You are back from {host}",
    "provider.return.about": "One step is left, out of your session here.",
    "provider.return.link": "Link my account",
    "provider.back.wrong": "What the identity provider sent back is of no form that it can have",
    "report.signatures.rests": "Rests on",
    "report.signatures.rests.entries": "The provider's keys stand in {keys}, the link of account and subject in "
    "{link}; both are in this package.",
    "signing.provider.rests": "You sign by authenticating anew at {host}. Its token, made for exactly this statement, "
    "is your signature, and it verifies offline with the provider's keys that were entered before. It rests on three "
    "things: that the provider lets nobody but you authenticate as you, that whoever runs the provider issues no token "
    "in your name (who holds its keys could), and that this page shows you the statement that it sends: the provider "
    "does not show it. A signing passkey needs none of the first two.",
}
