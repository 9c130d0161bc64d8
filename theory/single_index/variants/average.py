"""SI-19: moving averages of the factor, in one step and in the movement of several."""

from __future__ import annotations

import math

import numpy as np
import sympy as sp

from theory.core.claim import Claim
from theory.core.formula import E
from theory.core.guards import count, in_float_range, number, truth
from theory.core.part import Kind, Part
from theory.core.spectrum import Array, Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.assumptions import BASE, DERIVED, EXAMPLE, LINEAR_PART, UNDERPARAMETRISED
from theory.single_index.domain import (
    need_link,
    need_nonnegative,
    need_one_of,
    need_positive,
    need_spectrum,
)
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import c1_link as c1
from theory.single_index.notation import rho2, rho2_cov, rho2_same
from theory.single_index.notation import s_cov as s
from theory.single_index.variants.factor_notation import (
    N_pair,
    T_steps,
    b_avg,
    g_pair,
    kept,
    label_energy,
    length_own,
    mean_P2,
    mean_sP,
    mean_sP2,
    rho2_average,
    same_step,
    u_ahead,
    u_behind,
    u_own,
)
from theory.single_index.variants.mixture import LETTERS, WEIGHTS, solve_mixture
from theory.single_index.variants.schedule import Numbers, newest_batches, overlaps

NEGLIGIBLE = 1e-17  # weight of a batch in the average that no longer counts

_PAIR_NOISE = (
    same_step * label_energy + c1**2 * (g_pair * mean_sP2 - (u_ahead + u_behind) * mean_sP)
) / (1 - phi * g_pair * mean_P2)
_ACCUMULATED = ge.isotropic(ge.kfac_alignment(ge.ONE))

SI_19 = Claim(
    id="SI-19",
    title="Averaged factors lose alignment in one step and regain it over many",
    says=(
        "A factor that averages over past batches with decay b_M contains the gradient's own batch "
        "with the weight 1 − b_M only, so one step keeps little of what the same batch gains. The "
        "movement of several steps regains it, since past labels are correlated with today's "
        "factor. Its noise level τ² is the mean of a noise matrix over all pairs of steps, "
        "weighted with the steps' lengths: a batch inside its own factor moves less. Without "
        "damping and for small d/n the share of c_1²E[s] that the noise level loses over T steps "
        "is 1 − 2b_M²(1 − b_M^T)/(T(1 − b_M²))."
    ),
    source=DERIVED,
    parts={
        "alignment": Part(Kind.LIMIT, sp.Eq(rho2, _ACCUMULATED)),
        "correlation": Part(Kind.LIMIT, sp.Eq(rho2_cov, ge.isotropic(ge.kfac_alignment(s)))),
        "noise_matrix": Part(Kind.LIMIT, sp.Eq(N_pair, _PAIR_NOISE)),
        "length": Part(Kind.LIMIT, sp.Eq(length_own, 1 - phi * u_own * E(ge.P), evaluate=False)),
        "kept": Part(
            Kind.LIMIT,
            sp.Eq(kept, 1 - 2 * b_avg**2 * (1 - b_avg**T_steps) / (T_steps * (1 - b_avg**2))),
        ),
        "average_or_same": Part(
            Kind.ORDERING,
            sp.Eq(
                sp.sign(rho2_average - rho2_same),
                sp.sign(_ACCUMULATED - rho2_same),
                evaluate=False,
            ),
        ),
    },
    definitions=LETTERS,
    assumptions=(*BASE, LINEAR_PART, UNDERPARAMETRISED),
    example=EXAMPLE,
    beyond_paper=True,
)


