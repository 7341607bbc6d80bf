"""Words about the site's identity provider."""

MESSAGES = {
    "entry.identity-provider.in-use": "{authority_actor} agreed on {issuer} as the site's identity provider; reason: "
    "{reason}",
    "entry.identity-provider.retired": "{authority_actor} ended the use of {issuer} as the site's identity provider; "
    "reason: {reason}",
    "entry.key-set": "{authority_actor} entered the present keys of the site's identity provider; reason: {reason}",
}
