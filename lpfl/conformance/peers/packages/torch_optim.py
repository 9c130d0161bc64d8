"""torch.optim, whole: the control group."""

from lpfl.conformance.peers.package import Entry, Package

PACKAGES = (
    Package(
        distribution="torch",
        modules=("torch.optim",),
        entries={
            "Adam": Entry(
                variants={"amsgrad=True": {"amsgrad": True}},
                variant_claims={"amsgrad=True": {"amsgrad"}},
            ),
            "LBFGS": Entry(needs={"closure"}),
            "Muon": Entry(needs={"matrices"}),
            "RMSprop": Entry(variants={"centered=True": {"centered": True}}),
            "SGD": Entry(
                claims={"sgd"},
                variants={
                    "momentum=0.9": {"momentum": 0.9},
                    "nesterov=True": {"momentum": 0.9, "nesterov": True},
                },
                variant_claims={"momentum=0.9": {"momentum"}, "nesterov=True": {"nesterov"}},
            ),
            "SparseAdam": Entry(needs={"sparse"}, claims=set()),
        },
    ),
)
