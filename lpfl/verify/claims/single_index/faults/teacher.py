"""Faults that the checks of SI-15 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-15",
        "theory.single_index.teacher:energy_per_eigenspace",
        old="energy / total",
        new="spectrum.weights / spectrum.moment(1)",
        why="energies of the teacher forgotten",
    ),
    Fault(
        "SI-15",
        "lpfl.problems.single_index.directions:kfac_direction",
        old="damped_solve(Q, h, damping=damping)",
        new="damped_solve(Q, h, damping=damping * d)",
        why="damping multiplied by the dimension",
    ),
    Fault(
        "SI-15",
        "theory.single_index.teacher:SI_15",
        old="sp.Eq(rho2, ge.sgd_alignment(ge.ONE))",
        new="sp.Eq(rho2, ge.isotropic(ge.sgd_alignment(ge.ONE)))",
        why="SGD printed for an isotropic teacher",
    ),
    Fault(
        "SI-15",
        "theory.single_index.teacher:_CORRELATION",
        old="ge.sgd_alignment(s)",
        new="ge.sgd_alignment(ge.ONE)",
        why="the squared cosine in place of the correlation, SGD",
    ),
    Fault(
        "SI-15",
        "theory.single_index.teacher:_CORRELATION",
        old="ge.ridgeless_alignment(s)",
        new="ge.ridgeless_alignment(ge.ONE)",
        why="the squared cosine in place of the correlation, no damping",
    ),
    Fault(
        "SI-15",
        "theory.single_index.gaussian_equivalent:tau2",
        old="E_b(s * K**2)",
        new="E_b(K**2)",
        why="misfit without the eigenvalues",
    ),
    Fault(
        "SI-15",
        "theory.core.spectrum:weighted_sum",
        "range(0, values.size, _BLOCK)",
        "range(0, min(values.size, _BLOCK), _BLOCK)",
        "the first block of a sum only",
    ),
    Fault(
        "SI-15",
        "theory.core.formula:Formula._measure",
        "return spectrum.eigenvalues, teacher_energy",
        "return spectrum.eigenvalues, teacher_energy / teacher_energy.sum()",
        "the teacher's energy normalised in the means",
    ),
)
