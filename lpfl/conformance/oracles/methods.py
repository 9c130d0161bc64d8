"""What the definition of a claimed method implies, beside its trajectory."""

ELEMENTWISE = frozenset(
    {"sgd", "momentum", "nesterov", "adam", "adamw", "amsgrad", "nadam", "radam", "adamax"}
    | {"adagrad", "rmsprop", "lion", "signsgd", "adan", "adabelief", "ademamix"}
)
"""Each entry is treated by itself."""
PER_PARAMETER = ELEMENTWISE | {
    "adadelta", "rprop", "adopt", "lamb", "lars", "adafactor", "shampoo", "soap", "muon",
    "normuon", "mars", "signum", "sm3", "sophia", "scion", "yogi", "adabound", "amsbound",
    "diffgrad",
}  # fmt: skip
"""Each parameter is treated by itself, with its own count of steps."""

UNCOUNTED = frozenset({"sgd", "momentum", "nesterov", "signsgd", "lion"})
"""Each parameter is treated by itself, and no average is corrected by a count of steps."""

TRANSPOSES = ELEMENTWISE | {
    "adadelta", "rprop", "adopt", "lamb", "lars", "adafactor", "shampoo", "transpose-equivariant",
}  # fmt: skip
"""The step of W' is the transpose of the step of W."""

FLATTENS = frozenset(
    {"sgd", "momentum", "adam", "adamw", "lamb", "muon", "normuon", "kfac", "foof"}
)
"""A kernel moves as its flattened matrix."""

PROPORTIONAL = ELEMENTWISE | {"lamb", "lars", "shampoo", "soap", "muon", "kfac", "foof"}
"""The step is proportional to lr."""
