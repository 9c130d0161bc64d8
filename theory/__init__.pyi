from .claims import CLAIMS as CLAIMS
from .core.spectrum import Spectrum as Spectrum
