"""Planted faults, and the tests that every one of them is refuted."""

from tests.faults.frame_faults import FAULTS as FRAME_FAULTS
from tests.faults.linear_exact_faults import FAULTS as LINEAR_EXACT_FAULTS
from tests.faults.linear_noise_faults import FAULTS as LINEAR_NOISE_FAULTS
from tests.faults.optimizer_faults import FAULTS as OPTIMIZER_FAULTS
from tests.faults.single_index_faults import FAULTS as SINGLE_INDEX_FAULTS
from tests.faults.single_index_layer_faults import FAULTS as SINGLE_INDEX_LAYER_FAULTS

FAULTS = (
    *FRAME_FAULTS,
    *LINEAR_EXACT_FAULTS,
    *SINGLE_INDEX_FAULTS,
    *SINGLE_INDEX_LAYER_FAULTS,
    *OPTIMIZER_FAULTS,
    *LINEAR_NOISE_FAULTS,
)
