#!/usr/bin/env python3
"""Holds the source tree against the rules of the house; prints one TAP line per check.

    tidy.py [SOURCE-ROOT]
"""

import sys
from pathlib import Path

import checks


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    tree = checks.Tree(root)
    failed = 0
    print(f"1..{len(checks.ALL)}")
    for number, check in enumerate(checks.ALL, start=1):
        violations = list(check(tree))
        failed += bool(violations)
        print(f"{'not ok' if violations else 'ok'} {number} - {check.__name__}: {check.__doc__}")
        for violation in violations:
            print(f"# {violation}")
            print(violation, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
