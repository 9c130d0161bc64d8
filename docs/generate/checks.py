"""The page of checks of other people's optimizers: what is asked, and what a failure is called."""

from pathlib import Path

from lpfl.conformance.registry import all_checks
from lpfl.conformance.running import ABILITIES

AGREES = "deviates, limit if it raises, numerics by rounding"
"""What ``agreement.agree`` answers unless a check says otherwise."""
FAILS = {
    "theory.alignment": "deviates; a convention where KFAC itself does the same",
    "theory.condition-number": "deviates; a convention where the damping explains it",
    "theory.damping": "deviates",
    "theory.floor": "deviates",
    "theory.same-batch": "deviates; documented variant for averages",
    "theory.scale-exponents": "deviates; documented variant for the empirical Fisher",
    "theory.spike": "deviates",
    "def.blocks": "deviates where the claim is Shampoo or SOAP, or entries are left behind; limit "
    "for an idle size; numerics, convention, documented variant",
    "def.claims": "unknown",
    "def.coefficients": "deviates",
    "def.degenerates": "deviates",
    "def.descent": "deviates; documented variant for a first step above the rate",
    "def.first-move": "limit; documented variant for periods and warm-ups",
    "def.graft": "deviates where the lengths are another method's, of all weights together, or "
    "turned over; a convention, documented variant",
    "def.long-sides": "deviates",
    "def.merged-sides": "deviates where the claim is Shampoo or SOAP",
    "def.probes": "deviates",
    "def.sam": "deviates; a convention, documented variant for an adaptive climb",
    "def.scale": "deviates from the claim's exponent, a convention where the fitted definition has "
    "it too; limit if not finite within 1e-6 to 1e6, numerics beyond",
    "def.supports": "says which method the steps are, accuses of nothing",
    "def.tiles": "deviates, limit if it raises",
    "def.trajectory": "deviates; limit for an idle switch; numerics, convention, "
    "documented variant",
    "def.switches": "deviates; limit for an idle switch",
    "def.whitening": "deviates",
    "def.wide-sides": "deviates if the wrong side goes without; limit for an idle option, or if "
    "wide weights raise; a convention, documented variant",
    "inv.convolution": "deviates; limit if the kernel is not trained; "
    "documented variant if it says so",
    "inv.fingerprint": "deviates; a convention for damping, documented variant for gates on sizes",
    "inv.transpose": "deviates, limit if it raises",
    "layer.autocast": "limit; documented variant if refused in words",
    "layer.copied": "limit; a convention if copies are called without gradients alone; documented "
    "variant if refused or told in words",
    "layer.eval": "limit; documented variant if refused or told in words",
    "layer.frozen": "limit if it moves, stands still with the others or raises; "
    "deviates if the others are disturbed; documented variant if refused in words",
    "layer.groups": "deviates",
    "layer.in-place": "limit; a convention if it raises; documented variant if refused or told in "
    "words",
    "layer.kinds": "limit if it raises or does not move what it holds, a convention for calls by "
    "keyword and parametrized weights; documented variant if it holds none of it or refuses in "
    "words",
    "layer.looked-at": "limit; documented variant if refused or told in words",
    "layer.members": "limit if no known rule fits; a convention; documented variant if it takes "
    "plain gradients",
    "layer.micro-batches": "limit if the last of several passes alone counts, or if they raise; "
    "documented variant",
    "layer.no-rows": "a convention; documented variant if refused in words",
    "layer.patches": "deviates, limit if it raises, a convention where padding is a word; "
    "documented variant if refused in words",
    "layer.places": "limit if no known rule fits; a convention; documented variant if it takes "
    "plain steps",
    "layer.recomputed": "limit; documented variant if refused or told in words",
    "layer.rewritten": "deviates, limit if it raises; documented variant if refused in words",
    "layer.shared": "limit; documented variant if refused in words",
    "layer.rows": "a convention",
    "layer.skipped": "limit where it is told otherwise; a convention, documented variant",
    "layer.tied": "limit; a convention where torch refuses a weight that is handed over twice; "
    "documented variant if refused in words of its own or told",
    "layer.unused": "limit if it moves, never moves or raises, deviates if others are disturbed; "
    "documented variant if refused in words",
    "api.add-group": "limit if it raises or stands still, "
    "deviates if others are disturbed or its options are not read; "
    "a convention, documented variant",
    "api.alias": "deviates, limit",
    "api.bfloat16": "numerics",
    "api.bookkeeping": "limit",
    "api.adaptive-climb": "deviates",
    "api.averages": "deviates",
    "api.cautious": "deviates, limit where a mask of the decay does nothing",
    "api.centralized": "deviates; limit for an idle switch; documented variant",
    "api.cleared-graphs": "limit",
    "api.frozen-of-many": "deviates, limit if it raises",
    "api.grokfast": "deviates; a convention, documented variant",
    "api.let-go": "limit",
    "api.lookahead": "deviates where it is told otherwise; limit if it starts late or does "
    "nothing; a convention",
    "api.memory": "limit",
    "api.options-at-rate-0": "limit",
    "api.outlier": "numerics; documented variant if its state is told to be quantised",
    "api.own-warm-up": "limit; documented variant",
    "api.callers": "limit",
    "api.changed-gradients": "limit",
    "api.clips": "deviates",
    "api.closure": "limit; deviates if the run differs or weights stay where they were tried; "
    "documented variant",
    "api.complex": "limit where its code or documentation takes up complex numbers; else not "
    "claimed",
    "api.copy": "limit; a convention where torch's base class drops an attribute; "
    "documented variant if refused or told in words",
    "api.counters": "deviates where a step depends on the counter, else numerics; numerics under "
    "another default format of the process",
    "api.coupling": "deviates where the claim is per parameter; limit where those of one shape "
    "alone are coupled, documented variant otherwise",
    "api.decay": "deviates; limit where larger weights are spared, documented variant",
    "api.determinism": "deviates",
    "api.device": "limit; a convention if constants lie on torch's default device, or if its own "
    "loading leaves tensors where they lie; documented variant if the documentation speaks of the "
    "CPU",
    "api.dtypes": "limit if it raises, stands still or changes the format, deviates if not finite, "
    "numerics; "
    "documented variant if refused in words",
    "api.finite-counts": "limit; deviates for a 0 that is told to stand for off",
    "api.finite-switches": "deviates; limit if it raises",
    "api.flatten": "deviates",
    "api.float16": "numerics",
    "api.float16-norms": "numerics",
    "api.float16-sizes": "numerics; documented variant if nothing is kept in float32",
    "api.generator": AGREES,
    "api.given-parameters": "limit",
    "api.graph": f"{AGREES}; limit if graphs of all steps are kept, or differentiable=True cuts "
    "the graph; documented variant if it says so",
    "api.grad-buffer": f"{AGREES}; documented variant",
    "api.grads-kept": "limit; documented variant",
    "api.group-contract": "deviates if a group without gradients disturbs others; limit; "
    "documented variant if refused in words",
    "api.group-numbers": "limit, numerics",
    "api.groups": f"{AGREES}; documented variant",
    "api.hooks": "limit; a convention where torch wraps the step of the base class too",
    "api.in-place": "limit",
    "api.growth": "deviates",
    "api.instances": AGREES,
    "api.interrupted": "limit",
    "api.keys": "deviates; documented variant for an option left open",
    "api.late": "limit; documented variant within a factor of 3",
    "api.left-behind": "limit",
    "api.limits": "limit",
    "api.loaded-weights": "limit",
    "api.lr-read": "deviates; limit if a scaled rate is written back; documented variant for a "
    "rate of its own",
    "api.lr-tensor": f"{AGREES}; limit if it changes the tensor, or if nothing says "
    "that lr may be one; not claimed if refused",
    "api.lr-zero": "deviates where lr is the method's factor, limit if it raises, numerics; "
    "documented variant",
    "api.many": "deviates",
    "api.maximize": f"{AGREES}",
    "api.micro-batches": f"{AGREES}; deviates if zero_grad() leaves gradients, or one that it "
    "accumulates counts more than another, limit if equal ones are not one; documented variant",
    "api.missing": "limit if it moves or raises, deviates if others are disturbed; "
    "documented variant",
    "api.mixed": f"{AGREES}; documented variant",
    "api.mode": "limit if it raises, deviates",
    "api.momentum-raised": "limit; documented variant if refused in words",
    "api.named": f"{AGREES}; not claimed where a function hands the parameters on",
    "api.no-gradient": "limit; documented variant",
    "api.noise": "documented variant",
    "api.off-at-zero": "limit if it raises or is not finite, deviates if it is not what None is",
    "api.options": "deviates for an option of the claimed method, limit for others",
    "api.options-elsewhere": f"{AGREES}; limit for a rate in a tensor, a changed gradient or an "
    "average that is none; documented variant if refused in words",
    "api.options-read": "limit",
    "api.order": f"{AGREES}; documented variant",
    "api.order-switches": f"{AGREES}",
    "api.parameter-order": "deviates",
    "api.paths": f"{AGREES}; documented variant",
    "api.pieces": "deviates",
    "api.past-end": "limit; documented variant if refused in words",
    "api.periods": "limit",
    "api.restarts": "deviates",
    "api.resume": "deviates, limit if it raises or loses state, numerics; documented variant",
    "api.run-again": "deviates",
    "api.scaler": f"{AGREES}; documented variant if it raises",
    "api.shapes": "limit if it raises or stands still, deviates if not finite, if an empty one "
    "disturbs others or a number is "
    "stepped by another rule; documented variant",
    "api.side-effects": "limit; documented variant for random numbers",
    "api.skipped-steps": "deviates; limit if it raises",
    "api.small-steps": "numerics",
    "api.sparse": f"{AGREES}; limit if rows differ from a dense gradient; not claimed if refused, "
    "documented variant",
    "api.split-groups": "limit; a convention where each group moves as alone; documented variant "
    "if refused in words",
    "api.steady": "numerics",
    "api.storage": "limit; documented variant if it is told",
    "api.strides": f"{AGREES}; documented variant",
    "api.switched-path": AGREES,
    "api.thread": "limit",
    "api.translation": AGREES,
    "api.transpose": "deviates where the claim is symmetric, limit otherwise",
    "api.turned-layout": AGREES,
    "api.unfilled-memory": "deviates",
    "api.unfrozen": "limit if it never moves or raises; documented variant if refused in words, or "
    "if the documentation speaks of frozen ones",
    "api.validation": AGREES,
    "api.value-forms": "limit",
    "api.warm-up": "limit if it never moves again or raises, deviates if not finite; "
    "documented variant",
    "api.zero": "limit if it moves or raises, deviates if not finite, numerics; documented variant",
    "api.zero-options": "limit, numerics; documented variant",
    "api.zero-weights": "limit; deviates if not finite; documented variant",
}
"""Check -> what it answers when the optimizer fails it, apart from inconclusive."""
KINDS = {
    "vectors, 3-d and 4-d weights": ["api.shapes", "api.flatten", "inv.convolution"],
    "a convolution equals its flat matrix": ["api.flatten", "inv.convolution"],
    "transposed and strided parameters": ["api.transpose", "inv.transpose", "api.strides"],
    "resume with other hyper-parameters, through a file": ["api.resume"],
    "bfloat16 past step 256": ["api.resume", "api.counters"],
    "paths agree: foreach, fused, loop": ["api.paths"],
    "mixed formats in one optimizer": ["api.mixed"],
    "several backward passes, one step": ["api.micro-batches"],
    "a gradient tensor used again": ["api.grad-buffer"],
    "state that shares memory": ["api.alias"],
    "a first gradient that comes late, or is missing": ["api.late", "api.missing"],
    "step() leaves the options alone": ["api.keys"],
    "groups that differ in every option": ["api.groups", "def.trajectory"],
    "the order of the parameters": ["api.order"],
    "each option has an effect": ["api.options", "def.trajectory"],
    "options in the definition: momentum, decay, damping": ["def.trajectory", "theory.damping"],
    "float16 with zero entries": ["api.float16"],
    "degeneration in words": ["def.degenerates", "def.trajectory"],
    "a run by closure equals one without": ["api.closure"],
    "unknown claims": ["def.claims"],
}
"""Kind of a publicly reported defect -> the checks that look for it."""


