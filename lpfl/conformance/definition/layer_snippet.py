"""A layer-wise method's departure from its definition, as a program with torch alone."""

import inspect

from lpfl.conformance.definition.layer_conventions import LayerComparison, LayerFit
from lpfl.conformance.definition.layer_runs import LayerRun, outputs_of
from lpfl.conformance.learning.twin_snippet import build_text, drive_text, spoken
from lpfl.conformance.snippets import optimizer_text, proven
from lpfl.seeding import derive_seed

LONGEST = 128
_PROGRAM = """\
import torch
from torch import nn

{make}


{network}

draw = torch.Generator().manual_seed({seed})
normal = lambda *size: torch.randn(size, generator=draw, dtype=torch.float64)
model = {network_name}()
state = {{name: 0.5 * normal(*v.shape) for name, v in model.state_dict().items()}}
model = model.to({dtype})
model.load_state_dict(state)
layers = [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]


def joined(layer):
    W = layer.weight.detach().double().flatten(1)
    return W.clone() if layer.bias is None else torch.cat([W, layer.bias.detach()[:, None]], 1)


torch.manual_seed({global_seed})
{build}
scales = 10 ** ({spread} * normal(*{input_shape}).clamp(-2, 2))
for t in range({step}):
    rows = {rows}
    X = (scales * normal(rows, *{input_shape})).to({dtype})
    Y = normal(rows, {outputs}).to({dtype})
    before = [joined(layer) for layer in layers]

    def loss():
        return (model(X).flatten(1) - Y).square().sum() / (2 * len(X))

{drive}
{after}expected = [torch.tensor(rows).double() for rows in {expected}]
updates = [joined(layer) - old for layer, old in zip(layers, before)]
size = lambda tensors: sum(float(x.square().sum()) for x in tensors) ** 0.5
gap = size([u - e for u, e in zip(updates, expected)]) / size(expected)
print("step {step}: relative distance from the definition", gap)
"""


def layer_snippet(
    comparison: LayerComparison, run: LayerRun, fit: LayerFit, step: int
) -> tuple[str, str]:
    """Return a program, executed, that prints the distance at ``step``; or why there is none."""
    subject, scenario = comparison.subject, run.scenario
    if not spoken(subject):
        return "", "the drive has no short program"
    wanted = comparison.wanted(run, fit, step)[step - 1]
    size = sum(float(w.square().sum()) for w in wanted) ** 0.5
    if sum(w.numel() for w in wanted) > LONGEST or not size > 0:
        return "", "the expected update is too large to be written out, or zero"
    apart = zip(run.moves()[step - 1], wanted, strict=True)
    gap = sum(float((u - w).square().sum()) for u, w in apart) ** 0.5 / size
    text = _PROGRAM.format(
        make=optimizer_text(subject),
        network=inspect.getsource(scenario.build).replace(" -> nn.Module", ""),
        network_name=scenario.build.__name__,
        seed=derive_seed(subject.seed, "conformance", "layers", scenario.name),
        dtype=str(scenario.dtype),
        global_seed=subject.seed,
        build=build_text(subject, dict(run.given)).replace("\n    ", "\n"),
        spread=scenario.spread,
        input_shape=scenario.input_shape,
        step=step,
        rows=f"{scenario.rows} if t < 2 else {scenario.rows_at(2)}"
        if scenario.later_rows
        else scenario.rows,
        outputs=outputs_of(scenario),
        drive="    " + drive_text(subject).replace("\n        ", "\n    "),
        after="optimizer.eval()\n" if "mode" in subject.needs else "",
        expected=[w.tolist() for w in wanted],
    )
    return proven(subject, text, gap)
