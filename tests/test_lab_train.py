#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""assay lab train, export and score from outside: killed and resumed, exported and read again by
assay and, where they are installed, by independent runtimes. Prints TAP. Needs ASSAY (the program)
and ASSAY_SOURCE in the environment; ./dev test installs node-llama-cpp into the folder
ASSAY_RUNTIMES and tokenizers beside ASSAY_TOOLS."""
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ASSAY = os.environ["ASSAY"]
RUNTIMES = os.environ.get("ASSAY_RUNTIMES", "")
SMALL = ["--vocabulary", "300", "--width", "32", "--layers", "2", "--heads", "4", "--kv-heads", "2",
         "--length", "32", "--rows", "4", "--steps", "40"]


class Skip(Exception):
    pass


def path(*parts):
    return os.path.join(FOLDER, *parts)


def call(*arguments):
    return subprocess.run([ASSAY, "lab", *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=240)


def answer(*arguments):
    result = call(*arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def refused(result, *words):
    assert result.returncode == 2, (result.returncode, result.stderr)
    text = result.stderr.decode()
    assert len(text.splitlines()) == 1, text
    for word in words:
        assert word in text, (word, text)


def digest(name):
    with open(name, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def text_file():
    """Sentences of few words, with bytes beyond ASCII."""
    random.seed(1)
    words = "the a cat dog café sees loves 42 7 'tis it's — naïve, old; new".split()
    with open(path("text"), "w", encoding="utf-8") as file:
        for _ in range(4000):
            file.write(" ".join(random.choice(words) for _ in range(8)) + ".\n")
    return path("text")


def whole():
    if not os.path.exists(path("whole")):
        answer("train", path("text"), "--out", path("whole"), *SMALL)
    return path("whole")


def a_model_is_trained_and_learns():
    r = answer("train", text_file(), "--out", path("whole"), *SMALL)
    assert r["step"] == 40 and r["resumed_at"] == 0 and r["tokens"] > 10000, r
    assert r["held_out"] < 4.5, r  # ln 300 = 5.7 is what nothing learnt gives
    assert 0 < r["bits_per_byte"] < 6, r


def the_same_on_one_thread_and_by_another_seed_not():
    answer("train", path("text"), "--out", path("one"), *SMALL, "--threads", "1")
    assert digest(path("one", "checkpoint.safetensors")) == digest(
        os.path.join(whole(), "checkpoint.safetensors"))
    answer("train", path("text"), "--out", path("other"), *SMALL, "--seed", "2")
    assert digest(path("other", "checkpoint.safetensors")) != digest(
        os.path.join(whole(), "checkpoint.safetensors"))


def killed_at_any_moment_it_goes_on_to_the_same_bits():
    command = [ASSAY, "lab", "train", path("text"), "--out", path("killed"), *SMALL, "--save", "0"]
    checkpoint, killed = path("killed", "checkpoint.safetensors"), 0
    for _ in range(12):
        before = os.stat(checkpoint).st_mtime_ns if os.path.exists(checkpoint) else 0
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None:  # until it has saved anew, and then at any moment
            if os.path.exists(checkpoint) and os.stat(checkpoint).st_mtime_ns != before:
                break
            time.sleep(0.001)
        time.sleep(0.02 * random.random())
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    r = answer(*command[2:])
    assert killed > 0 and r["step"] == 40, (killed, r)
    assert digest(path("killed", "checkpoint.safetensors")) == digest(
        os.path.join(whole(), "checkpoint.safetensors"))


def an_interrupt_saves_first():
    command = [ASSAY, "lab", "train", path("text"), "--out", path("stopped"), *SMALL]
    command[command.index("40")] = "100000"
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    _, text = process.communicate(timeout=60)
    assert process.returncode not in (0, -signal.SIGINT), process.returncode
    assert b"goes on" in text, text
    assert os.path.exists(path("stopped", "checkpoint.safetensors"))


def other_settings_versions_and_damage_are_refused():
    refused(call("train", path("text"), "--out", whole(), *SMALL[:-1], "41"), "other texts or settings")
    shutil.copytree(whole(), path("damaged"))
    name = path("damaged", "checkpoint.safetensors")
    with open(name, "rb") as file:
        good = file.read()
    bad = bytearray(good)
    bad[len(bad) // 2] ^= 1
    with open(name, "wb") as file:
        file.write(bad)
    refused(call("train", path("text"), "--out", path("damaged"), *SMALL), "damaged")
    with open(name, "wb") as file:
        file.write(good.replace(b'"assay_lab_checkpoint":"1"', b'"assay_lab_checkpoint":"2"'))
    refused(call("train", path("text"), "--out", path("damaged"), *SMALL), "version 2")
    with open(name, "wb") as file:
        file.write(good.replace(b"width 32 ", b"width 64 ").replace(b"hidden 88", b"hidden 16"))
    refused(call("train", path("text"), "--out", path("damaged"), *SMALL), "not as many")
    with open(name, "wb") as file:
        file.write(good[:5000])
    assert call("train", path("text"), "--out", path("damaged"), *SMALL).returncode == 2
    refused(call("train", path("text"), "--out", path("big"), "--vocabulary", "60000"),
            "larger than the text supports")
    with open(path("tiny"), "w", encoding="utf-8") as file:
        file.write("abababab")
    refused(call("train", path("tiny"), "--out", path("none"), "--vocabulary", "257"), "too short")
    refused(call("train", path("absent"), "--out", path("none")), "absent")
    refused(call("train", path("text"), "--rows", "3", "--out", path("none")), "even")
    refused(call("export", path("none"), path("to")), "config.json")


def what_is_exported_comes_back_to_the_bit():
    scores = []
    assert call("export", whole(), path("hf")).returncode == 0
    assert call("export", whole(), path("m.gguf"), "--format", "gguf").returncode == 0
    assert call("export", path("m.gguf"), path("hf2")).returncode == 0
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        assert digest(path("hf", name)) == digest(path("hf2", name)), name
    for model in (whole(), path("hf"), path("m.gguf")):
        scores.append(answer("score", model, path("text")))
    assert scores[0]["log_p"] == scores[1]["log_p"] == scores[2]["log_p"]
    assert sum(scores[0]["log_p"]) < 0 and scores[0]["nats_per_token"] < 4.5
    for model in ("hf", "m.gguf"):
        result = subprocess.run([ASSAY, "lineage", "inspect", path(model)], stdout=subprocess.PIPE,
                                timeout=60)
        assert result.returncode == 0 and b"llama" in result.stdout, result


def imports_that_contradict_themselves_are_refused():
    assert call("export", whole(), path("hf")).returncode == 0
    shutil.copytree(path("hf"), path("wrong"))
    with open(path("wrong", "config.json"), encoding="utf-8") as file:
        good = json.load(file)
    for key, value, word in (("num_hidden_layers", 64, "numbers where it has"),
                             ("hidden_size", 0.5, "whole numbers"),
                             ("rope_theta", 5e5, "base 10000"),
                             ("vocab_size", 65536, "numbers where it has"),
                             ("num_attention_heads", 5, "numbers where it has 0"),
                             ("intermediate_size", None, "whole numbers")):
        with open(path("wrong", "config.json"), "w", encoding="utf-8") as file:
            json.dump({**good, key: value}, file)
        refused(call("score", path("wrong"), path("text")), word)


def expected():
    """A text of one row, and what assay says of it."""
    with open(path("text"), "rb") as file:
        start = file.read(70)
    start = start[:start.rindex(b" ")]
    with open(path("row"), "wb") as file:
        file.write(start)
    r = answer("score", whole(), path("row"))
    assert len(r["tokens"]) <= 32, r
    return r


def llama_cpp_gives_the_same_tokens_and_probabilities():
    if not os.path.isdir(os.path.join(RUNTIMES, "node_modules", "node-llama-cpp")):
        raise Skip("node-llama-cpp is not installed: ./dev test does it where the registry answers")
    r = expected()
    assert call("export", whole(), path("m.gguf"), "--format", "gguf").returncode == 0
    with open(path("row.json"), "w", encoding="utf-8") as file:
        json.dump({"tokens": r["tokens"]}, file)
    program = os.path.join(RUNTIMES, "run_gguf.mjs")
    shutil.copy(os.path.join(os.environ["ASSAY_SOURCE"], "tests", "run_gguf.mjs"), program)
    result = subprocess.run(["node", program, path("m.gguf"), path("row"), path("row.json")],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    assert result.returncode == 0, result.stderr
    theirs = json.loads(result.stdout)
    assert theirs["tokens"] == r["tokens"], (theirs["tokens"], r["tokens"])
    worst = max(abs(a - b) for a, b in zip(theirs["log_p"], r["log_p"]))
    assert worst < 1e-3, worst


def hugging_face_tokenizers_cut_texts_alike():
    python = os.path.join(os.environ.get("ASSAY_TOOLS", ""), "python")
    program = ("import json, sys, tokenizers; t = tokenizers.Tokenizer.from_file(sys.argv[1]); "
               "s = open(sys.argv[2], encoding='utf-8', newline='').read(); e = t.encode(s); "
               "print(json.dumps([e.ids, t.decode(e.ids[1:]) == s]))")
    if subprocess.run([python if os.path.exists(python) else "false", "-c", "import tokenizers"],
                      stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("tokenizers is not installed: ./dev test does it where the registry answers")
    assert call("export", whole(), path("hf")).returncode == 0
    odd = "Hello  world's 42nd caf\u00e9 \u2014 it\u2019s\n\n\tOK? 'tis  x=1;\r\n\x07\x7f \u00a0 \U0001f600 "
    with open(path("odd"), "w", encoding="utf-8", newline="") as file:
        file.write(odd)
    for text in (path("text"), path("odd")):
        result = subprocess.run([python, "-c", program, path("hf", "tokenizer.json"), text],
                                stdout=subprocess.PIPE, timeout=60)
        ids, back = json.loads(result.stdout)
        assert back and ids == [0] + answer("score", path("hf"), text)["tokens"], text


def a_forward_pass_written_apart_gives_the_same_probabilities():
    """From the safetensors file alone, in Python's own floats."""
    r = expected()
    assert call("export", whole(), path("hf")).returncode == 0
    sys.path.insert(0, os.path.join(os.environ["ASSAY_SOURCE"], "python"))
    import reference_llama
    with open(path("hf", "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    tensors = reference_llama.read_safetensors(path("hf", "model.safetensors"))
    theirs = reference_llama.log_p(config, tensors, [0] + r["tokens"])
    worst = max(abs(a - b) for a, b in zip(theirs, r["log_p"]))
    assert worst < 1e-4, worst


TESTS = [a_model_is_trained_and_learns,
         the_same_on_one_thread_and_by_another_seed_not,
         killed_at_any_moment_it_goes_on_to_the_same_bits,
         an_interrupt_saves_first,
         other_settings_versions_and_damage_are_refused,
         what_is_exported_comes_back_to_the_bit,
         imports_that_contradict_themselves_are_refused,
         a_forward_pass_written_apart_gives_the_same_probabilities,
         hugging_face_tokenizers_cut_texts_alike,
         llama_cpp_gives_the_same_tokens_and_probabilities]
FAILED = 0
with tempfile.TemporaryDirectory() as FOLDER:
    print(f"1..{len(TESTS)}")
    for number, test in enumerate(TESTS, 1):
        try:
            test()
            print(f"ok {number} - {test.__name__}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {test.__name__} # SKIP {reason}", flush=True)
        except Exception as problem:  # the message of any failure
            FAILED += 1
            print(f"not ok {number} - {test.__name__}\n# {problem!r}"[:2000], flush=True)
sys.exit(FAILED > 0)