def write(folder):
    """Write ``checks.md`` into the folder."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    (Path(folder) / "checks.md").write_text(text(), encoding="utf-8")


def text():
    """Return the page."""
    lines = [
        "# Checks of optimizers",
        "",
        "Every torch optimizer is held to the checks `api`, `def.descent`, `def.first-move` and "
        "`def.scale`, one that hooks the layers of a model also to `layer`; "
        "the others judge what it claims, and without a claim say what was measured. "
        "A finding (`deviates`, `limit`, `numerics`) comes with the number; every `deviates` and "
        "`limit` also with a program that shows it with torch and the optimizer's package alone, "
        "run before it is printed. A check that cannot tell says `inconclusive`.",
        "",
        "Cost is in CPU seconds for a usual optimizer. Checks without a tick under *quick* run "
        "without `--quick` only.",
        "",
        "| check | what is asked | for whom | when it fails | cost | quick |",
        "|---|---|---|---|---|---|",
    ]
    for check in all_checks().values():
        cells = (
            f"`{check.check_id}`",
            check.says,
            _whom(check),
            FAILS[check.check_id],
            f"{check.cost:g}",
            "✓" if check.quick else "",
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    lines += ["", "## Kinds of reported defects", "", "| kind | looked for by |", "|---|---|"]
    lines += [f"| {k} | {', '.join(f'`{c}`' for c in checks)} |" for k, checks in KINDS.items()]
    return "\n".join(lines) + "\n"


def _whom(check):
    words = {"inject": "gradients through p.grad", "params": "takes parameters", "lr": "has lr"}
    if "layer" in check.tags:
        return "hooks a model" + (
            "; by its claims" if check.claims or check.check_id == "layer.patches" else ""
        )
    found = [words.get(n, "all" if n in ABILITIES else f"has {n}") for n in check.needs]
    if check.claims is not None:
        named = () if callable(check.claims) else sorted(check.claims)
        found.append(f"claims {', '.join(named)}" if named else "by its claims")
    return "; ".join(w for w in found if w != "all") or "all"
