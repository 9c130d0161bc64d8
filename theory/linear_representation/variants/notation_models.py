"""Notation of other models and other inputs: chains, biases, batch-norm, kurtosis, plateaus."""

from theory.core.notation import NONNEGATIVE, d, k, m, matrix, n, scalar, size

# LR-43: chains of layers
L_chain = size("L", "num_layers", "layers of a chain")
w_mid = size("w_2", "middle_width", "width of the wider hidden layer")
eta_M = scalar("eta_M", "middle_step_size", "step size of every middle layer", NONNEGATIVE)
C_mid = matrix("C_2", "middle", "middle layer of a chain of three", (k, k))
E_p = matrix("E_p", "product_error", "error of the product of all layers", (m, d), "derived")
J_first = matrix("J_1", "jacobian_first", "Jacobian of the outputs in the first layer",
                 (n * m, k * d), "derived")  # fmt: skip
J_middle = matrix("J_2", "jacobian_middle", "Jacobian of the outputs in the middle layer",
                  (n * m, k * k), "derived")  # fmt: skip
J_last = matrix("J_3", "jacobian_last", "Jacobian of the outputs in the last layer",
                (n * m, m * k), "derived")  # fmt: skip
D_first = matrix("D_W_1", "move_first", "KFAC step of the first layer", (k, d), "derived")
D_middle = matrix("D_W_2", "move_middle", "KFAC step of the middle layer", (k, k), "derived")
D_last = matrix("D_W_3", "move_last", "KFAC step of the last layer", (m, k), "derived")
Pi_out = matrix("Pi_o", "output_projector", "projector on the range of the last layer",
                (m, m), "derived")  # fmt: skip
Pi_in = matrix("Pi_i", "input_projector", "Σ-projector on the rows of the first layer",
               (d, d), "derived")  # fmt: skip
