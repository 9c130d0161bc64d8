"""The words of a plan, checked before anything heavy is loaded."""

from lpfl.choices import require_device_word, require_seed
from lpfl.verify.profiles import profile_named

DTYPE_NAMES = ("float32", "float64")
RECORDS_PROPERTY = "lpfl_records"
"""The property of a test report under which the records of a claim are kept."""


def require_words(*, profile: str, seed: int, device: str, dtype: str) -> None:
    """Raise ValueError naming the first word that no plan can hold, and what it needs."""
    profile_named(profile)
    if dtype not in DTYPE_NAMES:
        raise ValueError(f"dtype={dtype!r}, needs one of {list(DTYPE_NAMES)}")
    require_seed(seed)
    require_device_word(device)
