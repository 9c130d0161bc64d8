"""The words of a plan, checked before anything heavy is loaded."""

import re

from lpfl.verify.profiles import profile_named

DTYPE_NAMES = ("float32", "float64")
RECORDS_PROPERTY = "lpfl_records"
"""The property of a test report under which the records of a claim are kept."""
_DEVICE = re.compile(r"cpu|cuda(:[0-9]{1,3})?", re.ASCII)


def require_words(*, profile: str, seed: int, device: str, dtype: str) -> None:
    """Raise ValueError naming the first word that no plan can hold, and what it needs."""
    profile_named(profile)
    if dtype not in DTYPE_NAMES:
        raise ValueError(f"dtype={dtype!r}, needs one of {list(DTYPE_NAMES)}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed={seed!r}, needs an integer >= 0")
    if not isinstance(device, str) or _DEVICE.fullmatch(device) is None:
        raise ValueError(f"device={device!r}, needs cpu or cuda (or cuda:N)")
