# SPDX-License-Identifier: Apache-2.0
"""A produced report is what docs/report.schema.json says, and the schema refuses what is not."""
import copy
import json
import os
import subprocess
import sys

from json_schema import errors

with open(os.path.join(os.environ["ASSAY_SOURCE"], "docs", "report.schema.json")) as file:
    SCHEMA = json.load(file)
MADE = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout
REPORT = json.loads(MADE)


def broken(change):
    report = copy.deepcopy(REPORT)
    change(report)
    return errors(report, SCHEMA, SCHEMA)


RESULT = lambda r: r["questions"][0]["results"][0]
BREAKS = {
    "a_missing_title": lambda r: r.pop("title"),
    "an_unknown_key": lambda r: r.update(extra=1),
    "a_digest_that_is_none": lambda r: r.update(case_sha256="abc"),
    "a_grade_beyond_the_scale": lambda r: r["exhibits"][0].update(grade="G3"),
    "a_kind_that_is_none": lambda r: r["questions"][0].update(kind="software"),
    "a_probability_above_one": lambda r: RESULT(r)["comparisons"][0].update(posterior=1.5),
    "a_text_for_a_number": lambda r: RESULT(r)["finding"]["figures"][0]["bars"][0].update(value="1"),
    "a_text_for_a_cell": lambda r: RESULT(r)["finding"]["figures"][1]["grid"]["values"][0].__setitem__(0, "1"),
    "a_curve_without_a_place": lambda r: RESULT(r)["finding"]["figures"][3]["curves"]["series"][0]["points"][0].pop("x"),
    "a_scale_that_is_none": lambda r: RESULT(r)["finding"]["figures"][3]["curves"].update(x_scale="root"),
    "a_figure_of_no_kind": lambda r: RESULT(r)["finding"]["figures"][1].pop("grid"),
    "no_question": lambda r: r.update(questions=[]),
}

tests = [("a_produced_report_fits_its_schema", errors(REPORT, SCHEMA, SCHEMA) == []),
         ("the_same_case_gives_the_same_bytes",
          subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout == MADE)]
tests += [("the_schema_refuses_" + name, broken(change) != []) for name, change in BREAKS.items()]

print(f"1..{len(tests)}")
for number, (name, holds) in enumerate(tests, 1):
    print(("ok" if holds else "not ok"), number, "-", name)
for problem in errors(REPORT, SCHEMA, SCHEMA):
    print("#", problem)
sys.exit(not all(holds for _, holds in tests))
