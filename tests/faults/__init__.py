"""Planted faults, and the tests that every one of them is refuted."""

from tests.faults.frame_faults import FAULTS as FRAME_FAULTS

FAULTS = FRAME_FAULTS
