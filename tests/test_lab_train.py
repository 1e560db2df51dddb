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

from tap import Skip, run_tests

ASSAY = os.environ["ASSAY"]
RUNTIMES = os.environ.get("ASSAY_RUNTIMES", "")
SMALL = ["--vocabulary", "300", "--width", "32", "--layers", "2", "--heads", "4", "--kv-heads", "2",
         "--length", "32", "--rows", "4", "--steps", "40"]
EXPERTS = [*SMALL, "--experts", "4"]


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


def mixture():
    """The same with experts."""
    if not os.path.exists(path("mixture")):
        answer("train", path("text"), "--out", path("mixture"), *EXPERTS)
    return path("mixture")


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


def with_experts_it_learns_and_their_load_is_even():
    r = answer("train", path("text"), "--out", path("mixture"), *EXPERTS)
    assert r["step"] == 40 and r["held_out"] < 4.5, r
    assert 0.9 < r["balance"] < 2, r
    answer("train", path("text"), "--out", path("one-mixture"), *EXPERTS, "--threads", "1",
           "--experts-per-token", "2")
    assert digest(path("one-mixture", "checkpoint.safetensors")) == digest(
        path("mixture", "checkpoint.safetensors"))
    refused(call("train", path("text"), "--out", path("none"), *EXPERTS, "--experts-per-token", "5"),
            "at most", "5")
    refused(call("train", path("text"), "--out", path("none"), "--experts-per-token", "1"), "--experts")


def each_way_to_compute_products_has_its_own_result():
    few = [*SMALL[:-1], "3"]
    r = [answer("train", path("text"), "--out", path("by" + name), *few, *([name] if name else []))
         for name in ("", "--bfloat16", "--tiles")]
    assert len({a["held_out"] for a in r}) == 3, r
    assert max(a["held_out"] for a in r) - min(a["held_out"] for a in r) < 0.02, r
    refused(call("train", path("text"), "--out", path("by"), *few, "--tiles"), "other texts or settings")


def killed_at_any_moment_it_goes_on_to_the_same_bits():
    goes_on(SMALL, "killed", whole())


def so_it_does_with_experts():
    goes_on(EXPERTS, "killed-mixture", mixture())


def goes_on(settings, name, unbroken):
    command = [ASSAY, "lab", "train", path("text"), "--out", path(name), *settings, "--save", "0"]
    checkpoint, killed = path(name, "checkpoint.safetensors"), 0
    for _ in range(6):
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
    assert digest(path(name, "checkpoint.safetensors")) == digest(
        os.path.join(unbroken, "checkpoint.safetensors"))


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
        file.write(good.replace(b'"assay_lab_checkpoint":"2"', b'"assay_lab_checkpoint":"1"'))
    refused(call("train", path("text"), "--out", path("damaged"), *SMALL), "version 1")
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


def exported(model, name):
    """The model's folder for Hugging Face and its GGUF file."""
    hf, gguf = path(name + "-hf"), path(name + ".gguf")
    if not os.path.exists(gguf):
        assert call("export", model, hf).returncode == 0
        assert call("export", model, gguf, "--format", "gguf").returncode == 0
    return hf, gguf


def what_is_exported_comes_back_to_the_bit():
    for model, name, family in ((whole(), "whole", b"llama"), (mixture(), "mixture", b"mixtral")):
        hf, gguf = exported(model, name)
        assert call("export", gguf, hf + "2").returncode == 0
        for part in ("model.safetensors", "config.json", "tokenizer.json"):
            assert digest(os.path.join(hf, part)) == digest(os.path.join(hf + "2", part)), part
        scores = [answer("score", m, path("text")) for m in (model, hf, gguf)]
        assert scores[0]["log_p"] == scores[1]["log_p"] == scores[2]["log_p"]
        assert sum(scores[0]["log_p"]) < 0 and scores[0]["nats_per_token"] < 4.5
        for there in (hf, gguf):
            result = subprocess.run([ASSAY, "lineage", "inspect", there], stdout=subprocess.PIPE,
                                    timeout=60)
            assert result.returncode == 0, result
            assert (family if there == hf else b"llama") in result.stdout, result.stdout


def experts_have_their_roles_in_either_format():
    for there, of_one in zip(exported(mixture(), "mixture"), (4, 1)):
        result = subprocess.run([ASSAY, "lineage", "inspect", there, "--json"],
                                stdout=subprocess.PIPE, timeout=60)
        r = json.loads(result.stdout)
        assert r["architecture"]["experts"] == 4, r["architecture"]
        roles = [t["role"] for t in r["tensors"]]
        assert roles.count("router") == 2, roles
        assert [roles.count(k) for k in ("gate", "up", "down")] == [2 * of_one] * 3, roles


