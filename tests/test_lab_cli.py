#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""assay lab run from outside: a small design, done again, cut short, and designs that are wrong.
Prints TAP. Needs ASSAY (the program) in the environment."""
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from tap import run_tests

ASSAY = os.environ["ASSAY"]
DESIGN = """world: {seed: 1, words: 30, facts: 80, shared facts: 20, own facts: 10, distance: 1.5}
model: {width: 16, layers: 1, heads: 2, hidden: 32}
training: {steps: 50, rows: 6, length: 24, rate: 0.03}
teachers: [{name: ada}, {name: bela}]
methods: [answers]
doses: [1]
seeds: 2
null students: 9
level: 0.1
fresh students: 3
human students: 2
reference students: 2
answers per student: 48
subliminal: 2
white box: [distilled, same-initialisation, fine-tuned]
further training: [0.5]
disguises: [none, permuted and pruned]
"""
#       teachers: candidates, controls; undosed; controls', humans', candidates' students
KIN = 2 * (9 + 2 * 2)  # same initialisation; further trained
CELLS = 2 + 9 + 2 + 9 + 3 + 9 + 2 + 4 + 2 + KIN
FEW = """world: {seed: 2, words: 30, facts: 80, shared facts: 20, own facts: 10, distance: 1.5}
model: {width: 16, layers: 1, heads: 2, hidden: 32}
training: {steps: 64, rows: 4, length: 24, rate: 0.02}
teachers: [{name: ada}, {name: bela}]
methods: [answers, preferences]
doses: [0.5]
start: base
seeds: 1
null students: 1
level: 0.5
fresh students: 1
reference students: 2
answers per student: 24
"""
#                weights beside results: teachers, undosed, the distilled and their nulls, kin
STORED = CELLS + 11 + 9 + 3 + 4 + 9 + KIN


def path(*parts):
    return os.path.join(FOLDER, *parts)


def write(name, text):
    with open(path(name), "w", encoding="utf-8") as file:
        file.write(text)
    return path(name)


def call(*arguments):
    return subprocess.run([ASSAY, "lab", "run", *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=500)


def answer(*arguments):
    result = call(*arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def without(result, *keys):
    return {key: value for key, value in result.items() if key not in keys}


def a_design_is_carried_out_and_students_of_a_teacher_score_above_others():
    r = answer(write("d.yaml", DESIGN), "--out", path("out"))
    assert r["cells"] == r["done"] == r["trained"] == CELLS, r
    assert [(p["depth"], p.get("answers"), p["dose"]) for p in r["power"]] == [
        (depth, answers, dose) for depth, answers in (
            ("black box", 6), ("black box", 12), ("black box", 24), ("black box", 48),
            ("grey box", None)) for dose in (1,)] + [
        ("white box", None, dose) for dose in (1, 0, 0, 0, 0)]
    for p in r["power"][:5]:
        assert p["n"] == 4 and p["low"] <= p["power"] <= p["high"] and p["method"] == "answers", p
        both = p["against_undosed"]["share"], p["against_others"]["share"]
        assert p["power"] <= min(both), p
        assert p["most_log10_lr"] <= math.log10(9 + 1) + 1e-9, p
        assert p["roc"][0][0] == 0 and p["roc"][-1] == [1, 1] and p["roc"] == sorted(p["roc"]), p
        assert len(p["tippett"]["dosed"]) == 4 and len(p["tippett"]["null"]) == 2 * (9 + 9), p
    for f in r["false_positive"]:
        assert f["n"] > 0 and (f["low"] <= 0.1 or f["who"] != "undosed"), f
    assert {f["who"] for f in r["false_positive"]} == {"undosed", "another teacher", "human text"}
    fully = [p for p in r["power"][:5] if p["dose"] == 1 and p.get("answers", 48) == 48]
    assert all(p["auc"] > 0.8 and p["auc_others"] > 0.7 for p in fully), fully
    learnt = {c["dose"]: c["manner"]["mean"] for c in r["capability"]}
    assert learnt[1] > 0.5, learnt
    habit = r["subliminal"]
    assert habit["n"] == 2 and habit["teacher"]["mean"] > 1, habit
    assert all(habit[k]["low"] <= habit[k]["mean"] <= habit[k]["high"] for k in ("shared", "different")), habit


def weights_tell_descendants_and_say_nothing_of_the_distilled():
    r = answer(path("d.yaml"), "--out", path("out"))
    rows = r["white_box"]
    assert [(w["arm"], w["disguise"], w["further_training"]) for w in rows] == [
        ("distilled", "none", 0), ("same-initialisation", "none", 1),
        ("same-initialisation", "permuted and pruned", 1), ("fine-tuned", "none", 0.5),
        ("fine-tuned", "permuted and pruned", 0.5)], rows
    power = [p for p in r["power"] if p["depth"] == "white box"]
    assert [(p["method"], p["evasion"], p.get("further_training", 0)) for p in power] == [
        (w["arm"], w["disguise"], w["further_training"]) for w in rows]
    assert all(w["n"] == 4 for w in rows) and all(p["n"] == 4 for p in power)
    assert rows[0]["by_p"] < 1 and rows[0]["median_log10_p"] > -1, rows[0]
    for row, p in ((rows[1], power[1]), (rows[3], power[3])):
        assert row["by_p"] == 1 and row["median_log10_p"] < -6 and p["power"] == 1, (row, p)
        assert p["auc"] == p["auc_others"] == 1 and p["most_log10_lr"] <= math.log10(9 + 1) + 1e-9, p
    assert {"fine-tuned", "continued-training"} & {k["kind"] for k in rows[3]["kinds"]}, rows[3]
    assert rows[1]["shared_training"]["share"] < rows[3]["shared_training"]["share"], rows
    worth = r["white_box_worth"]
    assert worth["unrelated_at_level"]["low"] <= 0.1 and worth["origin_cllr"] < 0.5, worth
    wrong = [f for f in r["false_positive"] if f["depth"] == "white box"]
    assert {f["who"] for f in wrong} == {"undosed", "another teacher"} and len(wrong) == 2 * 5, wrong
    assert not [name for name in os.listdir(path("out")) if "-" in name], "a disguised copy was left"


def what_is_done_is_not_done_again():
    first = answer(path("d.yaml"), "--out", path("out"))
    assert first["trained"] == 0


def a_run_that_lost_results_goes_on_to_the_same_end():
    before = answer(path("d.yaml"), "--out", path("out"))
    files = sorted(name for name in os.listdir(path("out")) if "report" not in name)
    for name in files[::3]:
        os.remove(path("out", name))
    with open(path("out", files[1]), "w", encoding="utf-8") as file:
        file.write("{ torn")  # whatever it is: a result or a teacher's weights
    after = answer(path("d.yaml"), "--out", path("out"))
    lost = {name.split(".")[0] for name in files[::3] + [files[1]]}
    assert after["trained"] == len(lost), (after["trained"], len(lost))
    assert without(after, "trained", "resumed") == without(before, "trained", "resumed")


def an_interrupted_run_keeps_what_was_finished():
    process = subprocess.Popen([ASSAY, "lab", "run", path("d.yaml"), "--out", path("cut"), "--threads", "1"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while process.poll() is None and (not os.path.isdir(path("cut")) or len(os.listdir(path("cut"))) < 4):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    kept = len(os.listdir(path("cut")))
    assert not os.path.exists(path("cut", "report.json"))
    assert process.returncode != 0 and 4 <= kept < STORED, (process.returncode, kept)
    whole = sum(name.endswith(".json") for name in os.listdir(path("cut")))
    assert answer(path("d.yaml"), "--out", path("cut"))["trained"] == CELLS - whole


def parts(folder, ending):
    return [name for name in os.listdir(folder) if name.endswith(ending)] if os.path.isdir(folder) else []


def in_hand(folder, ending):
    """Whether a model has such a file and a part to go on from (its copy from before preferences is written
    first), and no result yet."""
    return any(os.path.exists(os.path.join(folder, name.replace(ending, "part.safetensors"))) and
               not os.path.exists(os.path.join(folder, name.replace(ending, "json")))
               for name in parts(folder, ending))


def being_examined(folder):
    """Whether the last of 64 steps of a model is kept, and no result yet."""
    for name in parts(folder, "part.safetensors"):
        try:
            with open(os.path.join(folder, name), "rb") as file:
                if b" step 64" in file.read(4096):
                    return not os.path.exists(os.path.join(folder, name.replace("part.safetensors", "json")))
        except FileNotFoundError:
            pass  # its result came
    return False


def stopped(design, sign, folder, is_there):
    """Runs a small design until the folder has what is to be there, and stops it then."""
    for _ in range(20):
        process = subprocess.Popen([ASSAY, "lab", "run", path(design), "--out", folder, "--threads", "1",
                                    "--save-every", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while process.poll() is None and not is_there():
            time.sleep(0.002)
        process.send_signal(sign)
        process.communicate(timeout=60)
        if is_there():
            return
        shutil.rmtree(folder, ignore_errors=True)
    raise AssertionError("no run was stopped in time")


def stopped_with(ending, sign, folder):
    stopped("few.yaml", sign, folder, lambda: in_hand(folder, ending))


def a_model_in_hand_goes_on_from_where_it_was_stopped_to_the_bit():
    whole = answer(write("few.yaml", FEW), "--out", path("whole"))
    assert whole["trained"] == whole["cells"] == 14 and whole["resumed"] == 0, whole
    for ending, sign in (("part.safetensors", signal.SIGINT), ("part.safetensors", signal.SIGKILL),
                         ("before.safetensors", signal.SIGKILL), ("examined", signal.SIGKILL)):
        folder = path("parts" + ending + str(int(sign)))
        if ending == "examined":
            stopped("few.yaml", sign, folder, lambda: being_examined(folder))
        else:
            stopped_with(ending, sign, folder)
        result = answer(path("few.yaml"), "--out", folder, "--threads", "1")
        assert result["resumed"] == 1, (ending, sign, result["resumed"])
        assert without(result, "trained", "resumed", "out") == without(whole, "trained", "resumed", "out"), ending
        assert not parts(folder, "part.safetensors") + parts(folder, "before.safetensors")


def a_part_that_is_torn_is_begun_again():
    stopped_with("part.safetensors", signal.SIGKILL, path("torn"))
    name = path("torn", parts(path("torn"), "part.safetensors")[0])
    with open(name, "r+b") as file:
        file.seek(-40, os.SEEK_END)
        file.write(b"\1" * 8)
    result = answer(path("few.yaml"), "--out", path("torn"))
    whole = answer(path("few.yaml"), "--out", path("whole"))
    assert result["resumed"] == 0 and not parts(path("torn"), "part.safetensors"), result["resumed"]
    assert without(result, "trained", "resumed", "out") == without(whole, "trained", "resumed", "out")


def students_of_every_width_are_judged_and_precision_is_part_of_a_model():
    few = FEW.replace("[answers, preferences]", "[answers]").replace("start: base", "widths: [8, 16]")
    plain = answer(write("widths.yaml", few), "--out", path("widths"))
    assert plain["cells"] == 3 + 2 * (2 + 1 + 1 + 1 + 2), plain["cells"]
    assert [(p["width"], p["n"]) for p in plain["power"] if p["depth"] == "grey box"] == [(8, 2), (16, 2)]
    rounded = answer(write("bf16.yaml", few.replace("rate: 0.02", "rate: 0.02, precision: bf16")),
                     "--out", path("widths"))
    assert rounded["trained"] == rounded["cells"] == plain["cells"], rounded["trained"]
    assert len(rounded["power"]) == len(plain["power"])
    assert rounded["capability"] != plain["capability"]


def prose_heard(folder):
    """Mean ln p a byte that all models together give to authors' prose."""
    heard = []
    for name in parts(folder, ".json"):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            heard += json.load(file).get("result", {}).get("prose", [])
    return sum(heard) / len(heard)


