"""Roles as a site defines them: entries, and their page."""

MESSAGES = {
    "entry.role-definition": "Role {role} is defined to have {scopes}, by {authority_actor}; reason: {reason}",
    "roles.title": "What roles may do",
    "roles.about": "A site can take from a role what it does not need, under a change request that a second person "
    "signs. What is taken is gone at once from whoever holds the role; what is given back comes with a new grant. No "
    "role gets more than the program gives it, or loses what it is for.",
    "roles.now": "Roles as they are defined",
    "roles.role": "Role",
    "roles.has": "May",
    "roles.without": "May not, at this site",
    "roles.since": "Since",
    "roles.built-in": "as the program has it",
    "roles.propose": "Define {role} otherwise",
    "roles.keeps": "It always keeps: {scopes}.",
    "roles.before": "Earlier definitions",
    "roles.before.none": "No role was ever defined otherwise.",
    "scope.ingest": "hand over records of its sources",
    "scope.read": "read",
    "scope.verify": "run verifications",
    "scope.tiles": "read tiles and leaves",
    "scope.admin": "administer accounts and roles",
    "scope.configure": "configure",
    "scope.export": "take copies out",
    "scope.review": "review",
    "scope.approve": "approve",
    "scope.operate": "see how the service runs",
    "scope.enter": "enter by hand",
}
