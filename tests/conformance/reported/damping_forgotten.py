"""Inverse-free KFAC whose iteration regularises with 1 instead of the damping."""

import torch

from tests.conformance.reported.kfac_frame import Kfac

CLAIMS = {"kfac"}
CAUGHT_BY = {"def.trajectory": "deviates", "api.options": "deviates"}


class InverseFree(Kfac):
    def term(self, damping):
        return damping

    def solved(self, A, damping, rows):
        term = self.term(damping)
        eye = torch.eye(len(A), dtype=A.dtype)
        K = eye / (torch.linalg.matrix_norm(A, 2) + max(term, damping)).sqrt()
        for _ in range(60):
            K = K @ (1.5 * eye - 0.5 * (K.T @ A @ K + term * K.T @ K))
        return rows @ K @ K.T


class Forgets(InverseFree):
    def term(self, damping):
        return 1.0


def wrong(model):
    return Forgets(model)


def right(model):
    return InverseFree(model)