@in_float_range
def average_alignment(
    *,
    spectrum: Spectrum,
    aspect: float,
    c1: float,
    residual_var: float,
    decay: float,
    damping: float = 0.0,
    steps: int = 1,
    inverse_every: int = 1,
    factor_every: int = 1,
    includes_current: bool = True,
    weight: str = "identity",
) -> float:
    """Return rho^2 of the movement of ``steps`` steps whose factor is a long-run moving average.

    Every step has a fresh batch of d / aspect rows. The factor averages over the batches of every
    ``factor_every``-th step with weights (1 - decay) decay^age, and its inverse is renewed every
    ``inverse_every`` steps; both happen at the first step. includes_current=False: the average
    takes a batch in after the step. decay = 0 is the latest batch alone. The residual stays that
    of the start, as long as the steps move the output little.
    Units:  damping in [x]^2, c1 in [y], residual_var in [y]^2.
    Raises: ValueError for a value outside its bound, and for damping = 0 where the average is worth
        at most d rows.
    Source: derived.
    """
    need_one_of("weight", weight, WEIGHTS)
    need_spectrum(spectrum)
    need_positive(aspect=aspect)
    need_link(c1, residual_var)
    need_nonnegative(damping=damping)
    number("decay", decay, low=0.0, high=1.0, open_high=True)
    count("steps", steps)
    count("inverse_every", inverse_every)
    count("factor_every", factor_every)
    truth("includes_current", includes_current)
    movement = Movement(
        spectrum,
        aspect=aspect,
        c1=c1,
        residual_var=residual_var,
        damping=damping,
        decay=decay,
        newest=newest_batches(steps, inverse_every, factor_every, includes_current),
        factor_every=factor_every,
        period=math.lcm(inverse_every, factor_every),
    )
    part = "alignment" if weight == "identity" else "correlation"
    return float(SI_19[part].number(spectrum, **movement.values()))


def ages(decay: float) -> Array:
    """Return the weights (1 - decay) decay^age (J,) that count."""
    last = 0 if decay == 0 else math.ceil(math.log(NEGLIGIBLE) / math.log(decay))
    return (1.0 - decay) * decay ** np.arange(last + 1.0)


