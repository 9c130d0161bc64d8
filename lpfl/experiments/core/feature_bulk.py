"""The upper edge of the bulk of the feature matrix: where outliers begin.

Features are taken as linear plus white noise: the covariance of a feature vector given the weights
is ``c_perp^2 I + c_act^2 G Sigma G'``. Its bulk is a generalised Marchenko-Pastur law in N/d, and
the sample covariance of n rows another one in N/n on top. Both laws are written by their inverse
companion transform, which is explicit to the right of the bulk, and the edge is its minimum.
"""

from math import sqrt

from scipy.optimize import minimize_scalar

from lpfl.experiments.core.single_index_setting import Setting
from theory import Spectrum

_TOLERANCE = 1e-12


def weight_edge(spectrum: Spectrum, *, aspect: float) -> float:
    """Return the v < 0 at which the upper edge of ``(1/N) Z Sigma Z'`` (N, N) is reached.

    aspect = d/N.
    """
    lowest = -1 / float(spectrum.eigenvalues.max())
    found = minimize_scalar(
        lambda v: _place(spectrum, v, aspect=aspect),
        bounds=(lowest * (1 - _TOLERANCE), lowest * _TOLERANCE),
        method="bounded",
        options={"xatol": _TOLERANCE},
    )
    return float(found.x)


def _place(spectrum: Spectrum, v: float, *, aspect: float) -> float:
    """z(v) = -1/v + aspect E[s / (1 + s v)]: the argument at which the transform is v."""
    s = spectrum.eigenvalues
    return -1 / v + aspect * spectrum.expect(s / (1 + s * v))


def feature_edge(setting: Setting) -> float:
    """Return the largest singular value of the bulk of the centred (n, N) features over sqrt(n).

    Raises: ValueError if the activation has no linear part.
    Source: derived; Silverstein and Choi 1995 for the edge of each law.
    """
    act = setting.activation_statistics
    if act.c_act == 0:
        raise ValueError("c_act=0.0, needs != 0: the features have no linear part")
    spectrum, psi = setting.spectrum, setting.width_ratio
    slope = act.c_act**2 * psi
    rows = setting.width / setting.samples

    def place(v: float) -> float:
        """The right side of the second law at m = -1 / (c_perp^2 + slope z(v))."""
        m = -1 / (act.c_perp2 + slope * _place(spectrum, v, aspect=1 / psi))
        return -1 / m + rows / m * (1 - v / (slope * m))

    left = weight_edge(spectrum, aspect=1 / psi)
    found = minimize_scalar(
        place,
        bounds=(left, left * _TOLERANCE),
        method="bounded",
        options={"xatol": _TOLERANCE},
    )
    return sqrt(float(found.fun))
