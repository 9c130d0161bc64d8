"""Faults that the check of SI-26 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-26",
        "lpfl.problems.single_index.inputs:elliptical_sample",
        old="white * tau[..., None]",
        new="white",
        why="rows of equal length drawn",
    ),
    Fault(
        "SI-26",
        "theory.single_index.variants.elliptical:scale_moments",
        old="w ** 2 * tau2s * power",
        new="w * tau2s * power",
        why="weights of the rows not squared in the noise",
    ),
    Fault(
        "SI-26",
        "theory.single_index.variants.elliptical:scale_moments",
        old="float(np.mean(w * tau * cross))",
        new="float(np.mean(tau * cross))",
        why="rows not weighted in the slope",
    ),
    Fault(
        "SI-26",
        "lpfl.problems.single_index.directions:kfac_direction",
        old="damped_solve(Q, h, damping=damping)",
        new="damped_solve(Q, h, damping=damping * d)",
        why="damping multiplied by the dimension",
    ),
    Fault(
        "SI-26",
        "theory.core.spectrum:Spectrum.expect",
        old="weighted_sum(values, self.weights)",
        new="float(np.mean(values))",
        why="mean over a spectrum without its weights",
    ),
    Fault(
        "SI-26",
        "theory.core.spectrum:Spectrum.moment",
        old="self.eigenvalues**power",
        new="self.eigenvalues**(power + 1)",
        why="moment of the next order",
    ),
    Fault(
        "SI-26",
        "theory.single_index.gaussian_equivalent:kfac_alignment",
        old="phi * noise_level",
        new="noise_level",
        why="d/n left out of the noise of whitening",
    ),
    Fault(
        "SI-26",
        "theory.single_index.variants.elliptical:elliptical_alignment",
        old="damping / unit",
        new="damping",
        why="damping not in units of the mean eigenvalue",
    ),
    Fault(
        "SI-26",
        "theory.single_index.variants.elliptical:elliptical_alignment",
        old="Spectrum(spectrum.eigenvalues / unit, spectrum.weights)",
        new="Spectrum(spectrum.eigenvalues / unit)",
        why="weights of the eigenvalues lost",
    ),
)
