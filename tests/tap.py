#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests as TAP. As a module: `sys.exit(run_tests(TESTS))` runs functions, a line each, named as they
are. As a program: runs a cmocka program and passes its TAP on, skips in TAP's own form, for cmocka
1.1.5 prints "not ok N # SKIP", which readers of TAP count as a failure; the exit status is the
program's."""
import re
import subprocess
import sys


class Skip(Exception):
    """Why a test cannot be run here."""


def run_tests(tests, without=""):
    """Returns 1 if any failed, else 0. `without`: what is missing, so that all are skipped."""
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    for number, test in enumerate(tests, 1):
        try:
            if without:
                raise Skip(without)
            test()
            print(f"ok {number} - {test.__name__}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {test.__name__} # SKIP {reason}", flush=True)
        except Exception as problem:  # every failure is one line and its reason, and none hides the others
            failed += 1
            reason = " ".join(f"{type(problem).__name__}: {problem!s:.1000}".split())
            print(f"not ok {number} - {test.__name__}\n# {reason}", flush=True)
    return int(failed > 0)


def main():
    program = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
    for line in program.stdout:
        sys.stdout.buffer.write(re.sub(rb"^not (ok \d+) # SKIP\b", rb"\1 # SKIP", line))
        sys.stdout.buffer.flush()
    status = program.wait()
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
