"""Executable theory of layer-wise preconditioning: what is predicted."""

from theory.claims import CLAIMS as CLAIMS
from theory.core.spectrum import Spectrum as Spectrum
