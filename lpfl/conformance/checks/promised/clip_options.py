"""Options that are clips by their names, switched on where they are off by default."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lpfl.conformance.checks.switches import works
from lpfl.conformance.subject import Subject

CLIPS = re.compile(
    r"^(grad(ient)?_?)?clip(ping)?(_?grad(ient)?s?)?(_?(norm|value|threshold|scale))?$"
    r"|^max_(grad(ient)?_)?norm$"
)
CLIP = 0.5


def clips(subject: Subject) -> Iterator[Mapping[str, Any]]:
    """Yield each clip that is off by default, switched on, if it works."""
    hidden = subject.default_group.keys() if subject.hides_options else frozenset[str]()
    for name in sorted({*subject.constructor_names, *hidden}):
        if CLIPS.search(name) and not subject.default(name) and works(subject, {name: CLIP}):
            yield {name: CLIP}
