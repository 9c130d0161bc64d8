"""KFAC for squared loss on linear layers and kernels, in pieces that the twins here replace."""

import torch


class Kfac(torch.optim.Optimizer):
    """One layer is preconditioned by its own two factors, taken from the last forward pass."""

    def __init__(self, model, lr=0.1, damping=1e-3):
        kinds = (torch.nn.Linear, torch.nn.Conv2d)
        self.layers = [m for m in model.modules() if isinstance(m, kinds)]
        self.inputs, self.outputs, self.factors = {}, {}, []
        groups = [{"params": list(m.parameters())} for m in self.layers]
        super().__init__(groups, {"lr": lr, "damping": damping})
        for m in self.layers:
            m.register_forward_hook(self.remember)
        model.register_forward_hook(self.measure)

    def remember(self, layer, inputs, output):
        x = inputs[0].detach()
        if isinstance(layer, torch.nn.Conv2d):
            x = self.patches(layer, x)
        x = x.to(torch.promote_types(x.dtype, torch.float32))
        if layer.bias is not None:
            x = torch.cat([x, torch.ones_like(x[:, :1])], 1)
        self.inputs[layer], self.outputs[layer] = x, output

    def patches(self, layer, x):
        options = {"padding": layer.padding, "stride": layer.stride}
        columns = torch.nn.functional.unfold(x, layer.kernel_size, **options)
        return columns.transpose(1, 2).reshape(-1, columns.shape[1])

    def measure(self, model, inputs, output):
        if not output.requires_grad:
            return
        outputs = [self.outputs[m] for m in self.layers]
        curvature = [0.0 for _ in outputs]
        for entry in output.reshape(len(output), -1).unbind(1):
            slopes = torch.autograd.grad(entry.sum(), outputs, retain_graph=True)
            for i, slope in enumerate(slopes):
                rows = slope.movedim(1, -1).flatten(0, -2)
                rows = rows.to(torch.promote_types(rows.dtype, torch.float32))
                curvature[i] = curvature[i] + rows.T @ rows / len(rows)
        xs = [self.inputs[m] for m in self.layers]
        self.factors = [(x.T @ x / len(output), G) for x, G in zip(xs, curvature, strict=True)]

    def solved(self, A, damping, rows):
        """Return rows (A + damping I)^(-1)."""
        eye = torch.eye(len(A), dtype=A.dtype)
        return torch.linalg.solve(A + damping * eye, rows.T).T

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group, (A, G) in zip(self.param_groups, self.factors, strict=True):
            weight, *bias = group["params"]
            if weight.grad is None:
                continue
            grad = torch.cat([q.grad.reshape(len(weight), -1) for q in group["params"]], 1)
            move = self.solved(A, group["damping"], grad.to(A.dtype))
            move = self.solved(G, group["damping"], move.T).T.to(weight.dtype)
            size = weight[0].numel()
            weight -= group["lr"] * move[:, :size].reshape(weight.shape)
            for b in bias:
                b -= group["lr"] * move[:, size]
        return loss
