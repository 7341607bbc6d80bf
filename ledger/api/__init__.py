"""The HTTP interface: controllers by resource, access declared by each route, errors as problem details."""
