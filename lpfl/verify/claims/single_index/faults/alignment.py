"""Faults that the checks of SI-02, SI-03 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-02",
        "theory.single_index.alignment:_SGD",
        old="ge.sgd_alignment(ge.ONE)",
        new="ge.sgd_alignment(ge.ONE, residual=s2_link - c1 ** 2 * ge.E_b(s))",
        why="the signal's share of the noise forgotten",
    ),
    Fault(
        "SI-02",
        "theory.single_index.alignment:SI_02",
        old="E(s) ** 2 / E(s ** 2)",
        new="E(s) / E(s ** 2) / 2",
        why="half of the cap printed",
    ),
    Fault(
        "SI-02",
        "lpfl.measure.alignment:alignment",
        old="(direction * other).sum(-1).square() / power",
        new="(direction * other).sum(-1).abs() / power.sqrt()",
        why="the cosine for its square",
    ),
    Fault(
        "SI-02",
        "lpfl.problems.single_index.model:draw_targets",
        old="problem.noise_std * noise",
        new="2.0 * problem.noise_std * noise",
        why="label noise twice as large",
    ),
    Fault(
        "SI-02",
        "lpfl.problems.single_index.directions:sgd_direction",
        old="batch.cross_moment",
        new="-batch.cross_moment",
        why="a direction of ascent",
    ),
    Fault(
        "SI-03",
        "lpfl.problems.single_index.directions:kfac_direction",
        old="damped_solve(Q, h, damping=damping)",
        new="damped_solve(Q, h, damping=damping * d)",
        why="damping multiplied by the dimension",
    ),
    Fault(
        "SI-03",
        "lpfl.problems.single_index.directions:kfac_direction",
        old="torch.einsum('rdk,rd->rk', V, h) / s",
        new="torch.einsum('rdk,rd->rk', V, h) / s.sqrt()",
        why="root of the pseudo-inverse",
    ),
    Fault(
        "SI-03",
        "theory.single_index.alignment:SI_03",
        old="{rho2_sgd: _SGD, **ge.MEANINGS}",
        new="{rho2_sgd: _SGD, **ge.MEANINGS, "
        "next(iter(ge.MEANINGS)): (next(iter(ge.MEANINGS.values())) + s2_link "
        "+ c1 ** 2 * ge.isotropic(ge.E_b(s * ge.K ** 2))) / 2}",
        why="noise amplified half as much by the inversion",
    ),
    Fault(
        "SI-03",
        "theory.single_index.alignment:SI_03",
        old="ge.FIXED_POINT",
        new="Part(Kind.LIMIT, sp.Eq(ge.COMPANION.subs(phi, 1), 1, evaluate=False))",
        why="aspect forgotten in the fixed point",
    ),
    Fault(
        "SI-03",
        "theory.single_index.alignment:_kfac",
        old="return 0.0",
        new="return 1.0",
        why="d = n without damping taken for a perfect recovery",
    ),
    Fault(
        "SI-02",
        "theory.single_index.alignment:_SGD",
        old="ge.sgd_alignment(ge.ONE)",
        new="ge.sgd_alignment(ge.ONE, residual=s2_link + c1**2 * (1 - ge.E_b(s)))",
        why="energy of the labels without the mean eigenvalue",
    ),
    Fault(
        "SI-02",
        "theory.core.formula:Formula._measure",
        old="return spectrum.eigenvalues, spectrum.weights",
        new="return spectrum.eigenvalues, spectrum.weights * 0 + 1 / spectrum.weights.size",
        why="weights of the atoms ignored in the means",
    ),
    Fault(
        "SI-03",
        "theory.core.resolvent:_reciprocals",
        old="spectrum.eigenvalues, spectrum.weights",
        new="spectrum.eigenvalues, np.full_like(spectrum.weights, 1 / spectrum.weights.size)",
        why="weights of the atoms ignored in the fixed point",
    ),
    Fault(
        "SI-02",
        "theory.single_index.alignment:SI_02",
        old="E(s) ** 2 / E(s ** 2)",
        new="1 / E(s ** 2)",
        why="mean eigenvalue forgotten in the cap",
    ),
    Fault(
        "SI-02",
        "theory.core.formula:Formula._measure",
        "return spectrum.eigenvalues, teacher_energy",
        "return spectrum.eigenvalues, spectrum.weights",
        "means over the teacher's energy taken over the spectrum",
    ),
    Fault(
        "SI-02",
        "theory.core.formula:Formula._measure",
        "mean.func == E",
        "True",
        "a given teacher taken for an isotropic one in the means",
    ),
    Fault(
        "SI-02",
        "theory.single_index.alignment:SI_02",
        "sp.Le(rho2, E(s) ** 2 / E(s ** 2))",
        "sp.Ge(rho2, E(s) ** 2 / E(s ** 2))",
        "the printed cap of SGD from below",
    ),
)
