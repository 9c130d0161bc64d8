"""All statements, by id, in paper order."""

from theory.core.claim import collect
from theory.linear_representation import CLAIMS_LINEAR_REPRESENTATION
from theory.single_index import CLAIMS_SINGLE_INDEX

CLAIMS = collect((*CLAIMS_LINEAR_REPRESENTATION, *CLAIMS_SINGLE_INDEX))
