"""SI-30: the inputs enter a network's training through one Gram matrix."""

from __future__ import annotations

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.notation import A, G, Q, X
from theory.single_index.assumptions import EXAMPLE, STEP
from theory.single_index.notation import back, eta, moved_outputs, right_factor

_STEP = G - eta * back * X * right_factor

SI_30 = Claim(
    id="SI-30",
    title="Gram sufficiency",
    says=(
        "A gradient in the first layer is a product of back-propagated signals and input rows. "
        "So the neurons' inputs XGᵀ after a step with the right factor P depend on the inputs "
        "through XGᵀ and XPᵀXᵀ alone, and so do all outputs, for any activation, loss and head, "
        "at every later step. For SGD this Gram matrix is XXᵀ, which rotations and isometric "
        "embeddings keep. For KFAC without damping it is the projector on the column space of X, "
        "which every invertible map of the inputs keeps: the network's outputs cannot depend on "
        "the covariance of the inputs. With fewer rows than dimensions the pseudo-inverse keeps "
        "this on the rows of its own batch only. With damping, or for SGD, the outputs do depend "
        "on the map."
    ),
    source=Source.derived("extends LR-27 to non-linear networks"),
    parts={
        "outputs": Part(
            Kind.IDENTITY,
            sp.Eq(X * _STEP.T, X * G.T - eta * (X * right_factor.T * X.T) * back.T, evaluate=False),
        ),
        "kfac_gram": Part(
            Kind.IDENTITY,
            sp.Eq(
                X * A.T * (A * X.T * X * A.T).inv() * A * X.T,
                X * (X.T * X).inv() * X.T,
                evaluate=False,
            ),
        ),
        "start": Part(Kind.IDENTITY, sp.Eq(X * A.T * (G * A.inv()).T, X * G.T, evaluate=False)),
        "sgd_gram": Part(Kind.IDENTITY, sp.Eq(X * Q.T * Q * X.T, X * X.T, evaluate=False)),
        "kept": Part(Kind.IDENTITY, sp.Eq(moved_outputs, 0), "outputs of two runs that stay equal"),
        "broken": Part(Kind.BOUND, sp.Gt(moved_outputs, 0), "outputs of two runs that part"),
    },
    assumptions=(STEP,),
    example=EXAMPLE,
    beyond_paper=True,
)
