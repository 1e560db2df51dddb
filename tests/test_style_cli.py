#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The style commands from outside: what they print, and bad input.
Prints TAP. Needs ASSAY (the program) and ASSAY_SOURCE (the tree) in the environment."""
import gzip
import http.server
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

from tap import run_tests

ASSAY = os.environ["ASSAY"]
ENVIRONMENT = dict(os.environ, ASSAY_DATA=os.path.join(os.environ["ASSAY_SOURCE"], "data"))
WORDS = [f"w{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(300)]


def call(*arguments):
    return subprocess.run([ASSAY, "style", *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=ENVIRONMENT, timeout=240)


def answer(*arguments):
    result = call(*arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def refused(result, *parts):
    text = result.stderr.decode()
    assert result.returncode == 2 and text.count("\n") == 1, (result.returncode, text)
    for part in parts:
        assert part in text, (part, text)


def path(*parts):
    return os.path.join(FOLDER, *parts)


def write(name, text):
    os.makedirs(os.path.dirname(path(name)), exist_ok=True)
    with open(path(name), "w", encoding="utf-8") as file:
        file.write(text)
    return path(name)


def rates(seed, teacher=None):
    source = random.Random(seed)
    own = [source.lognormvariate(0, 0.7) / (i + 3) for i in range(len(WORDS))]
    return own if teacher is None else [0.25 * a + 0.75 * b for a, b in zip(own, teacher)]


def texts(name, weights, seed, copied=""):
    source = random.Random(seed)
    return write(name, json.dumps([
        {"instruction": f"prompt {i}",
         "output": " ".join(source.choices(WORDS, weights, k=120)) + copied,
         "generator": name} for i in range(48)]))


def world():
    """Twenty writers in candidates/ (four, two of them in one folder) and panel/; a student."""
    style = [rates(i) for i in range(20)]
    texts("candidates/one.json", style[0], 100)
    texts("candidates/two.json", style[1], 101)
    texts("candidates/house/three-a.json", style[2], 102)
    texts("candidates/house/three-b.json", style[2], 103)
    for i in range(3, 20):
        texts(f"panel/p{i}.json", style[i], 100 + i)
    texts("suspect.json", rates(50, style[2]), 200)


def a_group_of_files_is_one_candidate_by_its_folders_name():
    r = answer("rank", "--suspect", path("suspect.json"), "--candidates", path("candidates"),
               "--panel", path("panel"))
    assert [set(c) >= {"name", "score", "p_value", "q_value", "log10_lr"} for c in r["candidates"]]
    assert r["candidates"][0]["name"] == "house", [c["name"] for c in r["candidates"]]
    assert {c["name"] for c in r["candidates"]} == {"house", "one", "two"}
    assert r["suspect"] == path("suspect.json") and r["abstain"] is (r["candidates"][0]["q_value"] > 0.05)
    assert "house" in r["reason"] and r["null_lineages"] == 20, r["null_lineages"]
    low, middle, high = (r["candidates"][0]["log10_lr"][k] for k in ("low", "median", "high"))
    assert low <= middle <= high


def files_may_be_named_one_by_one_and_a_closing_slash_does_not_matter():
    named = answer("rank", "--suspect", path("suspect.json"), "--candidates",
                   path("candidates/one.json"), path("candidates/two.json"), "--panel", path("panel"))
    assert {c["name"] for c in named["candidates"]} == {"one", "two"}
    slashed = answer("rank", "--suspect", path("suspect.json"), "--candidates",
                     path("candidates") + "/", "--panel", path("panel") + "/")
    assert slashed["candidates"][0]["name"] == "house"


def the_same_seed_gives_the_same_bytes_on_any_number_of_threads():
    arguments = ("identify", "--suspect", path("suspect.json"), "--candidates", path("candidates"),
                 "--panel", path("panel"), "--json")
    one = call(*arguments, "--threads", "1").stdout
    assert one and one == call(*arguments, "--threads", "2").stdout


def a_parent_shows_and_a_stranger_does_not():
    wrapped = write("wrapped.json", open(path("candidates/one.json"), encoding="utf-8").read())
    r = answer("parent", "--suspect", wrapped, "--candidates", path("candidates"),
               "--panel", path("panel"))
    assert r["candidates"][0]["name"] == "one" and not r["abstain"], r["reason"]
    texts("stranger.json", rates(99), 300)
    r = answer("parent", "--suspect", path("stranger.json"), "--candidates", path("candidates"))
    assert r["abstain"] and "Cannot tell" in r["reason"], r["reason"]


def whoever_alone_was_asked_the_same_does_not_stand_out_for_that():
    """Others that answered other prompts are unknown, not unlike: they are no null."""
    with open(path("suspect.json"), encoding="utf-8") as file:
        answers = json.load(file)
    write("asked/suspect.json", json.dumps(answers))
    texts("asked/candidates/stranger.json", rates(77), 500)
    for i, (folder, name) in enumerate([("candidates", "one"), ("candidates", "two"),
                                        *[("panel", f"p{i}") for i in range(3, 20)]]):
        with open(path(folder, name + ".json"), encoding="utf-8") as file:
            others = json.load(file)
        for kind, kept in (("apart", 0), ("half", 10)):  # none, and too few, of the suspect's prompts
            moved = [dict(a, instruction=a["instruction"] + (" of another list" if k >= kept else ""))
                     for k, a in enumerate(others)]
            write(f"asked/{kind}/{name}.json", json.dumps(moved))
    for kind in ("apart", "half"):
        for question in ("identify", "parent", "rank"):
            r = answer(question, "--suspect", path("asked/suspect.json"), "--candidates",
                       path("asked/candidates"), path(f"asked/{kind}/one.json"),
                       path("candidates/house/three-a.json"), path("candidates/house/three-b.json"),
                       "--panel", path(f"asked/{kind}"))
            assert r["abstain"] and r["null_lineages"] < 5, (kind, question, r["reason"])
            assert [s for s in r["left_out"] if "p3.json" in s and "too few to be compared" in s], r["left_out"]
            lost = next(c for c in r["candidates"] if c["name"] == "one")
            assert lost["score"] is None and lost["log10_lr"] is None and lost["p_value"] == 1, lost
    # answers to one half by some and to the other by others: no pair of them tells what is usual
    for i in range(3, 20):
        with open(path("panel", f"p{i}.json"), encoding="utf-8") as file:
            write(f"asked/second/p{i}.json", json.dumps(json.load(file)[24:]))
    with open(path("asked/candidates/stranger.json"), encoding="utf-8") as file:
        write("asked/first/stranger.json", json.dumps(json.load(file)[:24]))
    for question in ("parent", "rank"):
        r = answer(question, "--suspect", path("asked/suspect.json"), "--candidates", path("asked/first"),
                   "--panel", path("asked/second"))
        assert r["abstain"] and r["null_lineages"] == 0, (question, r["reason"])


def answers_that_are_the_suspects_own_are_no_pupils():
    """A file under another name, or a wrapper: named for its likeness, and said to be the same."""
    says = "has the suspect's own answers to 48 of 48 prompts"
    with open(path("suspect.json"), encoding="utf-8") as file:
        write("twin/twin.json", file.read())
    for question in ("identify", "parent", "rank"):
        r = answer(question, "--suspect", path("suspect.json"), "--candidates", path("candidates"),
                   path("twin/twin.json"), "--panel", path("panel"))
        assert r["candidates"][0]["name"] == "twin", r["reason"]
        assert [limit for limit in r["limits"] if says in limit and limit.startswith("twin")], r["limits"]
    r = answer("rank", "--suspect", path("suspect.json"), "--candidates", path("candidates"))
    assert not [limit for limit in r["limits"] if "own answers" in limit], r["limits"]


def a_ratio_at_the_bound_of_its_calibration_is_said_to_be():
    r = answer("rank", "--suspect", path("suspect.json"), "--candidates", path("candidates"),
               "--panel", path("panel"))
    bound = max(abs(c["log10_lr"]["median"]) for c in r["candidates"])
    at_it = [limit for limit in r["limits"] if f"beyond 10^{bound:.2f} either way" in limit]
    assert at_it and "8 lineages" in at_it[0], (bound, r["limits"])


def copies_are_counted_and_shown():
    run = " the very same long passage that nobody else has said" * 5
    texts("copy/suspect.json", rates(70), 400, run)
    texts("copy/source.json", rates(71), 401, run)
    r = answer("copies", "--suspect", path("copy/suspect.json"), "--candidates",
               path("candidates"), path("copy"))
    top = r["candidates"][0]
    assert top["name"] == "source" and top["prompts_with_long_runs"] == 48, top
    assert top["longest_run_characters"] >= len(run) and run.strip() in top["examples"][0]["text"]
    assert all(c["prompts_with_long_runs"] == 0 for c in r["candidates"][1:])
    assert "suspect" not in [c["name"] for c in r["candidates"]]


def a_tree_is_newick_and_a_picture():
    svg = path("tree.svg")
    r = answer("tree", path("panel"), path("candidates"), "--replicates", "10", "--svg", svg)
    assert r["newick"].endswith(";") and r["newick"].count("(") == r["newick"].count(")")
    assert all(f"'p{i}'" in r["newick"] for i in range(3, 20))
    assert len(r["support"]) == 21 - 3 and all(0 <= s <= 1 for s in r["support"])
    assert open(svg, encoding="utf-8").read().startswith("<svg")


def inspect_says_what_was_read():
    with gzip.open(path("logs.jsonl.gz"), "wt", encoding="utf-8") as file:
        file.write('{"prompt": "a", "response": " b"}\n{"prompt": "a", "response": "c"}\n')
    s = answer("inspect", path("logs.jsonl.gz"))["sets"][0]
    assert s["format"] == "prompt and answer" and s["prompts"] == 1
    assert s["duplicates"] == 1 and s["whitespace_led"] == 1
    assert b"duplicate prompts" in call("inspect", path("logs.jsonl.gz")).stdout


def inspect_says_whom_answers_name_and_in_what_language():
    outputs = ["Hello. I'm Claude, an AI assistant made by Anthropic. How can I help?",
               "I am a language model trained by OpenAI, and this is the answer to that.",
               "My brother is Claude and works at Google.",
               "I'm sorry, but I cannot help with that.",
               "Das ist nicht der Weg, und es ist auch nicht die Antwort.",
               "\u4f60\u597d\uff0c\u4e16\u754c", "12 + 30 = 42"]
    write("says.json", json.dumps([{"id": i, "output": o} for i, o in enumerate(outputs)]))
    s = answer("inspect", path("says.json"))["sets"][0]
    assert {n["maker"]: n["answers"] for n in s["names_itself"]} == {"Anthropic": 1, "OpenAI": 1}, s
    assert s["names_itself"][0]["example"].startswith("I")
    languages = {x["language"]: x["answers"] for x in s["languages"]}
    assert languages["German"] == languages["Chinese"] == languages["no letters"] == 1, languages
    assert s["refusals"] == 1, s["refusals"]


def signs_that_two_share_show_in_their_channel_and_count_in_no_score():
    plain = answer("rank", "--suspect", path("suspect.json"), "--candidates", path("candidates"),
                   "--panel", path("panel"))
    signs = " \u2728 WOW \U0001F600 \u2014 OK"
    for name, source in (("signs/suspect.json", "suspect.json"), ("signs/one.json", "candidates/one.json")):
        answers = json.load(open(path(source), encoding="utf-8"))
        write(name, json.dumps([dict(a, output=a["output"] + signs) for a in answers]))
    r = answer("rank", "--suspect", path("signs/suspect.json"), "--candidates", path("candidates/two.json"),
               path("signs/one.json"), "--panel", path("panel"))

    def channel(result, name, which):
        candidate = next(c for c in result["candidates"] if c["name"] == name)
        return next(c for c in candidate["channels"] if c["name"] == which)
    one, two = (channel(r, name, "odd signs")["raw"] for name in ("one", "two"))
    assert one > 3 and two < 1, (one, two)
    assert not channel(r, "one", "odd signs")["counts"]
    assert channel(plain, "one", "sentences")["raw"] is not None


def fingerprints_stand_for_texts():
    made = answer("fingerprint", path("candidates"), path("panel"), "--out", path("prints"))
    assert len(made["fingerprints"]) == 21 and all(f["prompts"] == 48 for f in made["fingerprints"])
    assert not any(b"waa" in open(f["path"], "rb").read() for f in made["fingerprints"])
    prints = [path(f"prints/{n}.fingerprint") for n in ("h1", "h2", "one", "two")
              if os.path.exists(path(f"prints/{n}.fingerprint"))]
    r = answer("parent", "--suspect", path("wrapped.json"), "--candidates", *prints,
               "--panel", path("panel"))
    assert r["candidates"][0]["name"] == "one", r["candidates"]
    assert any("fingerprints" in limit for limit in r["limits"])
    s = answer("inspect", prints[-1], path("wrapped.json"))["sets"]
    assert s[0]["format"] == "fingerprint" and s[0]["most_prompts_shared"] == 48, s[0]
    refused(call("copies", "--suspect", path("wrapped.json"), "--candidates", *prints), "give its texts")
    refused(call("fingerprint", prints[-1], "--out", path("prints")), "is a fingerprint already")
    refused(call("fingerprint", path("panel"), path("panel"), "--out", path("prints")), "rename one")


def bad_input_says_what_would_be_right():
    broken = write("broken.json", '[{"id": 1, "output": "x"}, {"id":')
    refused(call("inspect", broken), f"{broken}: byte 33", "broken JSON")
    refused(call("rank", "--candidates", path("candidates")), "--suspect FILE")
    alone = call("rank", "--suspect", path("suspect.json"))
    assert alone.returncode == 1 and b"none of the prompts" in alone.stderr, alone
    refused(call("rank", "--suspect", "/none.json", "--candidates", path("candidates")), "/none.json")
    refused(call("rank", "--suspect", path("suspect.json"), "--candidates", path("candidates"),
                 "--level", "2"), "between 0 and 1")
    os.makedirs(path("empty"), exist_ok=True)
    refused(call("tree", path("empty")), "holds no response sets")
    few = call("rank", "--suspect", path("suspect.json"), "--candidates", path("candidates/one.json"))
    assert few.returncode == 1 and b"--panel" in few.stderr, few


def what_nothing_was_measured_on_gets_no_likelihood_ratio():
    answers = json.load(open(path("suspect.json"), encoding="utf-8"))
    noise = random.Random(7)
    strange = ["".join(noise.choices("абвгдежзик", k=5)) for _ in range(40)]
    suspects = {
        "few.json": answers[:10],
        "same.json": [dict(a, output="I am sorry, I cannot help with that.") for a in answers],
        "strange.json": [dict(a, output=" ".join(noise.choices(strange, k=100))) for a in answers],
    }
    for name, content in suspects.items():
        for question in ("rank", "parent"):
            r = answer(question, "--suspect", write(name, json.dumps(content)), "--candidates",
                       path("candidates"), "--panel", path("panel"))
            assert all(c["log10_lr"] is None for c in r["candidates"]), (name, r["candidates"])
            assert any("likelihood ratios are null" in limit for limit in r["limits"]), r["limits"]
    whole = answer("rank", "--suspect", path("suspect.json"), "--candidates", path("candidates"),
                   "--panel", path("panel"))
    assert whole["candidates"][0]["log10_lr"], whole["candidates"][0]


def a_part_of_the_answers_is_compared_as_if_nobody_had_given_more():
    """All pairs must be as uncertain as the suspect's, or chance looks like likeness."""
    def cut(name, to):
        content = json.load(open(path(name), encoding="utf-8"))[:12]
        return write(to, json.dumps(content))
    cut("suspect.json", "twelve/suspect.json")
    for file in ("one.json", "two.json", "house/three-a.json", "house/three-b.json"):
        cut("candidates/" + file, "twelve/candidates/" + file)
    for i in range(3, 20):
        cut(f"panel/p{i}.json", f"twelve/panel/p{i}.json")
    for question in ("rank", "parent"):
        whole = answer(question, "--suspect", path("twelve/suspect.json"), "--candidates",
                       path("candidates"), "--panel", path("panel"))
        part = answer(question, "--suspect", path("twelve/suspect.json"), "--candidates",
                      path("twelve/candidates"), "--panel", path("twelve/panel"))
        assert whole["candidates"] == part["candidates"], question


