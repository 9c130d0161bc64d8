"""The paper's figures and the variants as data, predictions on top. EXPERIMENTS: by name."""

from collections.abc import Mapping
from types import MappingProxyType

from lpfl.experiments.core.experiment import Experiment
from lpfl.experiments.fig1.run import FIG1
from lpfl.experiments.fig2.run import FIG2
from lpfl.experiments.fig3.run import FIG3
from lpfl.experiments.headline.run import HEADLINE
from lpfl.experiments.variants.run import VARIANTS

_ALL: tuple[Experiment, ...] = (HEADLINE, FIG1, FIG2, FIG3, VARIANTS)
EXPERIMENTS: Mapping[str, Experiment] = MappingProxyType({one.name: one for one in _ALL})

__all__ = ["EXPERIMENTS", "Experiment"]
