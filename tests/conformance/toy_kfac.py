"""A small KFAC that hooks linear layers, right and broken in ways that are met in the wild."""

import torch


class Kfac(torch.optim.Optimizer):
    """Input factor of the batch, output factor of the outputs' Jacobian, damping on each."""

    def __init__(self, model, lr=0.1, damping=1e-4):
        self.layers = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
        self.seen, self.pairs, self.old = {}, [], []
        groups = [{"params": [m.weight]} for m in self.layers]
        super().__init__(groups, {"lr": lr, "damping": damping})
        for layer in self.layers:
            layer.register_forward_hook(self.keep)
        model.register_forward_hook(self.factors)

    def keep(self, layer, inputs, output):
        self.seen[layer] = (inputs[0].detach(), output)

    def factors(self, model, inputs, output):
        if not output.requires_grad:
            return
        outputs = [self.seen[m][1] for m in self.layers]
        rows = [
            torch.autograd.grad(output[:, j].sum(), outputs, retain_graph=True)
            for j in range(output.shape[1])
        ]
        new = []
        for i, layer in enumerate(self.layers):
            X = self.seen[layer][0]
            G = sum(row[i].T @ row[i] for row in rows) / len(X)
            new.append((X.T @ X / len(X), G))
        self.old, self.pairs = self.pairs or new, new

    def inverse(self, A, damping):
        return torch.linalg.inv(A + damping * torch.eye(len(A), dtype=A.dtype))

    def used(self):
        return self.pairs

    @torch.no_grad()
    def step(self):
        for group, (A, G) in zip(self.param_groups, self.used(), strict=True):
            (W,) = group["params"]
            left, right = (self.inverse(S, group["damping"]) for S in (G, A))
            W.sub_(left @ W.grad @ right, alpha=group["lr"])


class DiagonalKfac(Kfac):
    """The diagonals of the factors in place of the factors."""

    def inverse(self, A, damping):
        return torch.diag(1 / (A.diagonal() + damping))


class RootKfac(Kfac):
    """The inverse square root in place of the inverse."""

    def inverse(self, A, damping):
        values, basis = torch.linalg.eigh(A)
        return (basis * (values.clamp(min=0) + damping) ** -0.5) @ basis.T


class OneRootKfac(Kfac):
    """Powers of the damped factors: the inverse square root of one of them."""

    powers = (0.0, -0.5)

    @torch.no_grad()
    def step(self):
        for group, (A, G) in zip(self.param_groups, self.used(), strict=True):
            (W,) = group["params"]
            left, right = (
                self.power(S, group["damping"], p) for S, p in zip((G, A), self.powers, strict=True)
            )
            W.sub_(left @ W.grad @ right, alpha=group["lr"])

    def power(self, A, damping, exponent):
        values, basis = torch.linalg.eigh(A)
        return (basis * (values.clamp(min=0) + damping) ** exponent) @ basis.T


class OutputRootKfac(OneRootKfac):
    powers = (-0.5, 0.0)


class InputRootKfac(OneRootKfac):
    powers = (-1.0, -0.5)


class DampedLateKfac(Kfac):
    """Damping added after the inversion."""

    def __init__(self, model, lr=0.1, damping=1e-2):
        super().__init__(model, lr, damping)

    def inverse(self, A, damping):
        eye = torch.eye(len(A), dtype=A.dtype)
        return torch.linalg.inv(A + 1e-8 * eye) + damping * eye


class StaleKfac(Kfac):
    """The factors of the batch before."""

    def used(self):
        return self.old


class DeafKfac(Kfac):
    """A damping option that nothing reads: a constant stands in its place."""

    def inverse(self, A, damping):
        return super().inverse(A, 1.0)


class AveragedKfac(Kfac):
    """Factors averaged over batches, as most libraries do: a documented variant."""

    def __init__(self, model, lr=0.1, damping=1e-4, stat_decay=0.9):
        super().__init__(model, lr, damping)
        for group in self.param_groups:
            group["stat_decay"] = stat_decay
        self.mean = None

    def used(self):
        decay = self.param_groups[0]["stat_decay"]
        if self.mean is None:
            self.mean = self.pairs
        pairs = zip(self.mean, self.pairs, strict=True)
        self.mean = [
            (decay * A + (1 - decay) * B, decay * G + (1 - decay) * H) for (A, G), (B, H) in pairs
        ]
        return self.mean


class SampledKfac(Kfac):
    """The output factor of gradients of outputs that are drawn from the model, one a row."""

    def factors(self, model, inputs, output):
        if not output.requires_grad:
            return
        outputs = [self.seen[m][1] for m in self.layers]
        drawn = torch.randn(output.shape, dtype=output.dtype)
        slopes = torch.autograd.grad((output * drawn).sum(), outputs, retain_graph=True)
        self.pairs = [
            (X.T @ X / len(X), self.moment(g))
            for (X, _), g in zip((self.seen[m] for m in self.layers), slopes, strict=True)
        ]

    def moment(self, g):
        return g.T @ g / len(g)


class MeanSampledKfac(SampledKfac):
    """The outer product of the mean gradient, which is right in the mean and of rank one."""

    def moment(self, g):
        return len(g) * torch.outer(g.mean(0), g.mean(0))


class SmallMeanSampledKfac(SampledKfac):
    """The same without the number of rows."""

    def moment(self, g):
        return torch.outer(g.mean(0), g.mean(0))


class PrivateKfac(SampledKfac):
    """A sampled output factor, by a generator of its own."""

    def __init__(self, model, lr=0.1, damping=1e-4):
        super().__init__(model, lr, damping)
        self.generator = torch.Generator().manual_seed(5)

    def factors(self, model, inputs, output):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(10**6, (), generator=self.generator)))
            super().factors(model, inputs, output)


class PrivateMeanKfac(PrivateKfac):
    """The same with the outer product of the mean."""

    def moment(self, g):
        return len(g) * torch.outer(g.mean(0), g.mean(0))
