"""Seeds and devices that a person chooses: is a word one, and can torch use it here?"""

import re

LARGEST_SEED = 2**63 - 1
_DEVICE = re.compile(r"cpu|cuda(:[0-9]{1,3})?", re.ASCII)


def require_seed(seed: object) -> None:
    """Raise ValueError unless ``seed`` is an integer that every random stream takes."""
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed={seed!r}, needs an integer >= 0")
    if seed > LARGEST_SEED:
        raise ValueError(f"seed has {seed.bit_length()} bits, needs an integer <= {LARGEST_SEED}")


def require_device_word(device: object) -> None:
    """Raise ValueError unless ``device`` is "cpu", "cuda" or "cuda:N"; torch is not asked."""
    if not isinstance(device, str) or _DEVICE.fullmatch(device) is None:
        raise ValueError(f"device={device!r}, needs cpu or cuda (or cuda:N)")


def require_device(device: str) -> None:
    """Raise ValueError if torch cannot use the device here; the CPU is always there."""
    require_device_word(device)
    if device == "cpu":
        return
    import torch

    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if found == 0:
        raise ValueError(f"device={device!r}, needs a CUDA GPU: torch finds 0")
    if int(device.partition(":")[2] or 0) >= found:
        raise ValueError(f"device={device!r}, needs a number below {found}")
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        first = (str(error).splitlines() or ["?"])[0]
        raise ValueError(f"device={device!r} cannot be used here: {first}") from None
