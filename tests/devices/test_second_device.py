"""No tensor of the host meets one of the device: seen without a GPU, on a pretended device."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
CLAIMS = ("LR-01", "LR-24", "LR-25", "OP-04", "OP-42", "SI-05")
SGD = "sgd:api.grads-kept,api.add-group,api.complex,api.micro-batches,api.warm-up,inv.convolution"
KFAC = "kfac:api.zero,api.validation,def.first-move"
BODY = """
import torch
from lpfl.optim.core.output_factor import sampled_residuals
from tests.devices.pretend import second_device

with second_device() as device:
    there, here = torch.ones(2, 2, device=device), torch.ones(2, 2)
    stream = torch.Generator(device=device)
    print((there @ there + 2.0).tolist(), torch.randn(2, generator=stream, device=device).device)
    there.copy_(here)
    draws = [sampled_residuals(t, samples_per_row=2, seed=3, draw=1) for t in (there, here)]
    print(draws[0].device, (draws[0].cpu() == draws[1]).all())
    streams = [torch.Generator(device=d).manual_seed(1) for d in (device, "cpu")]
    normal = [torch.randn(3, generator=s, device=s.device).cpu() for s in streams]
    print((normal[0] == normal[1]).any())
    for meet in (
        lambda: there @ here,
        lambda: torch.randn(2, generator=stream),
        lambda: there.numpy(),
    ):
        try:
            meet()
        except (RuntimeError, TypeError) as error:
            print(type(error).__name__)
"""


def run(*command: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


def on_pretend(*arguments: str) -> list[dict]:
    return [json.loads(line) for line in run("-m", "tests.devices.on_pretend", *arguments)]


def test_the_pretended_device_refuses_what_a_gpu_refuses():
    lines = run("-c", BODY)
    assert lines[0] == "[[4.0, 4.0], [4.0, 4.0]] pretend:0"
    assert lines[1:3] == ["pretend:0 tensor(True)", "tensor(False)"]
    assert lines[3:] == ["RuntimeError", "RuntimeError", "TypeError"]


def test_claims_hold_on_another_device():
    rows = on_pretend("claim", *CLAIMS)
    assert [row["subject"] for row in rows] == list(CLAIMS)
    for row in rows:
        assert row["found"] in ("confirmed", "inconclusive"), row
        assert row["met"] == [], row["subject"]


@pytest.mark.parametrize("subject", [SGD, KFAC], ids=["by gradients", "by hooks"])
def test_optimizers_are_judged_alike_on_another_device(subject):
    (row,) = on_pretend("judge", subject)
    assert row["found"] == {}
    assert row["met"] == []


def test_the_device_is_kept_out_of_this_process():
    assert torch._C._get_privateuse1_backend_name() == "privateuseone"