def models_of_a_folders_text_may_read_tokens_of_its_prose():
    source = os.environ.get("ASSAY_SOURCE", "..")
    shutil.copytree(os.path.join(source, "src", "lab"), path("prose"))
    few = FEW[FEW.index("\n"):].replace("[answers, preferences]", "[answers, logits]")
    plain = answer(write("bytes.yaml", "world: {seed: 2, text: prose}" + few), "--out", path("bytes"))
    design = write("tokens.yaml", "world: {seed: 2, text: prose, vocabulary: 400}" + few)
    r = answer(design, "--out", path("tokens"))
    assert "vocabulary" not in plain and r["vocabulary"]["tokens"] == 400, r
    assert 1.5 < r["vocabulary"]["bytes_per_token"] < 4, r["vocabulary"]
    with open(path("tokens", r["vocabulary"]["file"]), encoding="utf-8") as file:
        assert len(json.load(file)["model"]["vocab"]) == 400
    assert answer(design, "--out", path("tokens"))["trained"] == 0
    # the same rows, and figures in bytes: nats a token would be twice as many
    assert [(p["depth"], p["method"], p.get("answers")) for p in r["power"]] == [
        (p["depth"], p["method"], p.get("answers")) for p in plain["power"]]
    ratio = prose_heard(path("tokens")) / prose_heard(path("bytes"))
    assert 0.75 < ratio < 1.2, ratio
    for size, says in (("60000", "larger than the text supports"), ("200", "257")):
        bad = write("bad.yaml", "# a vocabulary\nworld: {seed: 2, text: prose, vocabulary: " + size + "}" + few)
        result = call(bad, "--out", path("bad"))
        text = result.stderr.decode()
        assert result.returncode == 2 and "bad.yaml:2" in text and says in text, text
        assert not os.path.exists(path("bad"))


