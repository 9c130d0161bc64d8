"""Single-index learning: what one layer-wise step does to the first layer."""

from theory.single_index.alignment import alignment as alignment
from theory.single_index.damping import kfac_beats_sgd as kfac_beats_sgd
from theory.single_index.damping import optimal_damping as optimal_damping
from theory.single_index.teacher import unnormalised_alignment as unnormalised_alignment
from theory.single_index.whitening import (
    independent_batch_alignment as independent_batch_alignment,
)
from theory.single_index.whitening import (
    population_whitening_alignment as population_whitening_alignment,
)
