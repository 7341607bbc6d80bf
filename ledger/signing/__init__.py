"""Electronic signatures: keys and their bindings, the statement and its proof, routes and requests."""