def a_family_is_made_the_same_again_and_lineage_reads_its_pairs():
    pairs = path("pairs.csv")
    r = answer(write("f.yaml", "families: {first: 108, count: 1}\n"), "--out", path("family"), "--calibrate", pairs)
    assert r["cells"] == r["trained"] == 1 and r["power"] == [], r
    by = {p["pair"]: p for p in r["pairs"]}
    assert len(by) == len(r["pairs"]) == 8 and {p["shares"] for p in r["pairs"]} == {
        "nothing", "initialisation", "training", "tuning"}
    assert abs(by["base stranger"]["cosine"]) < 0.1 < 0.8 < by["base twin"]["cosine"], by
    assert max(by[p]["gains"] for p in ("base twin", "base long")) < by["base tuned"]["gains"], by
    with open(pairs, encoding="utf-8") as file:
        mine = [line for line in file if line[0].isdigit()]
    with open(os.path.join(os.environ.get("ASSAY_SOURCE", ".."), "data", "stage_pairs.csv"), encoding="utf-8") as file:
        shipped = [line for line in file if line.startswith("108,")]
    assert mine == shipped, (mine, shipped)


def a_habits_and_a_familys_models_go_on_too():
    """Those that are finished are kept beside the one in hand: three files of one result."""
    habit = FEW.replace("[answers, preferences]", "[answers]").replace("start: base", "subliminal: 1")
    write("habit.yaml", habit.replace("steps: 64", "steps: 32"))
    for design, out, sign in (("habit.yaml", "habit", signal.SIGINT), ("f.yaml", "family", signal.SIGKILL)):
        whole, folder = answer(path(design), "--out", path(out)), path("stopped" + out)
        stopped(design, sign, folder, lambda: len(parts(folder, "part.safetensors")) >= 3)
        assert len(parts(folder, "part.safetensors")) < 8, "all its models were there"
        finished = sum(name.endswith(".json") for name in os.listdir(folder))
        result = answer(path(design), "--out", folder, "--threads", "1")
        assert result["resumed"] == 1 and result["trained"] == whole["cells"] - finished, (design, finished, result)
        assert without(result, "trained", "resumed", "out") == without(whole, "trained", "resumed", "out"), design
        assert not parts(folder, "part.safetensors")


