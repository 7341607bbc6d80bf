"""The long fault and fuzz runs (`make soak`): the full number of what `make test` does a small form of."""