def imports_that_contradict_themselves_are_refused():
    assert call("export", whole(), path("hf")).returncode == 0
    shutil.copytree(path("hf"), path("wrong"))
    with open(path("wrong", "config.json"), encoding="utf-8") as file:
        good = json.load(file)
    for key, value, word in (("num_hidden_layers", 64, "numbers where it has"),
                             ("hidden_size", 0.5, "whole numbers"),
                             ("rope_theta", 5e5, "base 10000"),
                             ("vocab_size", 65536, "numbers where it has"),
                             ("num_attention_heads", 5, "share the width out"),
                             ("intermediate_size", None, "whole numbers"),
                             ("rms_norm_eps", None, "1e-5"),
                             ("model_type", "granite", "granite"),
                             ("hidden_act", "gelu", "gelu"),
                             ("head_dim", 48, "head_dim 48"),
                             ("sliding_window", 8, "sliding_window 8"),
                             ("rope_scaling", {"type": "linear", "factor": 2}, "without scaling"),
                             ("rope_parameters", {"rope_type": "llama3", "factor": 8}, "llama3"),
                             ("rope_parameters", {"rope_type": "default", "rope_theta": 5e5}, "base 10000"),
                             ("num_local_experts", 4, "experts"),
                             ("num_local_experts", 1.5, "experts")):
        with open(path("wrong", "config.json"), "w", encoding="utf-8") as file:
            json.dump({**good, key: value}, file)
        refused(call("score", path("wrong"), path("text")), word)
    plain = {key: value for key, value in good.items() if key not in ("rope_theta", "head_dim", "mlp_bias")}
    with open(path("wrong", "config.json"), "w", encoding="utf-8") as file:  # as newer programs write it
        json.dump({**plain, "rope_scaling": None, "sliding_window": None,
                   "rope_parameters": {"rope_theta": 10000, "rope_type": "default"}}, file)
    assert answer("score", path("wrong"), path("text"))["log_p"] == answer("score", path("hf"), path("text"))["log_p"]


def expected(model):
    """A text of one row, and what assay says of it."""
    with open(path("text"), "rb") as file:
        start = file.read(70)
    start = start[:start.rindex(b" ")]
    with open(path("row"), "wb") as file:
        file.write(start)
    r = answer("score", model, path("row"))
    assert len(r["tokens"]) <= 32, r
    return r


def llama_cpp_gives_the_same_tokens_and_probabilities():
    if not os.path.isdir(os.path.join(RUNTIMES, "node_modules", "node-llama-cpp")):
        raise Skip("node-llama-cpp is not installed: ./dev test does it where the registry answers")
    program = os.path.join(RUNTIMES, "run_gguf.mjs")
    shutil.copy(os.path.join(os.environ["ASSAY_SOURCE"], "tests", "run_gguf.mjs"), program)
    for model, name in ((whole(), "whole"), (mixture(), "mixture")):
        r = expected(model)
        with open(path("row.json"), "w", encoding="utf-8") as file:
            json.dump({"tokens": r["tokens"]}, file)
        result = subprocess.run(
            ["node", program, exported(model, name)[1], path("row"), path("row.json")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        assert result.returncode == 0, result.stderr
        theirs = json.loads(result.stdout)
        assert theirs["tokens"] == r["tokens"], (theirs["tokens"], r["tokens"])
        worst = max(abs(a - b) for a, b in zip(theirs["log_p"], r["log_p"]))
        print(f"# {name}: ln p differs by at most {worst:.2g}")
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
    sys.path.insert(0, os.path.join(os.environ["ASSAY_SOURCE"], "python"))
    import reference_llama
    for model, name in ((whole(), "whole"), (mixture(), "mixture")):
        r, hf = expected(model), exported(model, name)[0]
        with open(os.path.join(hf, "config.json"), encoding="utf-8") as file:
            config = json.load(file)
        tensors = reference_llama.read_safetensors(os.path.join(hf, "model.safetensors"))
        theirs = reference_llama.log_p(config, tensors, [0] + r["tokens"])
        worst = max(abs(a - b) for a, b in zip(theirs, r["log_p"]))
        assert worst < 1e-4, worst


TESTS = [a_model_is_trained_and_learns,
         the_same_on_one_thread_and_by_another_seed_not,
         with_experts_it_learns_and_their_load_is_even,
         each_way_to_compute_products_has_its_own_result,
         killed_at_any_moment_it_goes_on_to_the_same_bits,
         so_it_does_with_experts,
         an_interrupt_saves_first,
         other_settings_versions_and_damage_are_refused,
         what_is_exported_comes_back_to_the_bit,
         experts_have_their_roles_in_either_format,
         imports_that_contradict_themselves_are_refused,
         a_forward_pass_written_apart_gives_the_same_probabilities,
         hugging_face_tokenizers_cut_texts_alike,
         llama_cpp_gives_the_same_tokens_and_probabilities]
with tempfile.TemporaryDirectory() as FOLDER:
    STATUS = run_tests(TESTS)
sys.exit(STATUS)
