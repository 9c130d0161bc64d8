"""Faults that the checks of OP-31 to OP-33 must refute."""

from lpfl.verify.planting import Fault

MODEL = "lpfl.problems.linear_representation.model"
MOMENTS = "lpfl.problems.linear_representation.moments:sample_moments"
BARTLETT = "lpfl.problems.single_index.moments:bartlett_factor"
COVARIANCE = "lpfl.linalg.covariance"
SEEDING = "lpfl.seeding:derive_seed"
BLOCKS = "lpfl.verify.setups.single_index.scenarios"

FAULTS = (
    Fault("OP-31", f"{MODEL}:tilt", "tan_angle / torch.linalg.matrix_norm(T, ord=2)",
          "tan_angle / 2 / torch.linalg.matrix_norm(T, ord=2)",
          "half the tangent asked for"),
    Fault("OP-31", f"{MODEL}:tilt", "torch.linalg.matrix_norm(T, ord=2)",
          "torch.linalg.matrix_norm(T)", "Frobenius norm in place of the largest angle"),
    Fault("OP-31", f"{MODEL}:tilt", "2 * uniform - 1", "4 * uniform - 2",
          "gauge of twice the spread"),
    Fault("OP-31", f"{MODEL}:draw_head", "eigenvalues.sqrt()", "eigenvalues",
          "singular values in place of eigenvalues"),
    Fault("OP-31", f"{MODEL}:draw_head", "left * eigenvalues.sqrt()",
          "left * eigenvalues.sqrt().mean()", "a flat spectrum"),
    Fault("OP-31", f"{MODEL}:draw_representation",
          "haar(replicates, input_dim, generator, dtype)[:, :rank]",
          "standard_normal(replicates, rank, input_dim, generator=generator, dtype=dtype)",
          "rows not orthonormal"),
    Fault("OP-31", f"{COVARIANCE}:CovarianceSpec.spectrum", "self.dim / raw.sum()",
          "1 / raw.sum()", "trace one"),
    Fault("OP-31", f"{COVARIANCE}:CovarianceSpec.root", "torch.sqrt",
          "lambda eigenvalue: eigenvalue ** 0.25", "fourth root"),
    Fault("OP-31", f"{COVARIANCE}:_profile", "cond ** (1.0 - rank)", "cond ** (0.5 - rank / 2)",
          "root of the condition number"),
    Fault("OP-31", "lpfl.linalg.algebra:haar",
          "Q * torch.diagonal(R, dim1=-2, dim2=-1).sign().unsqueeze(-2)", "Q",
          "signs of the factorisation left in"),
    Fault("OP-32", f"{MODEL}:sample", "2 * bits - 1", "2 * bits", "signs of 0 and 2"),
    Fault("OP-32", f"{MODEL}:sample", "torch.randint(0, 2, shape, generator=generator, "
          "device=generator.device, dtype=dtype)",
          "(torch.rand(shape, generator=generator, dtype=dtype) < 0.7).to(dtype)",
          "signs not centred"),
    Fault("OP-32", f"{MODEL}:batch_of_rows", "inputs.mT @ inputs / n",
          "inputs.mT @ inputs / (n - 1)",
          "moments of the rows over n - 1"),
    Fault("OP-32", f"{MODEL}:sample", "problem.noise_std * noise", "problem.noise_std**2 * noise",
          "variance in place of the standard deviation"),
    Fault("OP-32", f"{MODEL}:sample", "white @ problem.root",
               "white[:1].expand(shape) @ problem.root", "replicates are copies"),
    Fault("OP-32", BARTLETT, "degrees - torch.arange(rows, device=device, dtype=dtype)",
          "degrees - 1 - torch.arange(rows, device=device, dtype=dtype) * (degrees - 1) / degrees",
          "n - 1 degrees of freedom"),
    Fault("OP-32", BARTLETT, "normal.triu_(1)", "normal.triu_(2)",
          "entries beside the diagonal forgotten"),
    Fault("OP-32", MOMENTS, "problem.noise_std / batch_size**0.5", "problem.noise_std / batch_size",
          "noise of the moments over n"),
    Fault("OP-32", MOMENTS, "white @ problem.root / batch_size**0.5",
          "white @ problem.root / (batch_size - 1) ** 0.5", "moments over n - 1"),
    Fault("OP-33", SEEDING, "[seed, *path]", "[seed, *path[:-1]]",
          "blocks and steps share their streams"),
    Fault("OP-33", SEEDING, "[seed, *path]", "[0, *path]", "seed ignored"),
    Fault("OP-33", SEEDING, "[seed, *path]", "[seed, *sorted(map(str, path))[:1]]",
          "only one word of the name counts"),
    Fault("OP-33", f"{BLOCKS}:replicated", "trial.stream(name, block)", "trial.stream(name)",
          "blocks share their teachers"),
    Fault("OP-33", f"{BLOCKS}:draw_moments", "trial.stream(name, block)", "trial.stream(name)",
          "blocks share their batches"),
    Fault("OP-33", "lpfl.verify.setups.single_index.layer:draw", 'trial.stream("network", block)',
          'trial.stream("network")', "blocks share their networks"),
    Fault("OP-33", "lpfl.verify.setups.single_index.layer:draw", 'trial.stream("batch", block)',
          'trial.stream("batch")', "blocks share their rows"),
    Fault("OP-31", "lpfl.linalg.covariance:CovarianceSpec.root", "torch.sqrt",
          "lambda eigenvalue: eigenvalue", "the covariance for its root"),
    Fault("OP-33", "lpfl.seeding:SEED_BITS", "63", "4", "seeds of four bits"),
)  # fmt: skip
