"""Conformance reports as JUnit XML: one suite an optimizer, one case a check."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from lpfl.conformance.answers import Answers
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.harmless import visible

_SKIPPED = (Outcome.UNDRIVABLE, Outcome.NOT_CLAIMED, Outcome.UNKNOWN, Outcome.INCONCLUSIVE)


def to_junit(reports: Sequence[Answers]) -> str:
    """Return JUnit XML; what fails an optimizer is a failure, what says nothing is skipped."""
    root = ET.Element("testsuites")
    for report in reports:
        groups = list(report.by_check())
        failures = sum(results[0].failed for _, results in groups)
        skipped = sum(_skips(results[0]) for _, results in groups)
        suite = ET.SubElement(
            root,
            "testsuite",
            name=visible(f"lpfl check-optimizer {report.spec.name}"),
            tests=str(len(groups)),
            failures=str(failures),
            errors="0",
            skipped=str(skipped),
        )
        for check_id, results in groups:
            _case(suite, report, check_id, results)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(
    suite: ET.Element, report: Answers, check_id: str, results: Sequence[CheckResult]
) -> None:
    seconds = sum(result.seconds for result in results)
    case = ET.SubElement(
        suite,
        "testcase",
        classname=visible(f"lpfl.{report.spec.name}"),
        name=check_id,
        time=f"{seconds:.3f}",
    )
    first = results[0]
    said = "\n".join(f"{r.outcome}: {r.message}" for r in results)
    if first.failed:
        kind = "expected failure is gone" if first.stale else str(first.outcome)
        failure = ET.SubElement(case, "failure", type=kind, message=visible(first.message))
        failure.text = visible(f"{said}\n\n{first.snippet}")
    elif _skips(first):
        ET.SubElement(case, "skipped", type=str(first.outcome), message=visible(first.message))
    else:
        ET.SubElement(case, "system-out").text = visible(said)


def _skips(result: CheckResult) -> bool:
    return not result.failed and result.outcome in _SKIPPED
