#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `assay style` says of suspects that it was not measured on by `style validate`: with changed
or few answers, with their teacher taken out of the candidates, or of another collection.

Usage: evaluate_style.py ASSAY changed|few|apart ALPACA
       evaluate_style.py ASSAY qlora QLORA
       evaluate_style.py ASSAY outside ALPACA QLORA
ASSAY is build/assay; ALPACA the folder of AlpacaEval's answers (.json.zst) whose models
data/style_models.csv knows; QLORA the folder of QLoRA's answers to Vicuna's 80 prompts.
  changed  answers cut, stripped, lower-cased, thinned or paraphrased, against the shipped fingerprints
  few      2 to 100 answers: teacher there, and teacher (with its maker's models) taken out
  apart    suspects on one half of the prompts, all others on the other half
  qlora    QLoRA's 32 models among themselves: candidates are the other sizes' data sets
  outside  QLoRA's 32 models and four assistants against the shipped fingerprints of public models
Shares stand with exact 95% intervals. Needs zstandard. Every draw is seeded.
"""
import collections
import csv
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import zstandard

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PANEL = os.path.join(ROOT, "data", "style_panel")
ASSAY = os.path.abspath(sys.argv[1]) if len(sys.argv) > 3 else sys.exit(__doc__)


# ---- the collections ---------------------------------------------------------------------------

def read(path):
    with open(path, "rb") as file:
        return json.loads(zstandard.ZstdDecompressor().stream_reader(file).read())


def models():
    with open(os.path.join(ROOT, "data", "style_models.csv"), encoding="utf-8") as file:
        return {row["model"]: row for row in
                csv.DictReader(line for line in file if not line.startswith("#"))}


def teachers(row):
    return [name for name in row["teachers"].split(";") if name]


def true_ones(table, suspect, question):
    """The candidates that taught the suspect, as `style validate` has it."""
    row = table[suspect]
    if row["taught"] != "yes" or row["how"].startswith("sft") != (question == "rank"):
        return set()
    return {name for name in teachers(row) if name in table} if question == "parent" else \
        {name for name in teachers(row) if any(r["family"] == name for r in table.values())} | \
        {table[name]["family"] for name in teachers(row) if name in table and table[name]["family"]}


def candidates(table, question, suspect, without):
    """Candidate -> its models: families for rank, untaught models and teachers for parent."""
    named = {name for row in table.values() for name in teachers(row)}
    found = collections.defaultdict(list)
    for name, row in table.items():
        if name == suspect or row["maker"] in without:
            continue
        if question == "rank" and row["family"]:
            found[row["family"]].append(name)
        elif question == "parent" and (row["family"] or name in named):
            found[name].append(name)
    return found


# ---- one question ------------------------------------------------------------------------------

def ask(question, answers, groups, panel):
    """groups: candidate -> files; panel: files, or none. Returns assay's object."""
    with tempfile.TemporaryDirectory() as folder:
        suspect = os.path.join(folder, "suspect.json")
        with open(suspect, "w", encoding="utf-8") as file:
            json.dump(answers, file)
        for name, files in groups.items():
            os.makedirs(os.path.join(folder, "candidates", name))
            for path in files:
                os.symlink(path, os.path.join(folder, "candidates", name, os.path.basename(path)))
        for path in panel:
            os.makedirs(os.path.join(folder, "panel"), exist_ok=True)
            os.symlink(path, os.path.join(folder, "panel", os.path.basename(path)))
        done = subprocess.run(
            [ASSAY, "style", question, "--suspect", suspect, "--candidates",
             os.path.join(folder, "candidates"),
             *(["--panel", os.path.join(folder, "panel")] if panel else []), "--replicates", "2", "--threads", "1", "--json", "--quiet"],
            capture_output=True, text=True, check=False)
    if done.returncode == 2:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def shipped(name):
    return os.path.join(PANEL, name + ".fingerprint")


def ask_shipped(table, question, suspect, answers, without=()):
    groups = {name: [shipped(model) for model in members] for name, members
              in candidates(table, question, suspect, without).items()}
    return ask(question, answers, groups, [shipped(name) for name in table if name != suspect])


# ---- counting ----------------------------------------------------------------------------------

def binomial_tail(k, n, p):
    return sum(math.comb(n, i) * p**i * (1 - p)**(n - i) for i in range(k, n + 1))


def exact(k, n):
    """Clopper and Pearson's 95% interval."""
    def solve(holds):
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if holds(middle) else (low, middle)
        return low
    low = solve(lambda p: binomial_tail(k, n, p) < 0.025) if k else 0
    high = solve(lambda p: binomial_tail(k + 1, n, p) < 0.975) if k < n else 1
    return f"{k} of {n}, {k / n:.2f} ({low:.2f} to {high:.2f})" if n else "none"


class Tally:
    def __init__(self):
        self.n = self.first = self.named = self.wrong = self.pairs = self.misled = 0
        self.most = -math.inf

    def add(self, answer, true, kin=()):
        """true: the candidates that taught it; kin: those that may be named without a mistake."""
        self.n += 1
        if not answer.get("candidates"):
            return
        best = answer["candidates"][0]["name"]
        self.first += best in true
        if not answer["abstain"]:
            self.named += best in true
            self.wrong += best not in true and best not in kin
        for candidate in answer["candidates"]:
            value = candidate["log10_lr"] and candidate["log10_lr"]["median"]
            if value is not None and candidate["name"] not in true and candidate["name"] not in kin:
                self.pairs += 1
                self.misled += value > 0.5
                self.most = max(self.most, value)

    def misleading(self):
        return f"{self.misled} of {self.pairs} (most {self.most:.2f})" if self.pairs else "-"


def run(jobs):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda job: job(), jobs))


