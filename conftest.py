"""Hypothesis profiles and one torch thread for the whole test suite."""

import os

import torch
from hypothesis import HealthCheck, settings

# Small solves on two threads were up to several hundred times slower, and erratic.
torch.set_num_threads(1)

# deadline=None: a scenario's cost depends on its size, and machines are shared.
# too_slow and data_too_large are about drawing; scenarios are a dozen numbers, the run is the cost.
COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}

# dev: quick feedback; remembers failures between runs in .hypothesis.
settings.register_profile("dev", max_examples=10, **COMMON)
# commit, ci: the same scenarios on every machine (derandomize), so a red run is the commit's doing;
# no database, which would make the second run differ from the first. From 25 examples on the large
# anchors run as well; every commit draws two, for slow machines: `make verify` draws six more.
FIXED = {"derandomize": True, "database": None, **COMMON}
settings.register_profile("commit", max_examples=2, **FIXED)
settings.register_profile("ci", max_examples=25, **FIXED)
# nightly: new scenarios every night. derandomize is off explicitly, because Hypothesis turns it
# on where CI is set, and would then silently ignore --hypothesis-seed.
settings.register_profile("nightly", max_examples=200, derandomize=False, **COMMON)

settings.load_profile("commit" if os.environ.get("CI") else "dev")
