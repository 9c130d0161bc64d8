"""PSGD-Kron with the mistakes of a preconditioner that does not learn, or is not used."""

import torch

from tests.conformance.twins.frame import Twin, count, method


@method("psgd-kron", lr=0.001, b1=0.9, precond_lr=0.1, weight_decay=0.0)
def kron(p, g, s, o, fault):
    wide = torch.promote_types(p.dtype, torch.float32)
    G = (g.flatten(1) if g.ndim > 1 else g.reshape(-1, 1)).to(wide)
    if "m" not in s:
        size = float(G.square().mean()) ** -0.125 if bool(G.any()) else 1.0
        s["m"] = torch.zeros_like(G)
        s["Q"] = [size * torch.eye(n, dtype=wide) for n in G.shape]
    t = count(s)
    s["m"], (L, R) = s["m"].to(wide).lerp(G, 1 - o.b1), (Q.to(wide) for Q in s["Q"])
    mean = s["m"] / (1 - o.b1**t)
    if not (fault == "never learns" or (fault == "learns for five steps" and t > 5)):
        A = L @ mean @ R.T
        V = torch.linalg.solve_triangular(L.T, torch.randn_like(G), upper=False)
        B = torch.linalg.solve_triangular(R.T, V.T, upper=False).T
        for i, (a, b) in enumerate(((A @ A.T, B @ B.T), (A.T @ A, B.T @ B))):
            way = b - a if fault == "learns the other way round" else a - b
            rate = o.precond_lr / float((a + b).norm().clamp(min=1e-30))
            Q = (L, R)[i]
            s["Q"][i] = Q - rate * way.triu() @ Q
    L, R = (Q.to(wide) for Q in s["Q"])
    step = L.T @ L @ mean @ R.T @ R
    if fault == "one side only":
        step = L.T @ L @ mean
    if fault == "factors used once":
        step = L @ mean @ R.T
    if fault == "factors turned over":
        step = L @ L.T @ mean @ R @ R.T
    size = float(step.square().mean().sqrt()) if step.numel() else 0.0
    p *= 1 - o.lr * o.weight_decay
    p -= o.lr * min(1.0, 1.1 / max(size, 1e-30)) * step.to(p.dtype).reshape(p.shape)


METHODS = {"kron": kron}
WHITENING = {"def.whitening": "deviates"}
TWINS = [
    Twin("kron", "never learns", WHITENING),
    Twin("kron", "learns for five steps", WHITENING),
    Twin("kron", "learns the other way round", WHITENING),
    Twin("kron", "one side only", WHITENING),
    Twin("kron", "factors used once", WHITENING),
    Twin("kron", "factors turned over", WHITENING),
]
