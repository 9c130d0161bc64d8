"""Does preconditioning pay for these inputs? What the theory says, for people."""

from lpfl.explain.forecast import Forecast, forecast
from lpfl.explain.inputs import Inputs, listed_inputs, named_inputs, read_inputs

__all__ = ["Forecast", "Inputs", "forecast", "listed_inputs", "named_inputs", "read_inputs"]
