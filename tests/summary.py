#!/usr/bin/env python3
"""Counts the test cases that really ran, from the logs of `meson test` and the list of other steps.

    summary.py [--step-log FILE] [LOG-BASE…]

LOG-BASE is a build's meson-logs/NAME without suffix: NAME.json tells how each test program ended, NAME.junit.xml
the single cases in it. A step log has lines `ok NAME`, `not ok NAME` and `skip NAME`. The last line printed is
`N passed, N failed, N skipped`; the exit code is 1 when anything failed or nothing ran.
"""

import argparse
import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


class Counts:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def add(self, outcome, name):
        if outcome == "passed":
            self.passed += 1
        elif outcome == "skipped":
            self.skipped += 1
        else:
            self.failed += 1
            self.failures.append(name)


def case_outcome(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.find("skipped") is not None or case.get("result") == "skipped" or case.get("status") == "notrun":
        return "skipped"
    return "passed"


def cases_by_program(junit_path):
    """{test program's name in meson: [(case, outcome)]}"""
    programs = {}
    if not junit_path.exists():
        return programs
    for suite in ElementTree.parse(junit_path).getroot().iter("testsuite"):
        # "PROJECT.NAME" for TAP, "PROJECT.NAME.SUITE" for GoogleTest; neither project nor name has a dot.
        parts = suite.get("name", "").split(".")
        if len(parts) < 2:
            continue  # programs that are one case each: the exit code in the JSON log says it all
        program = parts[1]
        for case in suite.iter("testcase"):
            name = f"{case.get('classname', program)}.{case.get('name')}"
            programs.setdefault(program, []).append((name, case_outcome(case)))
    return programs


def count_build(log_base, counts):
    label = Path(log_base).parent.parent.name
    json_path = Path(f"{log_base}.json")
    if not json_path.exists():
        counts.add("failed", f"{label}: the tests did not run")
        return
    cases = cases_by_program(Path(f"{log_base}.junit.xml"))
    for line in json_path.read_text(encoding="utf-8").splitlines():
        program = json.loads(line)
        name, result = program["name"], program["result"]
        own = cases.get(name, [])
        if result in ("OK", "EXPECTEDFAIL", "SKIP") and own:
            for case, outcome in own:
                counts.add(outcome, f"{label}: {name}: {case}")
        elif result in ("OK", "EXPECTEDFAIL", "SKIP"):
            counts.add("skipped" if result == "SKIP" else "passed", f"{label}: {name}")
        else:
            for case, outcome in own:
                counts.add(outcome, f"{label}: {name}: {case}")
            # A crash or a time-out leaves no failed case behind.
            if not any(outcome == "failed" for _, outcome in own):
                counts.add("failed", f"{label}: {name}: {result}")


def count_steps(path, counts):
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        for prefix, outcome in (("ok ", "passed"), ("not ok ", "failed"), ("skip ", "skipped")):
            if line.startswith(prefix):
                counts.add(outcome, line.removeprefix(prefix))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step-log")
    parser.add_argument("log_bases", nargs="*")
    arguments = parser.parse_args()
    counts = Counts()
    if arguments.step_log:
        count_steps(arguments.step_log, counts)
    for log_base in arguments.log_bases:
        count_build(log_base, counts)
    for failure in counts.failures:
        print(f"FAILED {failure}")
    print(f"{counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped")
    return 1 if counts.failed or not counts.passed else 0


if __name__ == "__main__":
    sys.exit(main())
