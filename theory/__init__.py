"""Executable theory of layer-wise preconditioning: what is predicted."""

from theory.spectrum import Spectrum as Spectrum
