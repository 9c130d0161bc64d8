"""A KFAC with a period for its factors and one for its inverses, right and broken."""

import torch


class Periodic(torch.optim.Optimizer):
    """The empirical Fisher, averaged over batches, with the damping on each factor.

    TCov: steps between two renewals of the factors. TInv: steps between two inversions of them.
    kl_clip: bound on lr^2 <gradient, step>, summed over all layers; 0: none.
    """

    def __init__(self, model, lr=0.1, damping=1e-2, stat_decay=0.9, TCov=10, TInv=100, kl_clip=0.0):
        self.layers = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
        options = {"lr": lr, "damping": damping, "stat_decay": stat_decay}
        options |= {"TCov": TCov, "TInv": TInv, "kl_clip": kl_clip}
        super().__init__(list(model.parameters()), options)
        self.batch, self.factors, self.inverses, self.count = {}, {}, {}, 0
        for layer in self.layers:
            layer.register_forward_pre_hook(self.keep_input)
            layer.register_full_backward_hook(self.keep_output)

    def keep_input(self, layer, inputs):
        x = inputs[0].detach()
        if layer.bias is not None:
            x = torch.cat([x, x.new_ones(len(x), 1)], 1)
        self.batch[layer, "A"] = x.T @ x / len(x)

    def keep_output(self, layer, grad_input, grad_output):
        g = grad_output[0].detach()
        self.batch[layer, "G"] = g.T @ g * len(g)

    def renews(self, group):
        return self.count % group["TCov"] == 0

    def inverts(self, group):
        return self.count % group["TInv"] == 0

    def average(self, group):
        decay = group["stat_decay"]
        for key, new in self.batch.items():
            old = self.factors.get(key, new)
            self.factors[key] = decay * old + (1 - decay) * new

    def invert(self, group):
        for key, S in self.factors.items():
            self.inverses[key] = torch.linalg.inv(S + group["damping"] * torch.eye(len(S)).to(S))

    def refresh(self, group):
        if self.renews(group):
            self.average(group)
        if self.inverts(group):
            self.invert(group)

    def factor(self, pairs, group):
        """Return what each layer's step is multiplied by, from (gradient, step) of all."""
        return [self.nu(pairs, group)] * len(pairs)

    def nu(self, pairs, group):
        along = sum(float((g * s).sum()) for g, s in pairs) * group["lr"] ** 2
        return (
            min(1.0, (group["kl_clip"] / along) ** 0.5) if group["kl_clip"] and along > 0 else 1.0
        )

    def preconditioned(self, layer, grad):
        return self.inverses[layer, "G"] @ grad @ self.inverses[layer, "A"]

    @torch.no_grad()
    def step(self, closure=None):
        (group,) = self.param_groups
        self.refresh(group)
        pairs = []
        for layer in self.layers:
            W, b = layer.weight, layer.bias
            grad = W.grad if b is None else torch.cat([W.grad, b.grad[:, None]], 1)
            pairs.append((grad, self.preconditioned(layer, grad)))
        factors = self.factor(pairs, group)
        for layer, (_, step), nu in zip(self.layers, pairs, factors, strict=True):
            layer.weight -= group["lr"] * nu * step[:, : layer.weight.shape[1]]
            if layer.bias is not None:
                layer.bias -= group["lr"] * nu * step[:, -1]
        self.count += 1


class CountsFromOne(Periodic):
    """The first step renews and inverts, then the multiples of the periods do."""

    def renews(self, group):
        return not self.count or (self.count + 1) % group["TCov"] == 0

    def inverts(self, group):
        return not self.count or (self.count + 1) % group["TInv"] == 0


class InvertsFromOne(Periodic):
    """The two counters start apart: hooks count before the step does."""

    def inverts(self, group):
        return not self.count or (self.count + 1) % group["TInv"] == 0


class PlainAtFirst(Periodic):
    """Plain gradients until the count reaches the periods."""

    def renews(self, group):
        return (self.count + 1) % group["TCov"] == 0

    def inverts(self, group):
        return self.factors and (self.count + 1) % group["TInv"] == 0

    def preconditioned(self, layer, grad):
        return super().preconditioned(layer, grad) if self.inverses else grad


class InvertsFirst(Periodic):
    """Inverses of the factors before their renewal."""

    def refresh(self, group):
        if not self.factors:
            self.average(group)
        elif self.inverts(group):
            self.invert(group)
        if not self.inverses:
            self.invert(group)
        elif self.renews(group):
            self.average(group)


