"""What the docstrings of a subject say."""

import inspect
from typing import Any

from lpfl.conformance.subject import Subject


def own_classes(optimizer: Any) -> list[type]:
    """Return the class of an optimizer and its bases, without those of torch."""
    kinds = type(optimizer).__mro__
    return [k for k in kinds if k is not object and not f"{k.__module__}.".startswith("torch.")]


def documentation(subject: Subject, optimizer: Any) -> str:
    """Return the docstrings of a subject's class and its bases, constructors and factory.

    Those of torch's own classes do not count: they speak of torch's own methods.
    """
    return " ".join(docstrings(subject, optimizer))


def docstrings(subject: Subject, optimizer: Any) -> list[str]:
    """Return the docstrings of a subject: its factory's, its class's, then those of the bases."""
    factory = subject.spec.factory
    texts = [] if inspect.isclass(factory) else [getattr(factory, "__doc__", "")]
    for kind in own_classes(optimizer):
        of_init = getattr(kind.__dict__.get("__init__"), "__doc__", "")
        texts.append(f"{kind.__dict__.get('__doc__') or ''} {of_init or ''}")
    return [text or "" for text in texts]
