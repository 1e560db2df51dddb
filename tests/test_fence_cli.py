#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""assay chips, claim fence and claim explain from outside: keys that other programs rely on,
lines that fit a terminal, errors that say how to mend. Prints TAP. Needs ASSAY and ASSAY_SOURCE."""
import json
import math
import os
import subprocess
import sys

from tap import run_tests

ASSAY = os.environ["ASSAY"]
SOURCE = os.environ["ASSAY_SOURCE"]
CASES = os.path.join(SOURCE, "cases")
LLAMA = os.path.join(CASES, "llama-3.1-405b/claim.yaml")
V3 = os.path.join(CASES, "deepseek-v3/claim.yaml")
V2 = os.path.join(CASES, "baselines/deepseek-v2.yaml")
DENSE = os.path.join(CASES, "baselines/deepseek-67b.yaml")
ENVIRONMENT = dict(os.environ, ASSAY_DATA=os.path.join(SOURCE, "data"))


def call(*arguments):
    return subprocess.run([ASSAY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=ENVIRONMENT, timeout=240)


def good(*arguments):
    result = call(*arguments)
    assert result.returncode == 0, result.stderr.decode()
    assert result.stderr == b"", result.stderr
    return result.stdout.decode()


def refused(*arguments, status=2, says=()):
    result = call(*arguments)
    text = result.stderr.decode()
    assert result.returncode == status, (result.returncode, text)
    assert text.startswith("assay: ") and text.count("\n") == 1, text
    for part in says:
        assert part in text, (part, text)


def fits_a_terminal(text):
    for line in text.splitlines():
        assert len(line) <= 80, line


def status(chips, name, rule):
    chip = next(c for c in chips["chips"] if c["name"] == name)
    return next(s for s in chip["status"] if s["rule"] == rule)["status"]


def chips_lists_known_statuses_under_every_rule():
    chips = json.loads(good("chips", "--json"))
    assert [r["name"] for r in chips["rules"]] == ["2022-10", "2023-10", "2025-01", "2025-04",
                                                   "2026-01"]
    for name, expected in (("A100-SXM", ["denial"] * 4 + ["case"]),
                           ("H100-SXM", ["denial"] * 4 + ["case"]),
                           ("A800-SXM", ["free"] + ["denial"] * 3 + ["case"]),
                           ("H800-SXM", ["free"] + ["denial"] * 3 + ["case"]),
                           ("H20", ["free"] * 3 + ["licence"] * 2),
                           ("B200", ["denial"] * 5)):
        assert [status(chips, name, r["name"]) for r in chips["rules"]] == expected, name
    for rule in chips["rules"]:
        for clause in rule["clauses"]:
            assert clause["source"] and clause["grade"] and clause["conditions"]
    assert chips["limits"]


def chips_of_a_day_names_the_rule_and_its_clauses():
    text = good("chips", "--date", "2024-06-01")
    assert "Rule 2023-10, in force from 2023-11-17" in text and "3A090.b.2" in text
    one = json.loads(good("chips", "--rule", "2023-10", "--json"))
    assert len(one["rules"]) == 1 and all(len(c["status"]) == 1 for c in one["chips"])
    assert "No rule was in force" in good("chips", "--date", "2020-01-01")


def explain_gives_factors_whose_product_is_the_ratio():
    x = json.loads(good("claim", "explain", DENSE, V2, "--json"))
    product = math.prod(f["factor"] for f in x["factors"])
    assert abs(product / x["ratio"] - 1) < 1e-9
    assert all(f["low"] <= f["factor"] <= f["high"] for f in x["factors"])
    back = json.loads(good("claim", "explain", V2, DENSE, "--json"))
    for f, g in zip(x["factors"], back["factors"]):
        assert f["name"] == g["name"] and abs(f["factor"] * g["factor"] - 1) < 1e-9
    same = json.loads(good("claim", "explain", V2, V2, "--json"))
    assert all(f["factor"] == 1 for f in same["factors"]) and same["ratio"] == 1


def explain_says_what_has_no_evidence():
    text = good("claim", "explain", LLAMA, V3, "--said", "45", "--active", "405.85B,37B")
    assert "11.58 = 10.97 (active parameters) x 1.054 (tokens) x 1.00" in text
    words = " ".join(text.split())
    assert "Of the 45x that was said, stated hours bear out 11.6x; a factor of 3.9 has no " \
           "evidence in device-hours." in words, words
    fits_a_terminal(text)


def fence_says_what_a_control_cost_and_method_won_back():
    f = json.loads(good("claim", "fence", V3, "--date", "2023-06-01", "--json"))
    assert f["best_legal"] == "H800-SXM" and f["rule"] == "2022-10"
    assert f["control_cost_without_method"]["median"] > f["control_cost_with_method"]["median"]
    own = next(c for c in f["chips"] if c["accelerator"] == "H800-SXM")
    assert {t["name"] for t in own["techniques"]} == {"fp8", "routing", "schedule", "overlap"}
    assert own["device_hours"]["low"] < own["device_hours"]["median"] < own["device_hours"]["high"]
    assert f["limits"] and f["answer"]


def lines_fit_a_terminal():
    fits_a_terminal(good("chips"))
    fits_a_terminal(good("chips", "--rule", "2026-01"))
    fits_a_terminal(good("claim", "fence", V3, "--date", "2024-06-01"))
    fits_a_terminal(good("claim", "explain", V2, V3))


def bad_input_is_refused_with_what_was_expected():
    refused("chips", "--date", "June 2023", says=("--date", "expected a day as"))
    refused("chips", "--rule", "2021-10", says=("--rule", "2022-10 2023-10"))
    refused("chips", "--date", "2023-06-01", "--rule", "2022-10", says=("give one",))
    refused("chips", "H100", says=("found 1 arguments",))
    refused("chips", "--data", "/none", says=("/none/",))
    refused("claim", "fence", V3, "--date", "2023", says=("--date", "expected a day as"))
    refused("claim", "fence", V3, "--date", "2010-01-01", status=1, says=("no accelerator",))
    refused("claim", "fence", "/none.yaml", says=("/none.yaml",))
    refused("claim", "explain", V3, says=("found 1 arguments",))
    refused("claim", "explain", V3, V2, "--said", "many", says=("--said", "such as 45"))
    refused("claim", "explain", V3, V2, "--said", "-1", says=("--said",))
    refused("claim", "explain", V3, V2, "--active", "37B", says=("--active", "405.85B,37B"))
    refused("claim", "explain", V3, V2, "--active", "37B,x", says=("--active",))


TESTS = [chips_lists_known_statuses_under_every_rule,
         chips_of_a_day_names_the_rule_and_its_clauses,
         explain_gives_factors_whose_product_is_the_ratio, explain_says_what_has_no_evidence,
         fence_says_what_a_control_cost_and_method_won_back, lines_fit_a_terminal,
         bad_input_is_refused_with_what_was_expected]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS))
