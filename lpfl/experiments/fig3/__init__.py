"""Figure 3: spectra around the step and the error after it."""
