"""Claims of a hybrid: a method for matrices, and the method that it leaves vectors to."""

from lpfl.conformance.oracles import oracle_of


def divided(claims: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the claims about the optimizer as a whole, and those about its vectors alone.

    Where a method for matrices is claimed (``{"muon", "adamw"}``), a claimed method that steps
    any weight can only speak of the weights that the first one leaves: vectors and numbers.
    """
    axes = {claim: oracle.least_axes for claim in claims if (oracle := oracle_of(claim))}
    if not any(least > 1 for least in axes.values()):
        return claims, frozenset()
    beside = frozenset(claim for claim, least in axes.items() if least < 2)
    return claims - beside, beside