class InvertsAtTheEnd(Periodic):
    """Factors and inverses are renewed after the step, as SOAP does."""

    def refresh(self, group):
        if not self.inverses:
            super().refresh(group)

    def step(self, closure=None):
        super().step()
        self.count -= 1
        if self.count:
            super().refresh(self.param_groups[0])
        self.count += 1


class InvertsAlways(Periodic):
    """The period of the inverses is ignored."""

    def inverts(self, group):
        return True


class InvertsOnce(Periodic):
    def inverts(self, group):
        return not self.count


class RenewsAlways(Periodic):
    """The period of the factors is ignored."""

    def renews(self, group):
        return True


class RenewsOnce(Periodic):
    def renews(self, group):
        return not self.count


class Exchanged(Periodic):
    def renews(self, group):
        return self.count % group["TInv"] == 0

    def inverts(self, group):
        return self.count % group["TCov"] == 0


class OnePeriod(Periodic):
    """The inverses are renewed with the factors, whatever their own period says."""

    def inverts(self, group):
        return self.renews(group)


class AveragedTwice(Periodic):
    """An inversion takes the batch into the average once more."""

    def invert(self, group):
        if self.count:
            self.average(group)
        super().invert(group)


class AverageSkipped(Periodic):
    """A step that inverts leaves its batch out of the average."""

    def renews(self, group):
        return super().renews(group) and (not self.count or not self.inverts(group))


class InversesOnly(Periodic):
    """One period, that of the inverses: factors take in every batch."""

    def __init__(self, model, lr=0.1, damping=1e-2, stat_decay=0.9, TInv=100):
        super().__init__(model, lr, damping, stat_decay, TCov=1, TInv=TInv)
        del self.param_groups[0]["TCov"], self.defaults["TCov"]

    def renews(self, group):
        return True


class InversesOnlyOnce(InversesOnly):
    def inverts(self, group):
        return not self.count


class InversesOnlyAlways(InversesOnly):
    def inverts(self, group):
        return True


class InvertsFresh(Periodic):
    """Nothing is inverted again that was not renewed."""

    def inverts(self, group):
        return super().inverts(group) and self.renews(group)


class RefusesUndivided(Periodic):
    """As some warn: the inverses' period must be a multiple of the factors'."""

    def __init__(self, model, lr=0.1, damping=1e-2, stat_decay=0.9, TCov=10, TInv=100):
        if TInv % TCov:
            raise ValueError("TInv must be a multiple of TCov")
        super().__init__(model, lr, damping, stat_decay, TCov, TInv)


class OtherNames(Periodic):
    """The periods under other names, kept outside the groups."""

    def __init__(
        self,
        model,
        lr=0.1,
        damping=1e-2,
        factor_decay=0.9,
        factor_update_steps=10,
        inv_update_steps=100,
    ):
        super().__init__(model, lr, damping, factor_decay)
        self.every = factor_update_steps, inv_update_steps
        for name in ("TCov", "TInv", "stat_decay"):
            del self.param_groups[0][name], self.defaults[name]
        self.param_groups[0]["factor_decay"] = factor_decay

    def average(self, group):
        super().average({"stat_decay": group["factor_decay"]})

    def renews(self, group):
        return self.count % self.every[0] == 0

    def inverts(self, group):
        return self.count % self.every[1] == 0


class StrangePeriod(OtherNames):
    """A period under a name that no one has heard of."""

    def __init__(self, model, lr=0.1, damping=1e-2, factor_decay=0.9, sides=7):
        super().__init__(model, lr, damping, factor_decay, 1, sides)


class FixedLongPeriod(StrangePeriod):
    """It is taken at its default alone."""

    def __init__(self, model, lr=0.1, damping=1e-2, factor_decay=0.9, sides=200):
        if sides != 200:
            raise ValueError("sides must be 200")
        super().__init__(model, lr, damping, factor_decay, sides)


class Halved(Periodic):
    """Every second step is half as long, unless that is switched off."""

    def __init__(self, model, lr=0.1, damping=1e-2, stat_decay=0.9, halve=True):
        super().__init__(model, lr, damping, stat_decay, TCov=1, TInv=1)
        self.halve = halve

    def factor(self, pairs, group):
        half = 0.5 if self.halve and self.count % 2 else 1.0
        return [half * nu for nu in super().factor(pairs, group)]
