#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The keys of --json that other programs rely on, command by command, on what the tree ships; from
another folder than the tree's, with paths that have spaces and letters beyond ASCII. Prints TAP.
Needs ASSAY (the program) and ASSAY_SOURCE (the tree) in the environment."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

ASSAY = os.environ["ASSAY"]
SOURCE = os.environ["ASSAY_SOURCE"]
ENVIRONMENT = dict(os.environ, ASSAY_DATA=os.path.join(SOURCE, "data"))
INTERVAL = {"median", "low", "high"}
PREDICTION = {"step_seconds": INTERVAL, "accelerator_hours": INTERVAL,
              "tokens_per_second_per_accelerator": INTERVAL, "mfu": None,
              "peak_memory_bytes": None, "fits": None, "plan": None,
              "breakdown": [{"name", "seconds"}], "limits": [None]}
SUMMARY = {"n", "median_abs_relative_error", "p90_abs_relative_error", "coverage_80",
           "memory_median_abs_relative_error", "oom_accuracy"}
STYLE = {"suspect": None, "abstain": None, "reason": None,
         "candidates": [{"name", "score", "p_value", "q_value", "log10_lr"}]}

with open(os.path.join(SOURCE, "docs/report.schema.json"), encoding="utf-8") as schema:
    REPORT = json.load(schema)["required"]

# What each command must print; a list's form is that of each of its entries.
COMMANDS = [
    ("claim predict {run}", PREDICTION),
    ("claim predict {run} --accelerator H20 --count 4096", PREDICTION),
    ("claim validate --runs {table}",
     {"rows": [{"id", "source", "accelerator", "quantity", "measured", "predicted",
                "relative_error", "used"}], "summary": SUMMARY}),
    ("claim validate --runs {table} --cv source", {"rows": [{"id", "used"}], "summary": SUMMARY}),
    ("claim search {run} --accelerator H100-SXM --count 256",
     {"plans_evaluated": None, "seconds": None, "best": {"plan", "step_seconds"}}),
    ("claim explain {run} {other}", {"ratio": None, "factors": [{"name", "factor"}]}),
    ("claim infer {run}",
     {"hypotheses": [{"accelerator", "count", "posterior", "log10_lr"}],
      "indistinguishable": [None], "clues": [{"name", "log10_lr"}],
      "next": [{"name", "bits", "accuracy"}]}),
    ("style identify --suspect {suspect} --candidates {candidates} --panel {panel}", STYLE),
    ("style parent --suspect {suspect} --candidates {candidates} --panel {panel}", STYLE),
    ("style rank --suspect {suspect} --candidates {candidates} --panel {panel}", STYLE),
    ("style copies --suspect {suspect} --candidates {candidates}",
     {"candidates": [{"name", "prompts_with_long_runs", "longest_run_characters", "examples"}]}),
    ("style tree {panel}", {"newick": None, "support": [None]}),
    ("lineage compare {base} {copy}",
     {"related": {"log10_p", "log10_lr"}, "relations": [{"kind"}], "direction": None,
      "stages": [{"stage", "log10_p", "log10_lr", "note"}], "ignored": [{"tensor", "reason"}],
      "bytes_read": None, "seconds": None}),
    ("lineage scan {base} {models}", {"candidates": [{"path", "log10_p"}]}),
    ("case run {case}", dict.fromkeys(REPORT)),
]


def lacks(value, form, place):
    """Names of the keys of `form` that `value` lacks."""
    if isinstance(form, list):
        if not isinstance(value, list):
            return [place]
        return [m for v in value[:50] for m in lacks(v, form[0], place + "[]")] if form[0] else []
    if isinstance(form, (set, dict)):
        if not isinstance(value, dict):
            return [place]
        forms = form if isinstance(form, dict) else dict.fromkeys(form)
        missing = [f"{place}.{key}" for key in forms if key not in value]
        return missing or [m for key in forms if forms[key]
                           for m in lacks(value[key], forms[key], f"{place}.{key}")]
    return []


def prepare(folder):
    """Copies with names that a careless program trips over; paths relative to `folder`."""
    answers = os.path.join(SOURCE, "cases/taught-writer/answers")
    shutil.copytree(answers, os.path.join(folder, "Antworten ü"))
    shutil.copytree(os.path.join(SOURCE, "cases/taught-writer"), os.path.join(folder, "Fall 1"))
    shutil.copytree(os.path.join(SOURCE, "cases/renamed-copy"), os.path.join(folder, "模型"))
    claim = open(os.path.join(SOURCE, "cases/deepseek-v3/claim.yaml"), encoding="utf-8").read()
    for name, accelerator in (("läuf 1.yaml", "H800-SXM"), ("läuf 2.yaml", "H100-SXM")):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(claim.replace("accelerator: H800-SXM", "accelerator: " + accelerator, 1))
    with open(os.path.join(SOURCE, "data/training_runs.csv"), encoding="utf-8") as file:
        rows = [line for line in file if not line.startswith("#")]
    with open(os.path.join(folder, "runs, some.csv"), "w", encoding="utf-8") as file:
        file.writelines(rows[:1] + rows[40:52])
    return {"run": "läuf 1.yaml", "other": os.path.join(folder, "läuf 2.yaml"),
            "table": "./runs, some.csv", "suspect": "Antworten ü/suspect.jsonl.gz",
            "candidates": os.path.join(folder, "Antworten ü/candidates"),
            "panel": "Antworten ü/panel/", "base": "模型/base.safetensors",
            "copy": "模型/../模型/twin.safetensors", "models": "模型", "case": "Fall 1"}


def main():
    print(f"1..{len(COMMANDS)}")
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        places = prepare(folder)
        for number, (command, form) in enumerate(COMMANDS, 1):
            words = [word.format(**places) for word in command.split()] + ["--json"]
            done = subprocess.run([ASSAY, *words], cwd=folder, env=ENVIRONMENT, timeout=240,
                                  capture_output=True)
            try:
                told = json.loads(done.stdout)
                missing = lacks(told, form, "")
                good = done.returncode == 0 and not missing and isinstance(told, dict)
            except ValueError:
                missing, good = "no JSON object", False
            failed = failed or not good
            print(f"{'ok' if good else 'not ok'} {number} - {command} has the keys", flush=True)
            if not good:
                print(f"# exit {done.returncode}; lacks {missing}; {done.stderr.decode()[:400]}")
    sys.exit(failed)


main()