def ranks_share_the_models_and_agree_with_one():
    one = answer(path("d.yaml"), "--out", path("out"))
    if not shutil.which("mpirun") or "libmpi" not in subprocess.run(
            ["ldd", ASSAY], stdout=subprocess.PIPE).stdout.decode():
        print("# no mpirun, or built without MPI: one process and one thread instead")
        alone = answer(path("d.yaml"), "--out", path("ranks"), "--threads", "1")
        assert without(alone, "trained", "out") == without(one, "trained", "out")
        return
    result = subprocess.run(
        ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "2", ASSAY, "lab", "run",
         path("d.yaml"), "--out", path("ranks"), "--threads", "1", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=240,
        env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0", OMPI_MCA_rmaps_base_oversubscribe="1"))
    assert result.returncode == 0, result.stderr
    two = json.loads(result.stdout)
    assert without(two, "trained", "out") == without(one, "trained", "out")
    assert 0 < two["trained"] < CELLS, two["trained"]  # by the first rank
    assert len(os.listdir(path("ranks"))) == STORED + 2


def a_report_holds_the_result_and_draws_it():
    with open(path("out", "report.json"), encoding="utf-8") as file:
        assert without(json.load(file), "trained") == without(answer(path("d.yaml"), "--out", path("out")),
                                                              "trained")
    with open(path("out", "report.html"), encoding="utf-8") as file:
        page = file.read()
    finding = json.loads(page.split('id="report">')[1].split("</script>")[0])["finding"]
    curves = {figure["id"]: figure["curves"] for figure in finding["figures"] if "curves" in figure}
    assert {"answers-black-box", "roc-black-box", "roc-grey-box", "tippett-black-box",
            "tippett-grey-box", "power-white-box", "roc-white-box", "shared-training"} <= set(curves), set(curves)  # one dose alone is no curve
    row = json.load(open(path("out", "report.json"), encoding="utf-8"))["power"][0]
    points = curves["answers-black-box"]["series"][0]["points"]
    assert [row[key] for key in ("answers", "power", "low", "high")] == [
        points[0][key] for key in ("x", "y", "low", "high")]
    assert curves["answers-black-box"]["level"] == 0.95


def what_the_style_instrument_makes_of_the_students_is_calibrated():
    call(path("d.yaml"), "--out", path("out"), "--calibrate", path("lab_calibration.csv"))
    with open(path("lab_calibration.csv"), encoding="utf-8") as file:
        lines = [line for line in file.read().split("\n") if line and not line.startswith("#")]
    row = dict(zip(lines[0].split(","), lines[1].split(",")))
    assert row["question"] == "contrast" and float(row["slope"]) > 0, row
    assert abs(float(row["bound"]) - math.log10(10)) < 1e-4, row
    assert float(row["cllr"]) < 1, row


def designs_that_cannot_answer_are_refused_by_line():
    for found, right, line, says in (("doses: [1]", "doses: [0.3, 1.5]", 6, "1.5"),
                                     ("null students: 9", "null students: 0", 8, "9 or more"),
                                     ("[answers]", "[osmosis]", 5, "osmosis"),
                                     ("width: 16", "width: 15", 2, "multiple of twice the heads"),
                                     ("facts: 80", "facts: 40", 1, "too few"),
                                     ("seeds: 2", "seeds: 2\ncontrol teachers: 3", 8, "9 or more"),
                                     ("seeds: 2", "seeds: 2\nevasions: [flight]", 8, "flight"),
                                     ("seeds: 2", "seeds: 2\nwidths: [16, 18]", 8, "twice the heads"),
                                     ("[none, permuted and pruned]", "[none, painted]", 17, "painted"),
                                     ("[none, permuted and pruned]", "[shallower]", 17, "two layers"),
                                     ("[0.5]", "[1, 0.5]", 16, "rise"),
                                     ("rate: 0.03", "rate: 0.03, precision: fp8", 3, "bf16"),
                                     ("subliminal: 2", "families: {first: 1, count: 2}", 1, "world"),
                                     ("further training", "farther training", 16, "farther"),
                                     ("[answers]", "[on-policy]", 6, "start: base")):
        result = call(write("bad.yaml", DESIGN.replace(found, right)), "--out", path("bad"))
        text = result.stderr.decode()
        assert result.returncode == 2 and f"bad.yaml:{line}" in text and says in text, text
        assert not os.path.exists(path("bad"))


CASE = """title: How often is a taught model found?
summary: One instrument.
exhibits:
  - {id: laboratory, file: few.yaml, source: Made up, date: 2026-11, grade: A1}
questions:
  - id: teacher
    text: Whose answers did it learn from?
    kind: teacher
    instruments: [{instrument: lab.run, input: few.yaml, id: power}]
    exhibits: [laboratory]
"""


def a_case_keeps_the_models_of_its_laboratory():
    os.makedirs(path("case"))
    write("case/few.yaml", FEW.replace("[answers, preferences]", "[answers]").replace("start: base\n", ""))
    write("case/case.yaml", CASE)

    def run(*arguments):
        result = subprocess.run([ASSAY, "case", "run", path("case"), "--json", *arguments], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, timeout=300)
        assert result.returncode == 0, result.stderr
        models = {name: os.stat(path("case", "out", "findings", name)).st_mtime_ns
                  for name in os.listdir(path("case", "out", "findings")) if len(name.split(".")[0]) == 64}
        return json.loads(result.stdout)["questions"][0]["results"][0]["finding"], models

    first, models = run()
    assert len(models) == 10 + 3, models  # ten models, and the weights of teachers
    other, again = run("--seed", "2")
    assert again == models and other["figures"] == first["figures"], "models were trained again"
    anew, trained = run("--fresh")
    assert anew["figures"] == first["figures"]
    assert set(trained) == set(models) and all(trained[name] != models[name] for name in models)


def a_folder_that_cannot_hold_the_results_is_said_so():
    write("file", "")
    for out, says in ((path("file"), "no folder"), (path("file", "x"), "cannot make the folder")):
        result = call(path("d.yaml"), "--out", out)
        assert result.returncode == 2 and says in result.stderr.decode(), result.stderr
    # files that may not grow, as on a full disk: the weights of a teacher are 8 kB
    result = subprocess.run(["sh", "-c", 'ulimit -f 4; exec "$@"', "sh", ASSAY, "lab", "run", path("d.yaml"),
                             "--out", path("small")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100)
    assert result.returncode == 2 and b"cannot write: File too large" in result.stderr, result
    assert not [name for name in os.listdir(path("small")) if not name.endswith(".json")], os.listdir(path("small"))


TESTS = [value for name, value in list(globals().items())
         if callable(value) and getattr(value, "__module__", "") == "__main__"
         and name not in ("call", "answer", "path", "write", "without", "parts", "in_hand", "being_examined", "prose_heard", "stopped",
                          "stopped_with")]

with tempfile.TemporaryDirectory() as FOLDER:
    STATUS = run_tests(TESTS)
sys.exit(STATUS)