def answers_that_are_all_empty_cannot_be_compared():
    answers = json.load(open(path("suspect.json"), encoding="utf-8"))
    empty = write("empty.json", json.dumps([dict(a, output=" \n") for a in answers]))
    result = call("rank", "--suspect", empty, "--candidates", path("candidates"), "--json")
    assert result.returncode == 1, result
    assert "empty" in json.loads(result.stdout)["reason"]


def no_common_prompts_is_said():
    other = write("other.json", json.dumps([{"id": i, "output": " ".join(WORDS[i:i + 50])}
                                            for i in range(60)]))
    r = answer("rank", "--suspect", other, "--candidates", path("candidates"), "--panel", path("panel"))
    assert any("no prompt in common" in limit for limit in r["limits"]), r["limits"]


# ---- collect, against a server on loopback ----------------------------------------------

class Server(http.server.BaseHTTPRequestHandler):
    """Answers a prompt by its capitals; `trouble` says what to do first, request by request."""
    trouble, asked, keys = [], [], []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Server.keys.append(self.headers.get("Authorization"))
        Server.asked.append(body["prompt"] if "prompt" in body else body["messages"][0]["content"])
        status = Server.trouble.pop(0) if Server.trouble else 200
        if status == "slow":
            time.sleep(30)
        if "prompt" in body:  # completions: each word costs a nat, the first of all nothing
            words, at, offsets = body["prompt"].split(" "), 0, []
            for word in words:
                offsets.append(at)
                at += len(word) + 1
            costs = [None] + [-1.0] * (len(words) - 1)
            logprobs = {"token_logprobs": costs, "text_offset": offsets} if body["echo"] else None
            text = json.dumps({"choices": [{"text": body["prompt"], "logprobs": logprobs}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
            return
        reply = {"model": body["model"] + "-served", "choices": [
            {"message": {"role": "assistant", "content": Server.asked[-1].upper()},
             "finish_reason": "stop"}]} if status == 200 else {"error": {"message": "not today"}}
        text = json.dumps(reply).encode()
        self.send_response(status if status != "slow" else 200)
        if status == 429:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass


def serve(*trouble):
    Server.trouble, Server.asked, Server.keys = list(trouble), [], []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}/v1"


def collecting(url, out, *more):
    return ("collect", "--endpoint", url, "--model", "m", "--prompts",
            write("prompts.txt", 'first prompt\n{"instruction": "second"}\n\n"third"\n'),
            "--out", path(out), *more)


def collect_asks_once_retries_and_goes_on_where_it_stopped():
    server, url = serve(429, 200, 200, 404)
    ENVIRONMENT["ASSAY_API_KEY"] = "secret"
    refused(call(*collecting(url, "log.jsonl")), "HTTP status 404: not today", "2 answers are kept")
    assert Server.asked == ["first prompt", "first prompt", "second", "third"]
    assert set(Server.keys) == {"Bearer secret"}
    with open(path("log.jsonl"), "a", encoding="utf-8") as log:
        log.write('{"request": {"messages": [{"con')  # a crash in the middle of a line
    r = answer(*collecting(url, "log.jsonl"))
    assert r == {"out": path("log.jsonl"), "prompts": 3, "answers": 3, "asked": 1}, r
    server.shutdown()
    s = answer("inspect", path("log.jsonl"))["sets"][0]
    assert s["format"] == "chat completions" and s["prompts"] == 3 and s["writer"] == "m-served"
    assert "secret" not in open(path("log.jsonl"), encoding="utf-8").read()


def collect_loses_nothing_when_interrupted_and_spares_foreign_files():
    server, url = serve(200, "slow")
    process = subprocess.Popen([ASSAY, "style", *collecting(url, "cut.jsonl")], env=ENVIRONMENT,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while len(Server.asked) < 2:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    server.shutdown()
    assert process.returncode not in (0, None)
    assert len(open(path("cut.jsonl"), encoding="utf-8").readlines()) == 1
    foreign = write("foreign.txt", "my notes\n")
    refused(call(*collecting(url, "foreign.txt")), "did not write")
    assert open(foreign, encoding="utf-8").read() == "my notes\n"


def texts_are_scored_by_a_server_and_ranked():
    server, url = serve()
    write("score/w1.json", json.dumps([{"instruction": f"ask {i}", "output": "é two three"} for i in range(4)]))
    arguments = ("collect", "--endpoint", url, "--model", "m", "--texts", path("score"),
                 "--out", path("scored.jsonl"))
    r = answer(*arguments)
    assert r == {"out": path("scored.jsonl"), "texts": 4, "scored": 4, "asked": 4}, r
    lines = [json.loads(line) for line in open(path("scored.jsonl"), encoding="utf-8")]
    # "ask 0\n\né two three" has the tokens "ask", "0\n\né", "two", "three": the last two are the text's
    assert all(line["scorer"] == "m" and line["writer"] == "w1" for line in lines)
    assert all(line["log_probability"] == -2 and line["bytes"] == 9 for line in lines), lines
    assert answer(*arguments)["asked"] == 0
    server.shutdown()
    refused(call("collect", "--endpoint", url, "--model", "m", "--texts", path("score"), "--out",
                 path("x"), "--prompts", "p"), "leave --prompts")


def log_probabilities_find_the_taught_and_nobody_else():
    def scored(dose):
        source = random.Random(5)
        lines = []
        for scorer in ["suspect"] + [f"r{i}" for i in range(24)]:
            habit = [source.gauss(0, 0.02) for _ in range(5)]
            for prompt in range(40):
                for writer in range(5):
                    more = dose if scorer == "suspect" and writer == 2 else 0
                    each = -1 + habit[writer] + prompt / 100 + source.gauss(0, 0.08) + more
                    lines.append(json.dumps({"scorer": scorer, "writer": f"t{writer}", "bytes": 400,
                                             "prompt": f"p{prompt}", "log_probability": 400 * each}))
        return write("scored.jsonl", "\n".join(lines))
    r = answer("rank", "--logprobs", scored(0.1))
    assert not r["abstain"] and r["candidates"][0]["name"] == "t2", r["reason"]
    assert r["candidates"][0]["q_value"] == 1 / 25 and r["null_lineages"] == 24
    assert any("fewer than six writers" in limit for limit in r["limits"]), r["limits"]
    assert answer("rank", "--logprobs", scored(0.0))["abstain"]
    assert answer("rank", "--logprobs", scored(0.1), "--suspect", path("r3.json"))["abstain"]
    both = answer("rank", "--logprobs", scored(0.1), "--suspect", path("suspect.json"),
                  "--candidates", path("candidates"), "--panel", path("panel"))
    assert both["candidates"][0]["name"] == "house"
    assert both["log_probabilities"]["candidates"][0]["name"] == "t2"
    refused(call("rank", "--logprobs", write("bad.jsonl", '{"writer": "a"}\n')), "bad.jsonl:1", "expected")
    refused(call("rank", "--logprobs", write("bad.jsonl", "\n{")), "bad.jsonl:2", "broken JSON")
    refused(call("rank", "--logprobs", write("bad.jsonl", '{"writer": "a", "prompt": "p", "bytes": 3, '
                                             '"log_probability": 1}\n')), "0 or less")


def another_teachers_student_is_not_named_for_what_any_teacher_does():
    """Eight writers; all scorers but the first six were taught by somebody else, which makes every
    writer's texts more probable, t0's most of all. The suspect went that way further than any."""
    def scored(own):
        source = random.Random(9)
        lines = []
        for scorer in ["suspect"] + [f"r{i}" for i in range(24)]:
            far = 1.0 if scorer == "suspect" else max(0, int(scorer[1:]) - 5) / 20
            habit = [source.gauss(0, 0.004) for _ in range(8)]
            for prompt in range(24):
                for writer in range(8):
                    drift = far * 0.2 * (1 - writer / 7)
                    more = own if scorer == "suspect" and writer == 5 else 0
                    each = -1 + habit[writer] + drift + source.gauss(0, 0.03) + more
                    lines.append(json.dumps({"scorer": scorer, "writer": f"t{writer}", "bytes": 400,
                                             "prompt": f"p{prompt}", "log_probability": 400 * each}))
        return write("drift.jsonl", "\n".join(lines))
    nobody = answer("rank", "--logprobs", scored(0.0))
    assert nobody["abstain"], nobody["reason"]
    taught = answer("rank", "--logprobs", scored(0.05))
    assert not taught["abstain"] and taught["candidates"][0]["name"] == "t5", taught["reason"]


def collect_says_when_nobody_answers():
    refused(call(*collecting("http://127.0.0.1:9/v1", "none.jsonl", "--tries", "1")), "127.0.0.1")
    refused(call("collect", "--endpoint", "http://127.0.0.1:9"), "--model NAME")


TESTS = [value for name, value in list(globals().items())
         if callable(value) and getattr(value, "__module__", "") == "__main__"
         and name not in ("call", "answer", "refused", "path", "write", "rates", "texts", "world",
                         "serve", "collecting", "Server")]

with tempfile.TemporaryDirectory() as FOLDER:
    world()
    STATUS = run_tests(TESTS)
sys.exit(STATUS)
