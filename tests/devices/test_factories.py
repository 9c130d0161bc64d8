"""Every tensor is created on the device asked for: read off the syntax trees."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FACTORIES = {
    "arange", "as_tensor", "empty", "eye", "full", "linspace", "logspace", "ones", "rand",
    "randint", "randn", "randperm", "tensor", "zeros",
}  # fmt: skip
# Built on the CPU in float64 on purpose, then moved: the same matrix on every device.
ON_THE_HOST = {"lpfl/linalg/covariance.py"}
# References of other people's optimizers run on the host; what a subject gets is moved.
JUDGE = "lpfl/conformance/"


def sources() -> list[Path]:
    return sorted(
        path
        for path in (ROOT / "lpfl").rglob("*.py")
        if path.relative_to(ROOT).as_posix() not in ON_THE_HOST
        and not path.relative_to(ROOT).as_posix().startswith(JUDGE)
    )


def homeless(tree: ast.AST) -> list[int]:
    """Return the lines of torch factory calls that name no device."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "torch"
        and node.func.attr in FACTORIES
        and not any(keyword.arg in ("device", None) for keyword in node.keywords)
    ]


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_factories_name_their_device(path):
    assert homeless(ast.parse(path.read_text())) == []


def test_the_reader_sees_a_missing_device():
    assert homeless(ast.parse("torch.eye(3)\ntorch.zeros(2, device=d)\ntorch.ones(2)")) == [1, 3]
