#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program from outside: help, exit statuses, bad input, output that cannot be written.
Prints TAP. Needs ASSAY (the program) and ASSAY_SOURCE (the tree) in the environment."""
import csv
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

from tap import run_tests

ASSAY = os.environ["ASSAY"]
SOURCE = os.environ["ASSAY_SOURCE"]
CLAIM = os.path.join(SOURCE, "cases/deepseek-v3/claim.yaml")
ENVIRONMENT = dict(os.environ, ASSAY_DATA=os.path.join(SOURCE, "data"))


def call(*arguments, **options):
    options.setdefault("stdout", subprocess.PIPE)
    return subprocess.run([ASSAY, *arguments], stderr=subprocess.PIPE, env=ENVIRONMENT,
                          timeout=240, **options)


def refused(result, *parts):
    """Exit status 2, nothing on stdout, one line on stderr that says all of parts."""
    text = result.stderr.decode()
    assert result.returncode == 2, (result.returncode, text)
    assert result.stdout in (b"", None), result.stdout[:200]
    assert text.count("\n") == 1 and text.startswith("assay: "), text
    for part in parts:
        assert part in text, (part, text)


def changed(old, new, name="run.yaml"):
    """The DeepSeek claim with `old` replaced, as a file; returns its path and the line."""
    text = open(CLAIM, encoding="utf-8").read()
    assert text.count(old) >= 1, old
    line = text[: text.index(old)].count("\n") + 1
    path = os.path.join(FOLDER, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new, 1))
    return path, line


def bad_claim(old, new, *parts):
    path, line = changed(old, new)
    refused(call("claim", "predict", path), f"{path}:{line}:", *parts)


# ---- help and usage ---------------------------------------------------------------------------

def help_stands_at_every_level():
    listing = call("--help").stdout.decode()
    assert "claim predict" in listing and "Exit status" in listing
    assert "predict" in call("claim", "--help").stdout.decode()
    for line in listing.split("Commands:\n")[1].split("\n\n")[0].splitlines():
        words = line[2:22].split()
        text = call(*words, "--help")
        assert text.returncode == 0 and text.stdout.startswith(b"usage: assay " + words[0].encode())
        assert b"--seed" in text.stdout and b"--json" in text.stdout


def wrong_usage_is_one_line_and_status_two():
    assert call().returncode == 2
    refused(call("clam"), 'unknown command "clam", did you mean "claim"?')
    refused(call("claim", "predit"), 'unknown verb "predit", did you mean "predict"?')
    refused(call("claim"), "expected a verb")
    refused(call("claim", "predict"), "found 0 arguments")
    refused(call("claim", "predict", CLAIM, "--jsn"), 'unknown option "--jsn"', '"--json"')
    refused(call("claim", "predict", CLAIM, "--count", "4", "--count", "5"), "--count", "twice")
    refused(call("claim", "predict", CLAIM, "-x"), 'unknown option "-x"')
    refused(call("claim", "predict", CLAIM, "--seed"), "--seed: expected a value")
    refused(call("claim", "predict", CLAIM, "--seed", "-1"), "--seed", '"-1"')
    refused(call("claim", "predict", CLAIM, "--threads", "0"), "--threads", "from 1 to 1024")
    refused(call("claim", "predict", CLAIM, "--count", "many"), "--count", '"many"')
    refused(call("claim", "predict", CLAIM, "--accelerator", "H900"), "H900", "table")
    refused(call("claim", "predict", CLAIM, "--data", "/none"), "/none/accelerators.csv")


def options_may_stand_before_the_verb():
    before = call("claim", "--json", "predict", CLAIM)
    after = call("claim", "predict", CLAIM, "--json")
    assert before.returncode == 0 and before.stdout == after.stdout


def man_page_and_completion_name_every_command():
    man, completion = call("--man").stdout.decode(), call("--completion").stdout.decode()
    assert man.startswith(".TH ASSAY 1") and "assay claim validate" in man
    check = subprocess.run(["bash", "-n"], input=completion.encode(), stderr=subprocess.PIPE)
    assert check.returncode == 0, check.stderr
    script = completion + '\nCOMP_WORDS=(assay claim "") COMP_CWORD=2\n_assay\necho "${COMPREPLY[@]}"'
    words = subprocess.run(["bash"], input=script.encode(), stdout=subprocess.PIPE).stdout.decode()
    assert "predict" in words and "validate" in words, words


# ---- bad input: file, line, what was expected; status 2; nothing written -------------------------

def a_missing_file_is_named():
    refused(call("claim", "predict", "/none/run.yaml"), "/none/run.yaml", "No such file")


def an_unknown_key_is_named_with_its_neighbour():
    bad_claim("  precision: fp8", "  precison: fp8\n  precision: fp8",
              'unknown key "precison"', 'did you mean "precision"?')


def a_negative_number_is_refused():
    bad_claim("devices: {value: 2048", "devices: {value: -2048", '"-2048"', "whole number from 1")


def a_unit_left_out_is_refused():
    bad_claim("{value: 14.8T tokens", "{value: 14.8T", '"14.8T"', '"14.8T tokens"')


def heads_that_do_not_divide_are_refused():
    path, _ = changed("attention: latent", "attention: grouped", "grouped.yaml")
    text = open(path, encoding="utf-8").read().replace("heads: {value: 128", "heads: {value: 100")
    text = "\n".join(line for line in text.split("\n")
                     if not line.strip().startswith(("q_rank", "kv_rank", "nope_dim", "rope_dim",
                                                     "value_dim")))
    open(path, "w", encoding="utf-8").write(text)
    refused(call("claim", "predict", path), f"{path}:", "heads 100 does not divide hidden 7168")


def a_plan_that_does_not_multiply_is_refused():
    path, _ = changed("pipeline: {value: 16", "pipeline: {value: 15")
    refused(call("claim", "predict", path), f"{path}:", "pipeline 15", "2048")


def numbers_that_are_none_are_refused():
    bad_claim("{value: 14.8T tokens", "{value: nan tokens", '"nan tokens"')
    bad_claim("{value: 14.8T tokens", "{value: inf tokens", '"inf tokens"')


def two_to_the_sixty_three_tokens_are_refused():
    bad_claim("{value: 14.8T tokens", "{value: 9223372036854775808 tokens", "between 1 and 1e+18")


def a_line_of_a_gibibyte_is_refused_at_once():
    path = os.path.join(FOLDER, "long.yaml")
    with open(path, "wb") as file:
        file.truncate(1 << 30)
    refused(call("claim", "predict", path), f"{path}:1:", "at most 16777216")
    os.unlink(path)


def an_unknown_accelerator_lists_its_neighbours():
    bad_claim("accelerator: H800-SXM", "accelerator: H80-SMX", '"H80-SMX"', "H800-SXM")
    refused(call("claim", "predict", CLAIM, "--accelerator", "H20O"), '"H20O"', "H20, ")


def a_slip_of_a_key_is_named_with_the_key_that_was_meant():
    bad_claim("  accelerator: H800", "  acelerator: H800", '"acelerator"', '"accelerator"')
    bad_claim("  tokens: {", "  toknes: {", '"toknes"', '"tokens"')
    bad_claim("  ffn: {", "  fnn: {", '"fnn"', '"ffn"')
    bad_claim("parallel:", "paralel:", '"paralel"', '"parallel"')
    bad_claim("  pipeline: {", "  pp: {", '"pp"', "parallel", "may also have", "pipeline")
    bad_claim("  kind: shipped", "  kinf: shipped", '"kinf"', '"kind"')


def capitals_in_a_choice_do_not_matter():
    path, _ = changed("precision: fp8", "precision: FP8")
    assert call("claim", "predict", path, "--json").stdout == \
        call("claim", "predict", CLAIM, "--json").stdout


def a_row_that_cannot_be_is_listed_with_the_reason():
    """None may stop the others, or the program."""
    with open(os.path.join(SOURCE, "data/training_runs.csv"), encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    good = next(r for r in rows if r["group"] == "nemo_bridge" and r["tok_s_accel"] and not r["dropped"])
    changes = [("step_s", "fast"), ("pp", "-1"), ("heads", "0"), ("layers", "0.5"), ("hidden", "1e300"), ("n_accel", "1e12"),
               ("vocab", "0"), ("mbs", "0"), ("dp", "1e10"), ("experts", "1e6"), ("gbs", "7")]
    path = os.path.join(FOLDER, "odd.csv")
    with open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, good.keys())
        table.writeheader()
        for column, value in [("notes", "as it is")] + changes:
            table.writerow(dict(good, id=column, **{column: value}))
    result = call("claim", "validate", "--runs", path, "--json")
    assert result.returncode == 0, result.stderr
    told = {row["id"]: row for row in json.loads(result.stdout)["rows"]}
    assert told["notes"]["used"] and json.loads(result.stdout)["unreadable_rows"] == 2
    assert b"Of 12 rows, 2 have a cell that is no number" in call("claim", "validate", "--runs", path).stdout
    refused(call("claim", "calibrate", FOLDER, "--runs", path), f"{path}:3:", '"fast" for step_s')
    for column, _ in changes:
        why = "global batch" if column == "gbs" else column
        assert not told[column]["used"] and why in told[column]["note"], told[column]


def a_byte_order_mark_and_windows_line_ends_change_nothing():
    run = os.path.join(FOLDER, "marked.yaml")
    table = os.path.join(FOLDER, "marked.csv")
    plain = os.path.join(FOLDER, "plain.csv")
    rows = open(os.path.join(SOURCE, "data/training_runs.csv"), encoding="utf-8").read()
    rows = [line for line in rows.splitlines() if not line.startswith("#")][:6]
    for path, text in ((run, open(CLAIM, encoding="utf-8").read()), (table, "\n".join(rows))):
        with open(path, "w", encoding="utf-8-sig", newline="\r\n") as file:
            file.write(text)
    with open(plain, "w", encoding="utf-8") as file:
        file.write("\n".join(rows))
    assert call("claim", "predict", run, "--json").stdout == \
        call("claim", "predict", CLAIM, "--json").stdout
    marked = call("claim", "validate", "--runs", table, "--json")
    assert marked.returncode == 0, marked.stderr
    assert marked.stdout == call("claim", "validate", "--runs", plain, "--json").stdout


def configurations_are_read_from_beside_the_run():
    path = os.path.join(FOLDER, "small.yaml")
    with open(os.path.join(FOLDER, "config.json"), "w", encoding="utf-8") as file:
        file.write('{"model_type": "llama"}')
    with open(path, "w", encoding="utf-8") as file:
        file.write("assay: run/1\nmodel: {config: config.json}\n"
                   "training: {tokens: 2T tokens, sequence: 4096 tokens, precision: bf16,\n"
                   "  global_batch: 1024 sequences}\nhardware: {accelerator: A100, devices: 256}\n")
    answer = json.loads(call("claim", "predict", path, "--json").stdout)
    assert answer["fits"] and not answer["plan_known"]
    # published: 184,320 A100-hours for 2T tokens (Llama 2, table 2); coarse agreement
    assert 0.5 < answer["accelerator_hours"]["median"] / 184320 < 2
    with open(os.path.join(FOLDER, "config.json"), "w", encoding="utf-8") as file:
        file.write('{"model_type": "llama", "num_attention_heads": 33}')
    refused(call("claim", "predict", path), "config.json", "divisor of hidden_size")


# ---- answers -----------------------------------------------------------------------------------

def predictions_have_the_keys_others_rely_on():
    answer = json.loads(call("claim", "predict", CLAIM, "--json").stdout)
    for key in ("step_seconds", "accelerator_hours", "tokens_per_second_per_accelerator"):
        interval = answer[key]
        assert 0 < interval["low"] < interval["median"] < interval["high"], key
    for key in ("mfu", "peak_memory_bytes", "fits", "plan", "breakdown", "limits"):
        assert key in answer, key
    parts = sum(part["seconds"] for part in answer["breakdown"])
    assert 0.5 < parts / answer["step_seconds"]["median"] < 2
    assert all(part["seconds"] >= 0 for part in answer["breakdown"])


def a_layout_that_nobody_stated_is_said_to_be_assays_own():
    says = "No layout is stated"
    assert not any(says in t for t in json.loads(call("claim", "predict", CLAIM, "--json").stdout)["limits"])
    moved = json.loads(call("claim", "predict", CLAIM, "--accelerator", "H20", "--count", "1000", "--json").stdout)
    assert not moved["plan_known"] and any(says in t for t in moved["limits"]), moved["limits"]
    assert says in call("claim", "predict", CLAIM, "--accelerator", "H20", "--count", "1000").stdout.decode()


def a_layout_that_does_not_fit_is_an_answer():
    path, _ = changed("pipeline: {value: 16", "pipeline: {value: 2")
    result = call("claim", "predict", path, "--json")
    assert result.returncode == 0 and json.loads(result.stdout)["fits"] is False


def another_machine_takes_another_time():
    here = json.loads(call("claim", "predict", CLAIM, "--json").stdout)
    there = json.loads(call("claim", "predict", CLAIM, "--json", "--accelerator", "H20").stdout)
    assert there["accelerator"] == "H20"
    assert there["accelerator_hours"]["low"] > 2 * here["accelerator_hours"]["high"]


def answers_do_not_depend_on_threads_but_on_the_seed():
    one = call("claim", "infer", CLAIM, "--json", "--threads", "1").stdout
    two = call("claim", "infer", CLAIM, "--json", "--threads", "2").stdout
    other = call("claim", "infer", CLAIM, "--json", "--seed", "2").stdout
    assert one == two and one != other


def inference_names_what_it_cannot_tell_apart():
    answer = json.loads(call("claim", "infer", CLAIM, "--json").stdout)
    tied = {tie[0].split(" x ")[1] for tie in answer["indistinguishable"]}
    assert "H100-SXM" in tied, tied
    weighed = {(h["accelerator"], h["count"]): h["log10_lr"] for h in answer["hypotheses"]}
    assert weighed[("H20", 2048)] is None or weighed[("H20", 2048)]["median"] < -1
    assert answer["cannot_tell"] and answer["limits"]


def inference_says_when_no_hardware_predicts_the_claim():
    says = "No hypothesis predicts the claim"
    good = json.loads(call("claim", "infer", CLAIM, "--json").stdout)
    assert good["best_fit"]["speed_log10_p"] > -1 and good["best_fit"]["days_log10_p"] > -1
    assert not any(says in text for text in good["answers"])
    worse = []
    for tokens in ("40T", "148T"):  # so many more in the same hours and days
        path, _ = changed("14.8T tokens", tokens + " tokens")
        bad = json.loads(call("claim", "infer", path, "--json").stdout)
        assert any(says in text and bad["best_fit"]["hypothesis"] in text
                   for text in bad["answers"]), bad["answers"]
        worse.append(bad["best_fit"]["speed_log10_p"])
    assert worse[1] < worse[0] < good["best_fit"]["speed_log10_p"], worse


def inference_sets_clues_beside_priors_and_says_what_to_look_for():
    answer = json.loads(call("claim", "infer", CLAIM, "--json").stdout)
    assert abs(sum(h["posterior"] for h in answer["hypotheses"]) - 1) < 1e-9
    assert abs(sum(h["prior"] for h in answer["hypotheses"]) - 1) < 1e-9
    assert {"claimed speed", "claimed days"} <= {c["name"] for c in answer["clues"]}
    bits = [n["bits"] for n in answer["next"]]
    assert bits == sorted(bits, reverse=True) and bits[0] > 0.5
    assert all(0 < n["accuracy"] < 1 for n in answer["next"])
    assert answer["draws"] >= 1e6 and answer["prior_holder"]


def the_search_finds_a_plan_that_fits_and_counts_what_it_timed():
    answer = json.loads(call("claim", "search", CLAIM, "--json").stdout)
    best = answer["best"]
    assert best["fits"] and answer["plans_evaluated"] > 1e5 and answer["seconds"] > 0
    stated = json.loads(call("claim", "predict", CLAIM, "--json").stdout)
    assert best["step_seconds"] < stated["step_seconds"]["median"]
    degrees = best["plan"]
    product = 1
    for degree in ("tensor", "context", "pipeline", "data"):
        product *= degrees[degree]
    assert product == best["devices"] == 2048


def more_devices_on_the_front_are_faster():
    front = json.loads(call("claim", "search", CLAIM, "--json", "--pareto").stdout)["pareto"]
    assert len(front) > 5
    for a, b in zip(front, front[1:]):
        assert a["devices"] < b["devices"] and a["step_seconds"] > b["step_seconds"]


def a_search_on_unknown_hardware_is_refused():
    refused(call("claim", "search", CLAIM, "--accelerator", "H999"), "assay chips")
    refused(call("claim", "search", CLAIM, "--count", "many"), "--count")


def a_claim_without_numbers_cannot_be_weighed_and_says_so():
    text = open(CLAIM, encoding="utf-8").read()
    path = os.path.join(FOLDER, "silent.yaml")
    open(path, "w", encoding="utf-8").write(text[: text.index("claimed:")])
    result = call("claim", "infer", path, "--json")
    assert result.returncode == 1
    assert "nothing is claimed" in json.loads(result.stdout)["reason"]


def a_full_disk_is_noticed():
    with open("/dev/full", "wb") as full:
        result = call("claim", "predict", CLAIM, "--json", stdout=full)
    assert result.returncode == 2 and b"cannot write" in result.stderr


def where_results_go_is_looked_at_before_the_work():
    """A file in the folder's place, or no parent: said at once and not after hours."""
    there = os.path.join(FOLDER, "a file")
    with open(there, "w", encoding="utf-8") as file:
        file.write("mine")
    design = os.path.join(SOURCE, "designs/standard.yaml")
    refused(call("claim", "calibrate", there), there, "is no folder")
    refused(call("lab", "run", design, "--out", there), there, "is no folder")
    refused(call("lab", "run", design, "--out", os.path.join(FOLDER, "no", "such")), "cannot make")
    refused(call("case", "run", os.path.join(SOURCE, "cases/deepseek"), "--out", there), there, "is no folder")
    assert open(there, encoding="utf-8").read() == "mine"