# ---- what is done to answers -------------------------------------------------------------------

OTHER_WORDS = dict(pair.split(":") for pair in """
important:significant help:assist use:employ show:demonstrate make:create get:obtain need:require
many:numerous big:large small:little start:begin end:finish buy:purchase find:locate give:provide
keep:maintain let:allow begin:start choose:select change:alter improve:enhance different:distinct
various:several also:additionally but:yet however:though because:since often:frequently
usually:typically quickly:rapidly easy:simple hard:difficult good:beneficial bad:harmful best:ideal
people:individuals way:method ways:methods part:portion problem:issue problems:issues answer:reply
example:instance idea:notion reason:cause result:outcome results:outcomes goal:aim goals:aims
ensure:guarantee consider:contemplate include:comprise create:produce develop:build provide:supply
understand:grasp explain:clarify think:believe try:attempt want:wish should:ought-to can:could
very:highly overall:altogether specific:particular additional:further
""".split())
FULL = {"n't": " not", "'re": " are", "'ll": " will", "'ve": " have", "'m": " am"}


def paraphrase(text, draw):
    for short, whole in FULL.items():
        text = text.replace("can" + short, "cannot").replace("won" + short, "will not") \
            if short == "n't" else text
        text = text.replace(short, whole)
    text = re.sub(r"[A-Za-z]+", lambda m: OTHER_WORDS.get(m.group(), m.group()), text)
    return drop(text, draw, 0.05)


def drop(text, draw, share):
    return "".join(part for part in re.findall(r"\S+\s*|\s+", text)
                   if part.isspace() or draw.random() >= share)


def strip_markdown(text):
    text = re.sub(r"^#+ *|^[*+-] +|^\d+[.)] +|^> ?|^```.*$", "", text, flags=re.M)
    return re.sub(r"\*\*|__|`", "", text)


CHANGES = {
    "as they are": lambda text, draw: text,
    "cut to 50 words": lambda text, draw: "".join(re.findall(r"\S+\s*", text)[:50]),
    "markdown stripped": lambda text, draw: strip_markdown(text),
    "lower-cased": lambda text, draw: text.lower(),
    "one word in ten dropped": lambda text, draw: drop(text, draw, 0.1),
    "paraphrased": paraphrase,
}


def changed(alpaca):
    table = models()
    print("suspect's answers | question | true one first | true one named | wrongly named | "
          "false pairs with a ratio over 3")
    for change, how in CHANGES.items():
        for question in ("parent", "rank"):
            tally = Tally()

            def one(name, truth, question=question, how=how):
                draw = random.Random(name)
                answers = [{**a, "output": how(a["output"], draw)} for a in read(
                    os.path.join(alpaca, name + ".json.zst"))]
                return ask_shipped(table, question, name, answers), truth, name

            for answer, truth, name in run(
                    [lambda n=name, t=truth: one(n, t) for name in table
                     if (truth := true_ones(table, name, question))]):
                makers = {table[t]["maker"] for t in truth if t in table} | {table[name]["maker"]}
                kin = {c for c, members in candidates(table, question, name, ()).items()
                       if table[members[0]]["maker"] in makers or set(teachers(table[name])) & {c}}
                tally.add(answer, truth, kin)
            print(f"{change} | {question} | {exact(tally.first, tally.n)} | "
                  f"{exact(tally.named, tally.n)} | {exact(tally.wrong, tally.n)} | "
                  f"{tally.misleading()}", flush=True)


# ---- few answers, teacher there or not -----------------------------------------------------------

