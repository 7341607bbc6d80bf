"""The seed of tests that draw at random: the same in every `make test`, another in each step of `make soak`."""

import os

SEED = int(os.environ.get("TRAILSEAL_SEED", "20261125"))
