#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the test cases of a JUnit file that Meson wrote, prints the one line, and fails if any
failed or none ran."""
import sys
import xml.etree.ElementTree as tree

passed = failed = skipped = 0
for suite in tree.parse(sys.argv[1]).getroot().iter("testsuite"):
    cases = list(suite.iter("testcase"))
    bad = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    left = sum(case.find("skipped") is not None for case in cases)
    # a program that crashed or printed nothing counts as one failure
    wrong = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    failed += max(bad, wrong)
    skipped += left
    passed += len(cases) - bad - left
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or not passed else 0)