class Movement:
    """The steps of a long-run average: their lengths and the noise matrix.

    newest: as :func:`newest_batches` gives it. period: after how many steps the schedule repeats
    (default: never).
    Raises: ValueError where aspect g E[P^2] >= 1: the noise has no limit.
    """

    def __init__(
        self,
        spectrum: Spectrum,
        *,
        aspect: float,
        c1: float,
        residual_var: float,
        damping: float,
        decay: float,
        newest: Numbers,
        factor_every: int = 1,
        period: int | None = None,
    ) -> None:
        self.factor = solve_mixture(spectrum, weights=ages(decay), aspects=aspect, damping=damping)
        self.spectrum, self.newest = spectrum, newest
        self.period = period or newest.size
        s, u, steps = spectrum.eigenvalues, self.factor.shares, np.arange(newest.size)
        P = s / (s + self.factor.effective_damping)
        self.own = np.where(steps % factor_every == 0, steps // factor_every, -1)
        self.common = {"aspect": aspect, "c1": c1}
        self.label_energy = c1**2 * spectrum.moment(1) + residual_var
        self._means = {
            "label_energy": self.label_energy,
            "kept_square": spectrum.expect(P * P),
            "kept_power": spectrum.expect(s * P),
            "kept_power_twice": spectrum.expect(s * P * P),
        }
        gain = aspect * float(u @ u) * self._means["kept_square"]
        if gain >= 1:
            raise ValueError(f"aspect g E[P^2]={gain!r}, needs < 1: the noise has no limit")
        self._energies = overlaps(u, int(newest[-1] - newest[0]) + 1)
        whole = self.length(1.0) - self.length(0.0)  # a length falls in proportion to the share
        self.lengths = self.length(0.0) + whole * self._shares(newest, self.own)

    def length(self, share: float) -> float:
        """Return how long a step is with this share of its own batch, over one with none."""
        known = {"effective_damping": self.factor.effective_damping, "own_share": share}
        found = SI_19["length"].number(self.spectrum, aspect=self.common["aspect"], **known)
        return float(found)

    def noise(self, rows: Numbers) -> Array:
        """Return the rows (r, T) of the noise matrix."""
        newest, own = self.newest, self.own
        return self._noise(
            np.equal.outer(rows, np.arange(newest.size)).astype(np.float64),
            self._shares(newest[rows, None], own[None, :]),
            self._shares(newest[None, :], own[rows, None]),
            np.subtract.outer(newest[rows], newest),
        )

    def noise_level(self) -> float:
        """Return the mean of the noise matrix, weighted with the lengths of both steps.

        Steps of a period with the same newest batch form a block. The noise is linear in the
        shares and in what a step has of itself, so that a block has that of its mean shares. The
        schedule repeats: the blocks of one period count for all that follow, each pair as often as
        it fits into the steps. The last block may be cut short and stands alone.
        """
        renewed = np.diff(self.newest, prepend=self.newest[0] - 1) > 0
        starts = np.flatnonzero(renewed | (np.arange(self.newest.size) % self.period == 0))
        last = starts.size - 1
        every = max(1, int(np.searchsorted(starts, self.period)))  # blocks of a period
        blocks, everything = np.arange(last), np.arange(last + 1)
        total = self._total(starts, everything, everything[-1:], np.ones(1))
        fits = np.asarray((last - 1 - blocks) // every + 1, dtype=np.float64)
        total += self._total(starts, blocks[:every], blocks, fits)
        return total / float(self.lengths.sum()) ** 2

    def _total(self, starts: Numbers, rows: Numbers, columns: Numbers, fits: Array) -> float:
        """Return the noise of pairs of blocks, the row's not later, weighted with both lengths.

        fits: how often each column counts.
        """
        if not (rows.size and columns.size):
            return 0.0
        same = np.equal.outer(rows, columns)
        ahead = np.less.outer(rows, columns)
        sizes = np.add.reduceat(self.lengths, starts)
        itself = same * np.add.reduceat(self.lengths**2, starts)[columns] / sizes[columns] ** 2
        newest = self.newest[starts]
        noise = self._noise(
            itself,
            self._block_shares(starts, newest[rows], columns, sizes),
            self._block_shares(starts, newest[columns], rows, sizes).T,
            np.subtract.outer(newest[rows], newest[columns]),
        )
        counts = fits * (2.0 * ahead + same)
        return float(sizes[rows] @ (counts * noise) @ sizes[columns])

    def _block_shares(
        self, starts: Numbers, newest: Numbers, blocks: Numbers, sizes: Array
    ) -> Array:
        """Return the mean share of the batches of consecutive blocks in factors (f, b)."""
        ends = np.append(starts, self.newest.size)
        steps = np.arange(ends[blocks[0]], ends[blocks[-1] + 1])
        steps = steps[self.own[steps] >= 0]
        found = np.zeros((newest.size, blocks.size))
        first = np.searchsorted(steps, starts[blocks])
        filled = np.diff(first, append=steps.size) > 0
        if filled.any():
            shares = self._shares(newest[:, None], self.own[steps]) * self.lengths[steps]
            found[:, filled] = np.add.reduceat(shares, first[filled], axis=1)
        return np.asarray(found / sizes[blocks])

    def _noise(self, same: Array, ahead: Array, behind: Array, lags: Numbers) -> Array:
        found = SI_19["noise_matrix"].number(
            same_step=same,
            share_ahead=ahead,
            share_behind=behind,
            pair_energy=self._energies[np.abs(lags)],
            **self.common,
            **self._means,
        )
        return np.asarray(found)

    def values(self) -> dict[str, float]:
        """Return what the alignment of the movement needs, by code name."""
        damping = self.factor.effective_damping
        return {**self.common, "effective_damping": damping, "noise_level": self.noise_level()}

    def _shares(self, newest: Numbers, own: Numbers) -> Array:
        """Return the share of the batch ``own`` (-1: in no factor) in a factor, 0 if newer."""
        age = newest - own
        inside = (own >= 0) & (age >= 0) & (age < self.factor.shares.size)
        return np.where(inside, self.factor.shares[np.where(inside, age, 0)], 0.0)
