"""Named random streams: the only place where randomness is born."""

import hashlib
import json

import torch

SEED_BITS = 63


def derive_seed(seed: int, *path: str | int | float) -> int:
    """Return the 63-bit seed of the stream named ``path`` under ``seed``.

    The name is hashed with SHA-256 in canonical JSON, so a stream does not depend on which
    streams were opened before it, in which process, or on which machine.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed={seed!r}, needs an integer >= 0")
    name = json.dumps([seed, *path], separators=(",", ":"), allow_nan=False)
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - SEED_BITS)


def generator(
    seed: int, *path: str | int | float, device: str | torch.device = "cpu"
) -> torch.Generator:
    """Return a fresh generator on ``device`` for the stream named ``path``.

    Streams on different devices are different sequences with the same law.
    """
    return torch.Generator(device=device).manual_seed(derive_seed(seed, *path))
