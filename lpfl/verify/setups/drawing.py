"""Drawing for the checks of what is drawn and measured."""

from collections.abc import Callable
from functools import partial

from torch import Tensor

from lpfl.linalg import standard_normal
from lpfl.verify.expect import Scale
from lpfl.verify.trial import Trial

SIZE = Scale(1.08, "judgement: n - 1 in place of n is a ratio of 12/11 at the largest batch drawn")


def normals(trial: Trial, name: str) -> Callable[..., Tensor]:
    """Return a source of standard normal numbers on the stream ``name``."""
    return partial(standard_normal, generator=trial.stream(name), dtype=trial.dtype)
