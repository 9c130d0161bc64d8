"""A small catalogue and a run of it, for the tests of the page."""

import math
import random
from typing import Any

import sympy as sp

from lpfl.results.store import Results
from tests.results.samples import claim_line, header, observation
from theory.core.claim import Assumption, Claim, collect
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation import notation as sym

SIZES = {"input_dim": 6, "rank": 2, "output_dim": 3, "batch_size": 40}
STEP = Assumption(text="the step size is at most one", relation=sp.Le(sym.eta, 1))
INPUTS = Assumption(
    text="the inputs are Gaussian or signs", fact="inputs", allowed=("gaussian", "signs")
)

IDENTITY = Claim(
    id="LR-03",
    title="One KFAC step on a finite batch contracts the part outside the true rows",
    says="For any covariance and any head of full column rank, the part of the representation "
    "outside the true row space shrinks by exactly 1 - step size, up to a noise term.",
    source=Source.seen("Zhang et al. 2025, eq. (5)"),
    parts=dict(
        zip(
            ("step", "gradient"),
            (
                Part(Kind.IDENTITY, relation)
                for relation in sp.Tuple(
                    sp.Eq(
                        sym.G_next * sym.P_perp,
                        (1 - sym.eta) * sym.G * sym.P_perp
                        + sym.eta
                        * (sym.F.T * sym.F).I
                        * sym.F.T
                        * sym.N
                        * sym.Sigma_hat.I
                        * sym.P_perp,
                    ),
                    sp.Eq(
                        sym.grad_G,
                        sym.F.T
                        * ((sym.F * sym.G - sym.F_star * sym.G_star) * sym.Sigma_hat - sym.N),
                    ),
                )
            ),
            strict=True,
        )
    ),
    definitions={sym.P_perp: sp.Identity(sym.d) - sym.G_star.T * sym.G_star},
    assumptions=(STEP, INPUTS),
    example=SIZES | {"step_size": 0.5, "inputs": "gaussian"},
)
BOUND = Claim(
    id="LR-08",
    title="The sharp cone",
    says="Inside the cone the largest angle shrinks at the stated rate.",
    source=Source.derived(),
    parts={
        "contraction": Part(
            Kind.BOUND,
            sp.Le(
                sp.tan(sym.theta_next),
                (1 - sym.eta) / (1 - sym.eta * sym.b_cone) * sp.tan(sym.theta),
            ),
        )
    },
    definitions={
        sym.phi: sp.acos(2 * sp.sqrt(sym.kappa) / (sym.kappa + 1)),
        sym.b_cone: sp.Max(0, sp.tan(sym.theta) * sp.tan(sym.phi - sym.theta)),
    },
    assumptions=(STEP, Assumption(text="the cone", relation=sym.theta < sp.pi / 2 - sym.phi)),
    example={"step_size": 0.5, "angle": 0.1, "cone_angle": 0.2},
    beyond_paper=True,
)
LIMIT = Claim(
    id="LR-12",
    title="Floor of KFAC on fresh Gaussian batches",
    says="With label noise the tangents settle at a floor.",
    source=Source.derived(),
    parts={"tangent_floor": Part(Kind.LIMIT, sp.Eq(
        sp.Trace(sym.T * sym.T.T),
        sym.eta / (2 - sym.eta) * sym.sigma**2 / (sym.n - sym.d - 1)
        * sp.Trace(sym.H.I) * sp.Trace(sym.Sigma_s.I),
    ))},
    assumptions=(STEP,),
    example={"step_size": 0.5},
    beyond_paper=True,
)  # fmt: skip
WAITING = Claim(
    id="SI-02",
    title="A claim that nobody has run",
    says="Nothing was measured.",
    source=Source.derived(),
    parts={
        "lower": Part(
            Kind.RATE, sp.Ge(sym.dist_t, sp.Max(0, 1 - 2 / sym.kappa_H) ** sym.t_steps * sym.dist)
        )
    },
    example={},
)
CATALOGUE = collect([IDENTITY, BOUND, LIMIT, WAITING])


def run(size: int = 60, **changes: Any) -> Results:
    """A run with every verdict in it: identity confirmed, bound refuted, limit inconclusive."""
    stream = random.Random(1)
    observations, claims = [], {}
    for _ in range(size):
        statistic = 10 ** stream.uniform(-4, -0.3)
        common = {"replicates": 3, "statistic": statistic, "margin": 1 - statistic}
        if stream.random() < 0.1:
            common |= {"statistic": 0.0, "margin": 1.0}
        observations.append(
            observation("LR-03", kind="identity", predicted=None, measured=None, **common)
        )
    for index in range(size):
        statistic = stream.uniform(0.3, 0.99) if index else 1.2
        outcome = "confirmed" if index else "refuted"
        common = {"statistic": statistic, "margin": 1 - statistic, "outcome": outcome}
        observations.append(observation("LR-08", measured=0.8 * statistic, **common))
    for index in range(size):
        predicted = 10 ** stream.uniform(-3, 0)
        outcome = "inconclusive" if index % 7 == 0 else "confirmed"
        common = {"kind": "limit", "outcome": outcome, "statistic": stream.uniform(0.2, 0.95)}
        common |= {"predicted": predicted, "measured": predicted * stream.gauss(1, 0.04)}
        record = observation("LR-12", tolerance=0.1 * predicted, **common)
        if index == 0:
            record["picture"] = PICTURE
        observations.append(record)
    claims["LR-03"] = claim_line("LR-03", kind="identity", statistic=0.5, margin=0.5)
    claims["LR-03"]["worst"] |= {"predicted": None, "measured": None}
    worst = claim_line()["worst"] | {
        "measured": 0.96,
        "scenario": {
            "input_dim": 8,
            "rank": 2,
            "covariance": {"family": "geometric", "log10_condition": 1.5, "rotation": 3},
            "step_size": 0.73,
        },
        "detail": "tan of the angle rose from 0.8 to 0.96; an exact rational counter-example.",
    }
    claims["LR-08"] = claim_line(
        "LR-08", verdict="refuted", statistic=1.2, margin=-0.2, worst=worst
    )
    claims["LR-12"] = claim_line(
        "LR-12", kind="limit", verdict="inconclusive", margin=0.05, margin_std_error=0.02,
        statistic=0.95, alpha=2.5e-7, detectable=0.031, samples_needed=240, replicates=64,
    )  # fmt: skip
    head = header(["LR-03", "LR-08", "LR-12"], **changes)
    return Results(head, observations, claims, True, [])


def _curve(name: str, rate: float, style: str = "line") -> dict[str, Any]:
    xs = list(range(40))
    ys = [math.exp(-rate * x) + 1e-4 for x in xs]
    band = {"low": [0.7 * y for y in ys], "high": [1.3 * y for y in ys]}
    return {"name": name, "style": style, "x": xs, "y": ys} | (band if rate < 0.25 else {})


PICTURE = {
    "title": "Distance over steps",
    "x_label": "step",
    "y_label": "squared tangent",
    "x_scale": "linear",
    "y_scale": "log",
    "series": [
        _curve("KFAC", 0.2),
        _curve("prediction", 0.3),
        _curve("AMGD", 0.1),
        _curve("joint descent", 0.4, "points"),
    ],
    "note": "Mean of 64 replicates.",
}
