"""People: accounts, grants, service tokens, browser sessions, and what strangers try."""
