"""Faults that the checks of LR-18 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-18",
        "lpfl.problems.linear_representation.model:gradients",
        old="F.mT",
        new="1.001 * F.mT",
        why="one gradient off by one part in a thousand",
    ),
    Fault(
        "LR-18",
        "theory.linear_representation.rates.joint:_SEEN_BALANCED",
        old="sp.sqrt(lam_i)",
        new="lam_i",
        why="balanced weights seen by the eigenvalue in place of its root",
    ),
    Fault(
        "LR-18",
        "theory.linear_representation.rates.joint:LR_18",
        old="1 - eta * (sp.sqrt(lam_i) + sp.sqrt(lam_j))",
        new="1 - eta * sp.sqrt(lam_i + lam_j)",
        why="root of the sum in place of the sum of the roots",
    ),
    Fault(
        "LR-18",
        "theory.linear_representation.rates.joint:LR_18",
        old="k * (m - k)",
        new="k * m - 1",
        why="head directions counted without the rank",
    ),
    Fault(
        "LR-18",
        "theory.linear_representation.rates.local_rate:_gd",
        old="moving(modes(LR_18, 'balanced', sizes, head_eigenvalues=lam, **facts))",
        new="modes(LR_18, 'balanced', sizes, head_eigenvalues=lam, **facts)['representation'][0]",
        why="largest multiplier of the representation only",
    ),
    Fault(
        "LR-18",
        "theory.linear_representation.rates.joint:gradient_descent_spectrum",
        old="'balanced' if truth('balanced', balanced) else 'orthonormal'",
        new="'balanced'",
        why="gauge ignored by the function",
    ),
    Fault(
        "LR-18",
        "theory.linear_representation.rates.spectra:multiset",
        old="np.repeat(*mode)",
        new="mode[0]",
        why="multiplicities forgotten",
    ),
    Fault(
        "LR-18",
        "theory.linear_representation.rates.spectra:modes",
        old="head_eigenvalues[:, None]",
        new="head_eigenvalues",
        why="pairs of eigenvalues not formed",
    ),
    Fault(
        "LR-18",
        "theory.linear_representation.rates.spectra:modes",
        "claim[f'{part}_count'].number(**multiplicity)",
        "1.0",
        "every mode counted once",
    ),
    Fault(
        "LR-18",
        "theory.linear_representation.rates.spectra:modes",
        "known['head_eigenvalue'] = head_eigenvalues[:, None]",
        "known['head_eigenvalue'] = head_eigenvalues",
        "eigenvalues of a pair taken alike",
    ),
)