def an_empty_text_has_no_probability():
    empty = os.path.join(FOLDER, "empty.txt")
    open(empty, "w", encoding="utf-8").close()
    result = call("lab", "score", FOLDER, empty, "--json")
    assert result.returncode == 1 and "empty" in json.loads(result.stdout)["reason"]


def what_documents_tell_people_to_type_is_there():
    """Every `assay ROOM VERB --option` of the documents names a verb and options that exist."""
    commands = [line[2:22].split() for line in call("--help").stdout.decode().split("Commands:\n")[1]
                .split("\n\n")[0].splitlines()]
    helps = {" ".join(words): call(*words, "--help").stdout.decode() for words in commands}
    rooms = {words[0] for words in commands if len(words) == 2}
    named = 0
    for pattern in ("*.md", "docs/*.md", "cases/*/*.md", "cases/*/*.yaml", "designs/*.yaml", "*/README.md"):
        for path in glob.glob(os.path.join(SOURCE, pattern)):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            for found in re.finditer(r"\bassay ([a-z]+)(?: ([a-z]+))?([^`\n]*)", text):
                room, verb, rest = found.groups()
                if room in rooms and verb and found.group(0).count("--") + found.group(0).count(".yaml"):
                    assert f"{room} {verb}" in helps, (path, found.group(0))
                said = helps.get(f"{room} {verb}", helps.get(room))
                for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", re.split(r" \| |; |\. ", rest)[0]) if said else ():
                    assert f"  {option} " in said, (path, found.group(0), option)
                    named += 1
    assert named > 60, named


def models_are_counted():
    path = os.path.join(FOLDER, "config.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write('{"model_type": "deepseek_v3"}')
    assert json.loads(call("model", path, "--json").stdout)["total"] == 671026419200
    assert json.loads(call("model", CLAIM, "--json").stdout)["total"] == 671026419200


TESTS = [value for name, value in list(globals().items())
         if callable(value) and getattr(value, "__module__", "") == "__main__"
         and name not in ("call", "refused", "changed", "bad_claim")]

with tempfile.TemporaryDirectory() as FOLDER:
    STATUS = run_tests(TESTS)
sys.exit(STATUS)
