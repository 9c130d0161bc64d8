"""What a run's results depend on besides its plan: versions, device, threads."""

import platform
from datetime import UTC, datetime
from typing import Any

import torch

from lpfl.environment import environment
from lpfl.verify.check import ALPHA_TOTAL
from lpfl.verify.registry import REGISTRY
from lpfl.verify.running.runner import Plan


def device_name(device: str) -> str:
    """Return the name of the device a run uses."""
    if device.startswith("cuda"):
        return str(torch.cuda.get_device_name(device))
    return platform.processor() or platform.machine()


def run_header(plan: Plan, *, profile: str = "") -> dict[str, Any]:
    """Return the header record of a run; ``profile``: what really drew, if not the plan's own."""
    header = {
        "profile": profile or plan.profile,
        "seed": plan.seed,
        "device": plan.device,
        "device_name": device_name(plan.device),
        "dtype": plan.dtype,
        "threads": 1,
        **environment(),
        "claims": list(plan.claim_ids),
        "alpha_total": ALPHA_TOTAL,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if plan.scenario is not None:
        header["scenario"] = plan.scenario.as_json()
    if REGISTRY.broken:
        header["broken_packs"] = {b.name: f"{b.where}: {b.error}" for b in REGISTRY.broken}
    return header
