"""Linear algebra of models and measurements."""

from lpfl.linalg.algebra import (
    complement_rows,
    haar,
    kron,
    machine_tolerance,
    once,
    orthonormal_rows,
    principal_tangents,
    require_finite,
    require_positive_definite,
    require_symmetric,
    right_solve,
    second_moment,
    standard_normal,
    subspace_distance,
    tangent_matrix,
    unvec,
    vec,
)
from lpfl.linalg.gram import gram

__all__ = [
    "complement_rows",
    "gram",
    "haar",
    "kron",
    "machine_tolerance",
    "once",
    "orthonormal_rows",
    "principal_tangents",
    "require_finite",
    "require_positive_definite",
    "require_symmetric",
    "right_solve",
    "second_moment",
    "standard_normal",
    "subspace_distance",
    "tangent_matrix",
    "unvec",
    "vec",
]