def few(alpaca):
    table = models()
    print("answers | question | true one first | true one named | without its teacher: any named | "
          "pairs then with a ratio over 3")
    for count in (2, 5, 10, 20, 50, 100):
        for question in ("parent", "rank"):
            there, absent = Tally(), Tally()

            def one(name, truth, question=question, count=count):
                row = table[name]
                answers = read(os.path.join(alpaca, name + ".json.zst"))
                answers = random.Random(f"{name} {count}").sample(answers, count)
                with_it = ask_shipped(table, question, name, answers) if truth else None
                out = {row["maker"]} | {r["maker"] for n, r in table.items()
                                        if n in teachers(row) or r["family"] in teachers(row)
                                        and r["family"]}
                known = row["taught"] == "no" or truth
                return with_it, truth, known and ask_shipped(table, question, name, answers, out)

            for with_it, truth, without in run(
                    [lambda n=name: one(n, true_ones(table, n, question)) for name in table]):
                if with_it:
                    there.add(with_it, truth)
                if without:
                    absent.add(without, set())
            print(f"{count} | {question} | {exact(there.first, there.n)} | "
                  f"{exact(there.named, there.n)} | {exact(absent.wrong, absent.n)} | "
                  f"{absent.misleading()}", flush=True)


# ---- other prompts -------------------------------------------------------------------------------

def apart(alpaca):
    table = models()
    with tempfile.TemporaryDirectory() as folder:
        halves = {}
        prompts = sorted({" ".join(a["instruction"].split())
                          for a in read(os.path.join(alpaca, "gpt4.json.zst"))})
        kept = set(prompts[::2])
        for name in table:
            answers = read(os.path.join(alpaca, name + ".json.zst"))
            halves[name] = [a for a in answers if " ".join(a["instruction"].split()) in kept]
            with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as file:
                json.dump([a for a in answers if " ".join(a["instruction"].split()) not in kept],
                          file)
        print("question | true one first | true one named | any other named")
        for question in ("parent", "rank"):
            tally = Tally()

            def one(name, truth, question=question):
                groups = {c: [os.path.join(folder, m + ".json") for m in members] for c, members
                          in candidates(table, question, name, ()).items()}
                return ask(question, halves[name], groups,
                           [os.path.join(folder, m + ".json") for m in table if m != name]), truth

            for answer, truth in run([lambda n=name, t=truth: one(n, t) for name in table
                                      if (truth := true_ones(table, name, question))]):
                tally.add(answer, truth)
            print(f"{question} | {exact(tally.first, tally.n)} | {exact(tally.named, tally.n)} | "
                  f"{exact(tally.wrong, tally.n)}", flush=True)


# ---- QLoRA ---------------------------------------------------------------------------------------

SIZES = ("7b", "13b", "30b", "65b")


def qlora_models(folder):
    """(size, data set) -> path."""
    return {(size, match.group(1)): os.path.join(folder, f"{size}-{match.group(1)}.json.zst")
            for size in SIZES for file in sorted(os.listdir(folder))
            if (match := re.fullmatch(size + r"-(.+)\.json\.zst", file))}


def qlora(folder):
    paths = qlora_models(folder)
    print("question | own data set first | named | wrongly named")
    for question in ("rank", "parent", "identify"):
        tally = Tally()

        def one(size, data, question=question):
            groups = collections.defaultdict(list)
            for (other, name), path in paths.items():
                if other != size:
                    groups[name].append(path)
            return ask(question, read(paths[size, data]), groups, []), {data}

        for answer, truth in run([lambda s=size, d=data: one(s, d) for size, data in paths]):
            tally.add(answer, truth)
        print(f"{question} | {exact(tally.first, tally.n)} | {exact(tally.named, tally.n)} | "
              f"{exact(tally.wrong, tally.n)}", flush=True)


def outside(alpaca, folder):
    """Vicuna's 80 prompts are among AlpacaEval's, in the same order."""
    table = models()
    prompts = [a["instruction"] for a in read(os.path.join(alpaca, "gpt4.json.zst"))
               if a["dataset"] == "vicuna"]
    files = sorted(f for f in os.listdir(folder) if f.endswith(".json.zst"))
    print("suspect | question | first | q | log10 LR | named")
    for question in ("parent", "rank"):
        def one(file, question=question):
            answers = [{"instruction": prompts[int(a["id"]) - 1], "output": a["output"]}
                       for a in read(os.path.join(folder, file))]
            return file, ask_shipped(table, question, "", answers)

        for file, answer in run([lambda f=file: one(f) for file in files]):
            best = answer["candidates"][0]
            value = best["log10_lr"] and best["log10_lr"]["median"]
            print(f"{file.removesuffix('.json.zst')} | {question} | {best['name']} | "
                  f"{best['q_value']:.3f} | {'-' if value is None else f'{value:.2f}'} | "
                  f"{'no' if answer['abstain'] else 'yes'}", flush=True)


kind, folders = sys.argv[2], [os.path.abspath(path) for path in sys.argv[3:]]
if kind not in ("changed", "few", "apart", "qlora", "outside") or (kind == "outside") != (len(folders) == 2):
    sys.exit(__doc__)
{"changed": changed, "few": few, "apart": apart,
 "qlora": qlora, "outside": outside}[kind](*folders)
