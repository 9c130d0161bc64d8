"""The domain of every statement a second time: the rules within which its runs were planned.

A domain that somebody widens, narrows or forgets in the theory no longer agrees with the table, and
the claim is refuted in every run. Runs alone would see a narrower domain only.
"""

from collections.abc import Iterator
from functools import cache

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.notation import NOTATION

OWN = "theory."  # statements written elsewhere, by other packages, have no row here

# rule, in code names | claims: numbers per pack, "03-05" for three of them
TABLE = """
output_dim >= rank | LR 01-48
input_dim > rank | LR 01-48
data_rank >= rank | LR 02
batch_size >= input_dim | LR 03-07 11 25 27-28 31 35
Eq(damping, 0) | LR 03-04 06-24 27-35 38-47
Eq(noise_std, 0) | LR 04 07-09 13-15 18-19 28 36-37 39 45 48
step_size > 0 | LR 04 10 12 14-16 18-24 29-34 36-47
step_size < 1 | LR 04 30 45-46
step_size <= 1 | LR 08-10 28-29
angle < -atan((condition_number - 1)/(2*sqrt(condition_number))) + pi/2 | LR 08-09
Max(0, -tan(angle)*tan(angle - atan((condition_number - 1)/(2*sqrt(condition_number))))) \
<= 1/(10*(1 - 9*step_size/10)) | LR 09
input_law in gaussian | LR 10 12 15-17 21-24 26 29-33 38 40-41 43-44 46-47 SI 01-07 09-24 27-29 31
failure_probability > 0 | LR 10
batch_size >= 300*input_dim + 300*log(1/failure_probability) | LR 10
tan(angle) <= 1/(13*sqrt(condition_number)) | LR 10
10*noise_std*(sqrt(output_dim) + sqrt(rank) + \
sqrt(2)*sqrt(log(3/failure_probability)))\
/(9*sqrt(batch_size)*sqrt(cov_min)*head_min_singular) <= 1/46 | LR 10
noise_std > 0 | LR 11 21-24 33 40-41 46
step_size < 2 | LR 12 40 42 44 47
batch_size > input_dim + 1 | LR 12 33 40 42-43 46-47
Eq(condition_number, 1) | LR 13-14 18 SI 23
distance > 0 | LR 14
distance < 1 | LR 14
batch_size > rank | LR 15-16 29 32
head_eigenvalue*schur_eigenvalue*step_size < 2 | LR 16
head_batch_size > rank + 1 | LR 17
head_step_size + step_size < 2 | LR 19 29
head_step_size > 0 | LR 19 39 47
step_size < 2*noise_std**2 | LR 21
batch_size > rank*(input_dim + output_dim - rank) + 1 | LR 21
trained in representation | LR 22-24
gradient_noise in additive Gaussian | LR 22-24
multiplier >= 9/10 | LR 22-24 41
input_dim >= 16*rank | LR 24
batch_size >= rank + 2 | LR 26
angle < pi/2 | LR 28
step_size*(batch_size + input_dim - 2*rank + 1) < 2*batch_size | LR 29
factor_rows > input_dim + 3 | LR 29
factor_decay < 1 | LR 30
batch_size**2*(factor_decay + 1) >= 16*input_dim**2*(1 - factor_decay) | LR 30
factor_every >= 2 | LR 31
batch_size > 2*rank + 3 | LR 33
momentum < 1 | LR 38
step_size*(2*momentum + 1) < 2*momentum + 2 | LR 38
(decay_rate + 1)*(head_step_size + step_size) < 2 | LR 39
batch_size > 2*rank | LR 40
num_layers >= 2 | LR 43
head_step_size + middle_step_size*(num_layers - 2) + step_size < 2 | LR 43
batch_size > input_dim + 2 | LR 44
output_dim > rank | LR 45
head_step_size < 2 | LR 47
batch_size > input_dim | LR 48
teacher_law in isotropic | SI 01-07 11-14 16-24 26-29 31
network_scaling in normalised | SI 01-07 09-15 17-29 31
aspect > 0 | SI 01-08 11 13-28 31
effective_rank_share >= 1/4 | SI 01-07 09-29 31
Ne(c_act, 0) | SI 01 09-11 14 23-24 31
Ne(c1, 0) | SI 02-07 11 13 15-29 31
damping > 0 | SI 03 06-08 15-17 24-25 27
whitening_batch in same | SI 03-05 07 15-16 18 21 24-29
aspect < 1 | SI 05 19 21
whitening_aspect > 0 | SI 06 17
whitening_batch in independent | SI 06
width_ratio > 0 | SI 09 14
spike_strength > width_ratio**(1/4) | SI 09
feature_data in fresh | SI 10
width_ratio >= 1 | SI 12
step_size >= 0 | SI 12 30
Eq(act_second*c0, 0) | SI 12 23
ridge_data in fresh | SI 14
teacher_law in isotropic, given | SI 15 25
network_scaling in plain | SI 16
frozen_aspect < 1 | SI 20
condition_number <= 20 | SI 21
input_law in rademacher, uniform, exponential | SI 25
input_law in elliptical | SI 26
"""


def difference(claim: Claim) -> str:
    """Return how the domain of a statement differs from the one planned for, "" if it does not."""
    if not claim.defined_at[0].startswith(OWN):
        return ""
    stated, planned = _stated(claim.assumptions), _planned(claim.id)
    missing, new = sorted(planned - stated), sorted(stated - planned)
    said = [f"not stated: {', '.join(missing)}"] if missing else []
    said += [f"not planned for: {', '.join(new)}"] if new else []
    return "; ".join(said)


@cache
def _planned(claim_id: str) -> frozenset[str]:
    """Return the rules of a claim, each in the words that SymPy has for it."""
    rows = (line.rpartition("|") for line in TABLE.strip().splitlines())
    return frozenset(_canonical(rule.strip()) for rule, _, ids in rows if claim_id in _ids(ids))


def _ids(row: str) -> Iterator[str]:
    """Yield the claims of a row."""
    pack = ""
    for word in row.split():
        if word.isalpha():
            pack = word
            continue
        first, _, last = word.partition("-")
        for number in range(int(first), int(last or first) + 1):
            yield f"{pack}-{number:02d}"


@cache
def _stated(assumptions: tuple[Assumption, ...]) -> frozenset[str]:
    return frozenset(_canonical(_written(one)) for one in assumptions)


def _written(one: Assumption) -> str:
    """Return the rule of an assumption in code names."""
    if one.relation is None:
        return f"{one.fact} in {', '.join(one.allowed)}"
    names = {
        symbol: sp.Symbol(NOTATION[symbol.name].code_name)
        for symbol in one.relation.free_symbols
        if isinstance(symbol, sp.Symbol)
    }
    return str(one.relation.xreplace(names))


def _canonical(rule: str) -> str:
    """Return a rule as SymPy prints it after reading it; one about words stays as it is."""
    if " in " in rule:
        return rule
    names = {entry.code_name: sp.Symbol(entry.code_name) for entry in NOTATION.values()}
    return str(sp.sympify(rule, locals=names))
