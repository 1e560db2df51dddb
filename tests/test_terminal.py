#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What strangers wrote (names of files and tensors, notes, answers, exhibits) cannot drive the
terminal on which a command prints it. Prints TAP. Needs ASSAY and ASSAY_SOURCE."""
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

from safetensors_file import store

ASSAY = os.environ["ASSAY"]
ENVIRONMENT = dict(os.environ, ASSAY_DATA=os.path.join(os.environ["ASSAY_SOURCE"], "data"))
# a title set, a forged line, a C1 control, text turned around, a line separator, a byte order mark
HOSTILE = "x\x1b]0;owned\x07\nforged: no relation\r\x9b2J\u202eabc\u2066\u2028d\ufeff"
NAME = HOSTILE.replace("/", "")
UNSAFE = set(map(chr, [*range(0x20), *range(0x7f, 0xa0), 0x61c, 0x200e, 0x200f, *range(0x2028, 0x202f),
                       *range(0x2066, 0x206a), 0xfeff])) - {"\n"}
number = 0
failed = False


def check(good, name, told=""):
    global number, failed
    number += 1
    failed = failed or not good
    print(f"{'ok' if good else 'not ok'} {number} - {name}", flush=True)
    if not good:
        print("#", ascii(told)[:2000])


def call(*arguments, **options):
    return subprocess.run([ASSAY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=ENVIRONMENT, timeout=240, **options)


def plain(name, done, code=0, shows=True):
    """`done` ran, told of the hostile text, and told nothing that drives a terminal."""
    told = (done.stdout + done.stderr).decode("utf-8", "surrogateescape")
    bad = UNSAFE & set(told) or any(0xdc80 <= ord(c) <= 0xdcff for c in told)
    forged = any(line.lstrip().startswith("forged") for line in told.splitlines())
    name = "text of strangers stays text: " + name
    check(done.returncode == code and not bad and not forged and
          (not shows or "\ufffd]0;owned\ufffd" in told), name, (done.returncode, told))


def tensors(seed):
    """A matrix of which something can be told, and one that a formula made; type and names hostile."""
    draw = random.Random(seed)
    return {"w" + HOSTILE: ("F32", [32, 16], struct.pack("<512f", *(draw.gauss(0, 1) for _ in range(512)))),
            "b" + HOSTILE: ("F32", [40, 8], struct.pack("<320f", *[1.0] * 320)),
            "t" + HOSTILE: (HOSTILE, [1], b"\0\0\0\0")}


def weights(folder):
    one, two = os.path.join(folder, "zoo", NAME + ".safetensors"), os.path.join(folder, "two.safetensors")
    store(one, tensors(1), {"k" + HOSTILE: "v" + HOSTILE})
    store(two, tensors(1))
    plain("inspect", call("lineage", "inspect", one, "--digests"))
    plain("compare", call("lineage", "compare", one, two))
    plain("scan", call("lineage", "scan", two, os.path.join(folder, "zoo")))
    plain("fingerprint", call("lineage", "fingerprint", one, "--out", folder))
    plain("stages", call("lineage", "stages", one, two), shows=False)
    plain("merge", call("lineage", "merge", two, one, one), shows=False)
    plain("a file that is not there", call("lineage", "inspect", one + HOSTILE), 2)
    broken = os.path.join(folder, "broken.safetensors")
    store(broken, {"w" + HOSTILE: ("F32", [2], b"\0" * 4)})
    plain("a tensor that is refused", call("lineage", "inspect", broken), 2)
    with open(os.path.join(folder, "zoo", "bad" + NAME + ".gguf"), "wb") as file:
        file.write(b"GGUF")
    plain("a candidate that cannot be read", call("lineage", "scan", two, os.path.join(folder, "zoo")))
    pieces = os.path.join(folder, "vocab.json")
    with open(pieces, "w") as file:
        json.dump({HOSTILE: 0, "a": 1, "b" + HOSTILE: 2}, file)
    plain("tokenizers", call("lineage", "tokenizers", pieces, pieces), shows=False)


def answers(folder):
    draw = random.Random(5)
    words = [f"w{i}" for i in range(300)]
    shared = HOSTILE + "".join(chr(0x100 + i % 90) for i in range(300))
    for name in ["suspect.json", *(f"candidates/{NAME}{i}.json" for i in range(3)), "panel/p.json"]:
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        copied = shared if "panel" not in name and "1.json" not in name else ""
        with open(path, "w") as file:
            json.dump([{"instruction": f"{HOSTILE} {i}", "generator": HOSTILE, "output":
                        "I am a model by OpenAI. " + HOSTILE + " ".join(draw.choices(words, k=60)) + copied}
                       for i in range(12)], file)
    suspect, candidates = os.path.join(folder, "suspect.json"), os.path.join(folder, "candidates")
    chosen = ("--suspect", suspect, "--candidates", candidates)
    done = call("style", "rank", *chosen, "--panel", os.path.join(folder, "panel"))
    plain("style rank", done, done.returncode)
    plain("style copies", call("style", "copies", *chosen))
    plain("style inspect", call("style", "inspect", os.path.join(candidates, NAME + "0.json")))
    plain("style tree", call("style", "tree", candidates), shows=False)


def cases(folder):
    quoted = json.dumps(HOSTILE)  # YAML reads JSON's escapes
    case = os.path.join(folder, "case")
    os.makedirs(case)
    with open(os.path.join(case, "case.yaml"), "w") as file:
        file.write(f"""title: {quoted}
summary: {quoted}
exhibits:
  - {{id: E1, statement: {quoted}, said_by: {quoted}, source: {quoted}, date: 2024-06, grade: B2}}
questions:
  - id: descent
    text: {quoted}
    kind: descent
    stated: own
    hypotheses:
      - {{id: own, text: {quoted}}}
      - {{id: copied, text: {quoted}}}
      - {{id: none, none_of_these: true}}
    findings:
      - {{id: seen, text: {quoted}, because: {quoted}, exhibits: [E1],
         likelihoods: {{own: 0.02 (0.01 to 0.05), copied: 0.8 (0.6 to 0.9),
           none: 0.3 (0.1 to 0.5)}}}}
    exhibits: [E1]
""")
    for verb in ("check", "run", "show"):
        plain("case " + verb, call("case", verb, case), shows=verb == "run")
    with open(os.path.join(case, "case.yaml"), "a") as file:
        file.write(f"{quoted}: 1\n")
    plain("a key that nobody knows", call("case", "check", case), 2)
    plain("a case that is not there", call("case", "check", os.path.join(folder, NAME)), 2)


with tempfile.TemporaryDirectory() as folder:
    for part in (weights, answers, cases):
        part(os.path.join(folder, part.__name__))
print(f"1..{number}")
sys.exit(failed)
