"""SI-05 on the page of fig2: without damping KFAC can be worse than SGD."""

from lpfl.experiments.core.estimates import verdict
from lpfl.experiments.core.experiment import Options, Section, Table
from lpfl.experiments.core.single_index_methods import KFAC, KFAC_BEST, SGD, best_damping
from lpfl.experiments.core.single_index_setting import Setting, two_atom
from lpfl.experiments.fig2.damping import Alignments, confront, damping_pictures, measured

STORY = "Needs care"
COUNTER = Setting(two_atom(400, 0.9), samples=800, width=400, link="he12", noise_std=0.5)


def counter_example(options: Options, *, replicates: int, points: int) -> Section:
    """SI-05: without damping KFAC can be worse than SGD; with lam >= lam* never."""
    found = Alignments()
    pictures = damping_pictures(COUNTER, options, replicates=replicates, points=points, found=found)
    methods = (SGD, KFAC, KFAC_BEST)
    by_label = {method.label: method for method in methods}
    rows = measured(COUNTER, options, by_label, replicates, "counter-example")
    table = []
    for method in methods:
        value = rows[method.label, "identity"]
        confront(found, COUNTER, method, "identity", value, method.label)
        damping = method.damping_at(COUNTER)
        table.append([method.label, damping, method.predicted(COUNTER), value.text])
    sgd, kfac, best = (rows[method.label, "identity"].mean for method in methods)
    finding = (
        f"KFAC without damping reaches ρ² = {kfac:.3f} where SGD reaches {sgd:.3f}; with "
        f"λ* = {best_damping(COUNTER):.3g} it reaches {best:.3f}. Every λ ≥ λ* beats SGD, λ = 0 "
        "need not."
    )
    text = (
        f"SI-05, {COUNTER.sizes}: eigenvalues 0.1 and 1.9, labels He1 + He2/2 with noise 0.5. The "
        "inverse of the sample covariance amplifies the label noise along the small eigenvalues "
        "more than it removes of the bias. KFAC(0) wins iff "
        "κ m₋₁/(1 − φ) < m₂ − 1 + φ + κ, κ = φ s₂/c₁².",
        verdict(found.comparisons, "ρ²"),
    )
    header = ["method", "damping λ", "ρ² predicted", "measured"]
    return Section(
        f"{STORY}: KFAC without damping",
        finding,
        text,
        pictures[:1],
        (Table(header, table, title="The counter-example in numbers"),),
    )
