"""Faults that the check of OP-41 must refute."""

from lpfl.verify.planting import Fault

LINEAR = "lpfl.problems.linear_representation"
SINGLE = "lpfl.problems.single_index.inputs"
LINKS = "lpfl.problems.links"

FAULTS = (
    Fault("OP-41", f"{LINEAR}.affine:affine_sample", "white @ problem.root + mean",
          "white @ problem.root", "mean forgotten"),
    Fault("OP-41", f"{LINEAR}.affine:affine_sample", "problem.noise_std * noise",
          "problem.noise_std**2 * noise", "variance in place of the standard deviation"),
    Fault("OP-41", f"{LINEAR}.affine:affine_population", "problem.cov_x + column @ column.mT",
          "problem.cov_x", "covariance for second moment"),
    Fault("OP-41", f"{LINEAR}.affine:with_constant", "rows.new_ones(*rows.shape[:-1], 1)",
          "rows.new_zeros(*rows.shape[:-1], 1)", "a constant of zero"),
    Fault("OP-41", f"{LINEAR}.input_laws:_laplace", "first - second", "first + second - 2.0",
          "a skewed law for Laplace's"),
    Fault("OP-41", f"{LINEAR}.input_laws:_uniform", "12.0**0.5", "3.0**0.5", "half the width"),
    Fault("OP-41", f"{LINEAR}.input_laws:scaled_rows", "values[drawn].sqrt()", "values[drawn]",
          "scales in place of their roots"),
    Fault("OP-41", f"{LINEAR}.input_laws:_signs", "2 * bits - 1", "2 * bits",
          "signs of 0 and 2"),
    Fault("OP-41", f"{LINEAR}.chain:draw_chain",
          "last + off_out @ _well_conditioned(replicates, m, wide, generator, dtype) @ off_in",
          "last", "a last layer of low rank"),
    Fault("OP-41", f"{LINEAR}.chain:_well_conditioned", "2 * uniform - 1", "0.0 * uniform",
          "orthogonal layers"),
    Fault("OP-41", f"{LINEAR}.chain:draw_chain", "problem.head_star @ left",
          "2.0 * problem.head_star @ left", "twice the product"),
    Fault("OP-41", f"{SINGLE}:_uniform", "3.0**0.5", "1.0", "uniform of variance one third"),
    Fault("OP-41", f"{SINGLE}:_exponential",
          "values.exponential_(generator=stream) - 1.0", "values.exponential_(generator=stream)",
          "an exponential law that is not centred"),
    Fault("OP-41", f"{SINGLE}:elliptical_sample", "len(scales)", "1", "the first scale only"),
    Fault("OP-41", f"{LINKS}:LINKS", "lambda z: z**3 - 3 * z", "lambda z: z**3 - z",
          "another cubic"),
    Fault("OP-41", f"{LINKS}:LINKS", "z + (z**2 - 1) / 2", "z + (z**2 - 1)",
          "twice the quadratic"),
    Fault("OP-41", f"{LINKS}:tanh_shifted", "1 - torch.tanh(t + shift) ** 2",
          "1 - torch.tanh(t) ** 2", "slope without the shift"),
    Fault("OP-41", f"{LINKS}:ACTIVATIONS", "(2 / torch.pi**0.5) * torch.exp(-(t**2))",
          "(2 / torch.pi) * torch.exp(-(t**2))", "slope of erf over pi"),
    Fault("OP-41", "lpfl.problems.linear_representation.chain:draw_chain",
          "torch.eye(m, dtype=dtype, device=used.device) "
          "- problem.head_star @ torch.linalg.pinv(problem.head_star)",
          "torch.eye(m, dtype=dtype, device=used.device)",
          "a last layer that is random within the range of the true head"),
)  # fmt: skip
