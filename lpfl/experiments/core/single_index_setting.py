"""A setting of the single-index experiments: sizes, covariance, link, activation."""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import log10
from typing import Any

import numpy as np

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.problems import links as runnable
from theory import Spectrum
from theory.core.gauss.hermite import (
    ActivationStatistics,
    LinkStatistics,
    activation_statistics,
    link_statistics,
)
from theory.core.gauss.links import Link, tanh_shifted

MILD_CONDITION = 10.0
RELATIVE_MARGIN = 0.03


def two_atom(dim: int, spread: float) -> CovarianceSpec:
    """Return the diagonal covariance: half of the eigenvalues 1 + spread, half 1 - spread."""
    return CovarianceSpec(dim, "two_level", log10((1 + spread) / (1 - spread)))


@dataclass(frozen=True)
class Setting:
    """Sizes d, n, N, the covariance of the inputs, and the labels of one experiment.

    shift: the activation is tanh(t + shift). noise_std: of the labels, in [y].
    """

    covariance: CovarianceSpec
    samples: int
    width: int
    link: str = "relu"
    noise_std: float = 0.3
    shift: float = 0.0

    @property
    def dim(self) -> int:
        return self.covariance.dim

    @property
    def aspect(self) -> float:
        """d/n."""
        return self.dim / self.samples

    @property
    def width_ratio(self) -> float:
        """N/d."""
        return self.width / self.dim

    @property
    def sizes(self) -> str:
        return f"d = {self.dim}, n = {self.samples}, N = {self.width}"

    @property
    def spectrum(self) -> Spectrum:
        """The eigenvalues of the covariance, equal ones as one atom."""
        values, counts = np.unique(self.covariance.spectrum(), return_counts=True)
        return Spectrum(values, counts / self.dim)

    @property
    def labels(self) -> LinkStatistics:
        """Hermite statistics of y."""
        return link_statistics(self.link, noise_std=self.noise_std)

    @property
    def activation(self) -> runnable.Activation:
        """The activation that runs."""
        return runnable.tanh_shifted(self.shift)

    @property
    def predicted_activation(self) -> Link:
        """The same activation on the side of the theory."""
        return _predicted_activation(self.shift)

    @property
    def activation_statistics(self) -> ActivationStatistics:
        return activation_statistics(self.predicted_activation)

    @property
    def limits(self) -> dict[str, Any]:
        """What every prediction of a direction needs."""
        labels = self.labels
        return {
            "spectrum": self.spectrum,
            "aspect": self.aspect,
            "c1": labels.c1,
            "residual_var": labels.residual_var,
        }

    def with_spread(self, spread: float) -> "Setting":
        """Return the setting with a two-atom covariance of another spread."""
        return replace(self, covariance=two_atom(self.dim, spread))

    def rotated(self, seed: int) -> "Setting":
        """Return the setting with the eigenvectors of the covariance in general position."""
        return replace(self, covariance=replace(self.covariance, rotation="haar", seed=seed))

    def half(self) -> "Setting":
        """Return the setting with d, n and N halved: the same limits at an eighth of the cost."""
        covariance = replace(self.covariance, dim=self.dim // 2)
        return replace(
            self, covariance=covariance, samples=self.samples // 2, width=self.width // 2
        )

    def margin(self, predicted: float) -> float:
        """Return how far a mean may be from its limit at finite d, stated beforehand.

        3 % of the prediction plus 2/d where d <= n and the condition number is at most 10, else
        plus 6/d.
        """
        mild = self.aspect <= 1 and self.covariance.condition_number() <= MILD_CONDITION
        return (2.0 if mild else 6.0) / self.dim + RELATIVE_MARGIN * abs(predicted)


@lru_cache(maxsize=8)
def _predicted_activation(shift: float) -> Link:
    """One object per shift: the theory remembers the statistics of a Link."""
    return tanh_shifted(shift)


TALL = Setting(two_atom(200, 0.5), samples=6000, width=1000)
WIDE = Setting(two_atom(900, 0.5), samples=5000, width=1000)
"""The two settings of the paper; the two-atom covariance stands in for its own."""
