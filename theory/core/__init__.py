"""What statements are made of: claims, notation, formulas, spectra, exact readings."""
