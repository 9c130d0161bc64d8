"""Faults that the check of OP-23 must refute."""

from lpfl.verify.planting import Fault

CORE = "lpfl.optim.core"
CHAIN = "lpfl.problems.linear_representation.chain"
AFFINE = "lpfl.problems.linear_representation.affine"
TORCH = "lpfl.optim.torch_form:RuleOptimizer"
STATISTICS = f"{CORE}.layer_statistics"

FAULTS = (
    Fault("OP-23", f"{CORE}.chain:chain_step", "chain_layer(seen, i, batch)",
          "chain_layer(layers, i, batch)", "in turn with old factors"),
    Fault("OP-23", f"{CORE}.chain:chain_step", "chain_gradients(seen, batch)",
          "chain_gradients(layers, batch)", "in turn with old gradients"),
    Fault("OP-23", f"{CORE}.chain:chain_step", "(index,)", "(len(layers) - 1 - index,)",
          "the last layer first"),
    Fault("OP-23", f"{CORE}.chain:chain_step", "rules[i]", "rules[0]", "one rule for all"),
    Fault("OP-23", f"{CORE}.chain:chain_step", "after[i], kept[i] = piece.moved()",
          "after[i], _ = piece.moved()", "states forgotten"),
    Fault("OP-23", f"{CORE}.affine:_moved", 'bias_factor == "shared"', "True",
          "own factor of the bias ignored"),
    Fault("OP-23", f"{CORE}.affine:affine_step",
          "_moved(head_rule, weights.head, slopes.head, hidden, None, bias_factor)",
          "_moved(rule, weights.head, slopes.head, hidden, None, bias_factor)",
          "rule of the head ignored"),
    Fault("OP-23", f"{CORE}.affine:affine_step",
          "_moved(rule, weights.representation, slopes.representation, batch.cov_x, F.mT @ F, "
          "bias_factor)",
          "_moved(rule, weights.representation, slopes.representation, batch.cov_x, None, "
          "bias_factor)", "no output factor beside biases"),
    Fault("OP-23", f"{AFFINE}:affine_gradients", "residual @ over.mT", "residual @ over.mT / 2.0",
          "half the gradient of the head"),
    Fault("OP-23", f"{CHAIN}:chain_gradients", "grad @ under.mT", "2.0 * grad @ under.mT",
          "twice the gradient above the first layer"),
    Fault("OP-23", f"{TORCH}.step", 'self.param_groups[0]["draw"] += 1',
          'self.param_groups[0]["draw"] += 0', "every step draws the same residuals"),
    Fault("OP-23", f"{TORCH}._move", 'float(group["lr"]) != 0.0', "True",
          "a rate of zero moves the weights"),
    Fault("OP-23", f"{TORCH}._matrices", 'group.get("input_factor") == "separate"', "False",
          "the separate pass ignored"),
    Fault("OP-23", f"{TORCH}.step", "layer._replace(scale=scale)", "layer",
          "the clip computed but not used"),
    Fault("OP-23", f"{TORCH}._piece", 'memory.get(f"leaf_{i}", leaf)', "leaf",
          "state restarted in every step"),
    Fault("OP-23", f"{STATISTICS}:LayerStatistics._moments", "value + totals.get(key, 0.0)",
          "value", "the last output only"),
    Fault("OP-23", f"{STATISTICS}:LayerStatistics._keep", "torch.ones_like(rows[:, :1])",
          "torch.zeros_like(rows[:, :1])", "the constant of a bias is zero"),
    Fault("OP-23", f"{STATISTICS}:LayerStatistics._differentiate", "total / len(parts)", "total",
          "draws of a row added up"),
    Fault("OP-23", f"{STATISTICS}:_Empirical.__call__", "rows * rows.shape[0]", "rows",
          "gradients of the mean loss for those of its rows"),
    Fault("OP-23", f"{STATISTICS}:LayerStatistics.seen",
          "self._separate if separate else self._inputs", "self._inputs",
          "separate inputs not handed out"),
    Fault("OP-23", f"{CORE}.clip:clip_factor", "min(bounds)", "max(bounds)",
          "the largest bound of a clip"),
    Fault("OP-23", "lpfl.optim.drive:first_direction", "replace(rule, step_size=1.0)", "rule",
          "a first direction times the rule's own step size"),
    Fault("OP-23", "lpfl.optim.drive:first_direction",
          "second_moment(inputs) if factor is None else factor", "second_moment(inputs)",
          "a given factor not read"),
)  # fmt: skip
