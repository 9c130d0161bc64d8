"""One installed package of optimizers: which of its classes are subjects, and what they need."""

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any

import torch

from lpfl.conformance.peers.claims import claims_of
from lpfl.conformance.peers.program_text import factory_text
from lpfl.conformance.spec import OptimizerSpec

Factory = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What one optimizer of a package needs beyond what is found by itself.

    make: class -> factory, where the class is not built from parameters and options alone.
    options, needs, step, tolerances: as in OptimizerSpec. claims: instead of those that its name
    suggests. expected: check id -> documented exception. variants: label -> further options, each
    a subject of its own; variant_claims: label -> claims of that subject. undrivable: why it
    cannot run here; it stays a row. skip: why it is no subject at all (a base class).
    """

    make: Callable[[Any], Factory] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    needs: frozenset[str] | set[str] = frozenset()
    claims: frozenset[str] | set[str] | None = None
    step: Callable[..., Any] | None = None
    tolerances: Mapping[str, float] = field(default_factory=dict)
    expected: Mapping[str, str] = field(default_factory=dict)
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    variant_claims: Mapping[str, set[str]] = field(default_factory=dict)
    undrivable: str = ""
    skip: str = ""


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package on the index and where its optimizers are found.

    distribution: its name there. modules: public modules whose classes are subjects, the first
    one importing the package. entries: name -> Entry, for a class or a function of the modules.
    functions: names of functions that build optimizers and are no classes. prepare: called
    before the import. expected: documented exceptions of every optimizer of the package.
    """

    distribution: str
    modules: tuple[str, ...]
    entries: Mapping[str, Entry] = field(default_factory=dict)
    functions: tuple[str, ...] = ()
    prepare: Callable[[], None] | None = None
    expected: Mapping[str, str] = field(default_factory=dict)

    def version(self) -> str | None:
        """Return the installed version, or None."""
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return None

    def load(self) -> list[ModuleType]:
        """Import the modules. Raises whatever the package raises."""
        if self.prepare is not None:
            self.prepare()
        return [importlib.import_module(name) for name in self.modules]

    def subjects(self) -> "list[Subject]":
        """Import the package and return its subjects, each class once, by name."""
        found = dict(self._found())
        missing = sorted(set(self.entries) - {name for _, name in found.values()} - self._skips())
        if missing:
            raise ValueError(f"entries={missing} are not in {self.distribution} {self.version()}")
        subjects: list[Subject] = []
        for made, (module, name) in found.items():
            entry = self.entries.get(name, Entry())
            if not entry.skip:
                subjects += _subjects(self, made, module, name, entry)
        return sorted(subjects, key=lambda subject: subject.name.lower())

    def _found(self) -> Iterator[tuple[Any, tuple[str, str]]]:
        seen: set[int] = set()
        top = self.modules[0].partition(".")[0]
        for module in self.load():
            for name, value in list(vars(module).items()):
                wanted = name in self.functions or (_is_optimizer(value, top) and name[0] != "_")
                if wanted and id(value) not in seen:
                    seen.add(id(value))
                    yield value, (module.__name__, name)

    def _skips(self) -> set[str]:
        return {name for name, entry in self.entries.items() if entry.skip}


@dataclass(frozen=True)
class Subject:
    """One row of the survey: a spec, or the reason why there is none."""

    name: str
    package: Package
    spec: OptimizerSpec | None
    undrivable: str = ""


def _is_optimizer(value: Any, top: str) -> bool:
    return (
        inspect.isclass(value)
        and issubclass(value, torch.optim.Optimizer)
        and value is not torch.optim.Optimizer
        and value.__module__.partition(".")[0] == top
    )


def _subjects(
    package: Package, made: Any, module: str, name: str, entry: Entry
) -> Iterator[Subject]:
    full = f"{module}.{name}"
    if entry.undrivable:
        yield Subject(full, package, None, entry.undrivable)
        return
    written = entry.make is not None or package.prepare is not None
    base = claims_of(name) if entry.claims is None else frozenset(entry.claims)
    factory = made if entry.make is None else _signed(entry.make(made), made)
    for label, extra in {"": {}, **entry.variants}.items():
        spec = OptimizerSpec(
            name=f"{full}[{label}]" if label else full,
            factory=factory,
            claims=frozenset(entry.variant_claims.get(label, base)),
            options={**entry.options, **extra},
            needs=frozenset(entry.needs),
            step=entry.step,
            tolerances=entry.tolerances,
            expected_failures={**package.expected, **entry.expected},
            source=f"{module}:{name}",
            program=factory_text(factory, prepare=package.prepare) if written else "",
        )
        yield Subject(spec.name, package, spec)


def _signed(factory: Factory, made: Any) -> Factory:
    """Give a factory the options that the class names, so that they can be found."""
    first, *_ = inspect.signature(factory).parameters.values()
    named = inspect.signature(made).parameters.values()
    kept = [p for p in list(named)[1:] if p.name != first.name]
    kept = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) if _plain(p) else p for p in kept]
    own = [p for p in inspect.signature(factory).parameters.values() if p.name != first.name]
    names = {p.name for p in kept}
    extra = [p for p in own if p.name not in names and _plain(p)]
    variadic = [p for p in kept if p.kind is inspect.Parameter.VAR_KEYWORD]
    options = [p for p in [*kept, *extra] if _plain(p)]
    signature = inspect.Signature([first, *options, *variadic])
    factory.__signature__ = signature  # type: ignore[attr-defined]
    return factory


def _plain(parameter: inspect.Parameter) -> bool:
    return parameter.kind not in (
        inspect.Parameter.VAR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    )
