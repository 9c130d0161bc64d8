"""AdEMAMix with mistakes in its slow mean and in how that rises."""

import math

from tests.conformance.twins.frame import Twin, average, count, method


@method(
    "ademamix",
    lr=1e-3,
    betas=(0.9, 0.999, 0.9999),
    alpha=5.0,
    t_alpha=None,
    t_beta3=None,
    eps=1e-8,
    weight_decay=0.0,
)
def ademamix(p, g, s, o, fault):
    t = count(s)
    b1, b2, b3 = o.betas
    alpha = o.alpha
    if o.t_alpha and fault != "weight does not rise":
        alpha = min(t / o.t_alpha, 1.0) * alpha
    if o.t_beta3 and t < o.t_beta3:
        part, first, last = t / o.t_beta3, math.log(b1), math.log(b3)
        if fault == "beta3 in proportion":
            b3 = (1 - part) * b1 + part * b3
        else:
            b3 = math.exp(first * last / ((1 - part) * last + part * first))
    m, v = average(s, "m", g, b1), average(s, "v", g * g, b2)
    slow = average(s, "slow", m if fault == "mean of the mean" else g, b3)
    fast = m / (1 - b1**t)
    if fault == "slow mean in place of the fast":
        fast = 0 * fast
    mixed = (1 - alpha) * fast + alpha * slow if fault == "shares of one" else fast + alpha * slow
    p *= 1 - o.lr * o.weight_decay
    p -= o.lr * mixed / ((v / (1 - b2**t)).sqrt() + o.eps)


METHODS = {"ademamix": ademamix}
TWINS = [
    Twin("ademamix", "weight does not rise"),
    Twin("ademamix", "beta3 in proportion"),
    Twin("ademamix", "mean of the mean"),
    Twin("ademamix", "slow mean in place of the fast"),
    Twin("ademamix", "shares of one"),
]
