#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""assay lineage from outside: fingerprints, scan, --quick, stages, inspect. Models are made here,
or are those of a shipped case. TAP."""
import hashlib
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

from safetensors_file import store

ASSAY = os.environ["ASSAY"]
number = 0
failed = False


def check(good, name):
    global number, failed
    number += 1
    failed = failed or not good
    print(f"{'ok' if good else 'not ok'} {number} - {name}", flush=True)


def run(*arguments):
    done = subprocess.run([ASSAY, *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def answer(*arguments):
    code, out, error = run(*arguments, "--json")
    if code:
        print("#", error)
    return json.loads(out) if code == 0 else {}


def write(path, seed, noise=0.0, tokens=300):
    """Two layers of width 64 with 96 units, as Llama names them."""
    own, other = random.Random(seed), random.Random(seed + 1000)
    shapes = {"model.embed_tokens.weight": (tokens, 64)}
    for layer in range(2):
        for name, shape in (("gate", (96, 64)), ("up", (96, 64)), ("down", (64, 96))):
            shapes[f"model.layers.{layer}.mlp.{name}_proj.weight"] = shape
    tensors = {}
    for name, (rows, columns) in shapes.items():
        values = [own.gauss(0, 1) + noise * other.gauss(0, 1) for _ in range(rows * columns)]
        tensors[name] = ("F32", [rows, columns], struct.pack(f"<{len(values)}f", *values))
    store(path, tensors)


def load(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(size)), file.read()
    return {name: (t["dtype"], t["shape"], data[slice(*t["data_offsets"])])
            for name, t in header.items()}


def as_signed_bytes(tensor):
    """Rows of signed bytes; the scale of each row is thrown away, as if it stood elsewhere."""
    _, shape, raw = tensor
    values, width, out = struct.unpack(f"<{len(raw) // 4}f", raw), shape[1], b""
    for at in range(0, len(values), width):
        row = values[at:at + width]
        scale = max(map(abs, row)) / 127
        out += struct.pack(f"<{width}b", *(round(v / scale) for v in row))
    return "I8", shape, out


def without_index(suspect, tensors, folder):
    """Parts that only their names tell of: all there, one gone, one of another checkpoint."""
    names = list(tensors)
    parts = [os.path.join(folder, f"model-0000{i}-of-000003.safetensors") for i in (1, 2, 3)]
    for i, part in enumerate(parts):
        store(part, {n: tensors[n] for n in names[i::3]})
    check(answer("lineage", "compare", suspect, folder)["relations"][0]["kind"] == "identical",
          "parts without an index are read together")
    found = answer("lineage", "scan", suspect, folder)["candidates"]
    check([(c["path"], c["relation"]) for c in found] == [(folder, "identical")],
          "scan takes them for one, by their folder")
    os.rename(parts[1], parts[1] + ".aside")
    code, _, error = run("lineage", "inspect", folder)
    check(code == 2 and "part 2 of 3 is missing" in error, "a part that is missing is named")
    check(len(answer("lineage", "inspect", parts[0])["tensors"]) == len(names[0::3]),
          "a part that is named itself is read alone")
    os.rename(parts[1] + ".aside", parts[1])
    store(parts[2], {n: tensors[n] for n in names[1::3]})
    code, _, error = run("lineage", "inspect", folder)
    check(code == 2 and f'two tensors are named "{names[1]}"' in error and parts[1] in error and
          parts[2] in error, "a tensor in two parts is refused, and both are named")
    store(os.path.join(folder, "other-00001-of-00002.safetensors"), {"w": tensors[names[0]]})
    code, _, error = run("lineage", "inspect", folder)
    check(code == 2 and "different checkpoints" in error, "parts of two checkpoints are refused")


def what_a_stranger_hands_over(folder):
    at = lambda *names: os.path.join(folder, *names)
    suspect = at("suspect.safetensors")
    write(suspect, 21)
    tensors = load(suspect)
    names = list(tensors)
    os.makedirs(at("zoo", "deep", "nothing"))
    parts = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    store(at("zoo", "in parts", parts[0]), {n: tensors[n] for n in names[:3]})
    store(at("zoo", "in parts", parts[1]), {n: tensors[n] for n in names[3:]})
    with open(at("zoo", "in parts", "model.safetensors.index.json"), "w") as file:
        json.dump({"weight_map": {n: parts[i >= 3] for i, n in enumerate(names)}}, file)
    os.symlink("nowhere", at("zoo", "gone.safetensors"))
    store(at("zoo", "int8.safetensors"), {n: as_signed_bytes(t) for n, t in tensors.items()})
    found = {os.path.relpath(c["path"], at("zoo")): c
             for c in answer("lineage", "scan", suspect, at("zoo"))["candidates"]}
    check(set(found) == {"in parts", "gone.safetensors", "int8.safetensors"},
          "scan lists a checkpoint in parts once, and what is gone")
    check(found["in parts"]["relation"] == "identical", "a checkpoint in parts is compared whole")
    check("No such file" in found["gone.safetensors"]["reason"], "a link to nothing is named")
    check(found["gone.safetensors"]["log10_p"] is None, "what could not be read has no p-value")
    scanned = answer("lineage", "scan", suspect, at("zoo"))["candidates"]
    check(scanned[-1]["path"].endswith("gone.safetensors"), "what could not be read comes last")
    text = run("lineage", "scan", suspect, at("zoo"))[1].splitlines()
    check(text[-1].startswith("- ") and "No such file" in text[-1] and "10^" not in text[-1],
          "the text gives it no p-value either")
    check(found["int8.safetensors"]["log10_p"] < -30, "signed bytes are found without their scales")
    without_index(suspect, tensors, at("bare"))
    os.makedirs(at("only"))
    os.symlink("nowhere", at("only", "gone.safetensors"))
    code, out, _ = run("lineage", "scan", suspect, at("only"), "--json")
    told = json.loads(out)
    check(code == 1 and "none of the candidates" in told["reason"] and
          len(told["candidates"]) == 1, "a folder of which nothing can be read is no answer")
    code, out, _ = run("lineage", "scan", suspect, at("zoo", "deep"), "--json")
    check(code == 1 and "no checkpoint" in json.loads(out)["reason"],
          "a folder without checkpoints is no answer")
    store(at("other.safetensors"), {"w": ("F32", [5, 3], bytes(60))})
    code, out, _ = run("lineage", "compare", suspect, at("other.safetensors"), "--json")
    told = json.loads(out)
    check(code == 1 and told["related"]["tests"] == 0 and "nothing" in told["reason"],
          "two that have nothing to compare are no answer")


def cut_while_it_is_read(folder):
    path, size = os.path.join(folder, "cut.safetensors"), 1 << 29
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + size)
    process = subprocess.Popen([ASSAY, "lineage", "inspect", path, "--digests", "--json"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    mapped = False
    while not mapped and process.poll() is None:
        with open(f"/proc/{process.pid}/maps") as maps:
            mapped = path in maps.read()
    os.truncate(path, 8 + len(header))
    out, error = process.communicate()
    check(process.returncode == 2 and out == b"" and path.encode() in error and
          b"became shorter while it was read" in error,
          "a file that is cut while it is read is named, and nothing else is said")
    os.unlink(path)


def stages_and_inspect():
    case = os.path.join(os.environ["ASSAY_SOURCE"], "cases", "renamed-copy")
    data = ("--data", os.path.join(os.environ["ASSAY_SOURCE"], "data"))
    base, twin = (os.path.join(case, name + ".safetensors") for name in ("base", "twin"))
    told = answer("lineage", "stages", base, twin, "--base", base, *data)
    stages = {s["stage"]: s for s in told["stages"]}
    check(list(stages) == ["configuration", "architecture", "embedding", "initialisation",
                           "pre-training", "tuning"], "stages come in the order of development")
    check(stages["embedding"]["exact"] and stages["embedding"]["log10_p"] < -30 and
          stages["pre-training"]["log10_lr"] < -1, "a shared seed is no shared training")
    check(told["direction"] == "unknown" and told["direction_log10_lr"] is None,
          "of two that were trained apart neither is the older")
    same = answer("lineage", "compare", base, twin, *data)["stages"]
    check([s["stage"] for s in same] == list(stages), "compare tells the same stages")
    code, _, error = run("lineage", "stages", base, twin, "--base", case + "/none", *data)
    check(code == 2 and "none" in error, "a base that is not there is refused by name")
    about = answer("lineage", "inspect", base, "--digests")
    with open(base, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    norms = [t for t in about["tensors"] if t["role"] == "norm"]
    check(about["sha256"] == digest == about["files"][0]["sha256"] and len(norms) == 3 and
          all(len(t["sha256"]) == 64 for t in about["tensors"]),
          "inspect gives roles, and digests of file and tensors")
    check(about["architecture"]["family"] == "llama or kin" and about["tokenizer"] is None and
          about["architecture"]["layers"] == 1, "inspect says what names and shapes tell")


def main():
    with tempfile.TemporaryDirectory() as folder:
        at = lambda *parts: os.path.join(folder, *parts)
        write(at("base", "model.safetensors"), 1)
        write(at("tuned", "model.safetensors"), 1, noise=0.5)
        for other in range(2, 5):
            write(at("others", f"other{other}.safetensors"), other)
        base, tuned = at("base", "model.safetensors"), at("tuned", "model.safetensors")

        quick = answer("lineage", "compare", base, tuned, "--quick")
        check(quick["related"]["log10_p"] < -30 and quick["relations"][0]["kind"] == "related",
              "compare --quick finds a tuned model")
        check(quick["bytes_read"] < 200000, "compare --quick reads little")
        other = answer("lineage", "compare", base, at("others", "other2.safetensors"), "--quick")
        check(other["related"]["log10_p"] > -3 and other["relations"] == [],
              "compare --quick finds no stranger")
        full = answer("lineage", "compare", base, tuned)
        check(full["bytes_read"] >= 2 * 4 * (300 * 64 + 6 * 96 * 64) and full["seconds"] > 0,
              "a full comparison reads every weight of both")
        rate = full["bytes_read"] / full["seconds"]
        check(abs(full["bytes_per_second"] - rate) < 0.001 * rate,
              "the rate is what was read over the time it took")

        made = answer("lineage", "fingerprint", base, tuned,
                      *(at("others", f"other{i}.safetensors") for i in range(2, 5)),
                      "--out", at("prints"))["fingerprints"]
        check([m["name"] for m in made] == ["base", "tuned", "other2", "other3", "other4"],
              "a fingerprint is named after its file, or its folder where the file says nothing")
        check(all(os.path.getsize(m["path"]) == m["bytes"] < 10000 for m in made),
              "a fingerprint takes less than 10 KB")
        code, _, error = run("lineage", "fingerprint", base, at("base"), "--out", at("prints"))
        check(code == 2 and "same name" in error, "two of one name are refused")

        found = answer("lineage", "scan", tuned, at("prints"))["candidates"]
        names = [os.path.basename(c["path"]) for c in found]
        check(set(names[:2]) == {"base.sketch", "tuned.sketch"} and
              all(c["log10_p"] < -30 and c["by"] == "fingerprint" for c in found[:2]) and
              all(c["log10_p"] > -3 for c in found[2:]), "scan finds kin among fingerprints")
        found = answer("lineage", "scan", at("prints", "tuned.sketch"), folder)["candidates"]
        check(len(found) == 10 and sum(c["log10_p"] < -30 for c in found) == 4,
              "a fingerprint finds checkpoints and fingerprints")
        found = answer("lineage", "scan", tuned, at("base"))["candidates"]
        check(found[0]["by"] == "weights" and found[0]["relation"] == "fine-tuned",
              "where weights are there, they are compared")
        found = answer("lineage", "scan", tuned, at("base"), "--quick")["candidates"]
        check(found[0]["by"] == "fingerprint" and found[0]["log10_p"] < -30 and
              not os.path.exists(at("base", "base.sketch")), "scan --quick leaves nothing behind")
        with open(at("prints", "broken.sketch"), "wb") as file:
            file.write(b"assay sketch 1\nxx")
        found = answer("lineage", "scan", tuned, at("prints"))["candidates"]
        broken = [c for c in found if c["path"].endswith("broken.sketch")]
        check(len(found) == 6 and "broken fingerprint" in broken[0]["reason"],
              "a broken fingerprint is named and the rest compared")
        code, _, error = run("lineage", "scan", at("prints", "broken.sketch"), folder)
        check(code == 2 and "byte" in error, "a broken suspect is refused with its offset")
    with tempfile.TemporaryDirectory() as folder:
        what_a_stranger_hands_over(folder)
        cut_while_it_is_read(folder)
    stages_and_inspect()
    print(f"1..{number}")
    sys.exit(failed)


main()
