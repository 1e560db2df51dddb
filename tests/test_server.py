#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""assay serve from outside: who is let in, what may be asked, files that come in, jobs, and a store
that opens after the program was killed at any moment. Prints TAP. Needs ASSAY and ASSAY_SOURCE."""
import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

from tap import run_tests

ASSAY = os.environ["ASSAY"]
SOURCE = os.environ["ASSAY_SOURCE"]
ENVIRONMENT = dict(os.environ, ASSAY_DATA=os.path.join(SOURCE, "data"))
CASE = """title: Which of two?
questions:
  - id: q
    text: Which?
    kind: other
    hypotheses: [{id: a}, {id: b, none_of_these: true}]
    findings:
      - {id: f, text: Seen, because: Made up, exhibits: [E1], likelihoods: {a: 0.8 (0.6 to 0.9), b: 0.1 (0.05 to 0.2)}}
exhibits:
  - {id: E1, statement: Said, said_by: Somebody, source: A paper, date: 2026-01, grade: B2}
"""


class Server:
    def __init__(self, folder, *options):
        self.process = subprocess.Popen([ASSAY, "serve", folder, "--json", *options], env=ENVIRONMENT,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        text = ""
        while not text.rstrip().endswith("}"):
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            text += line
        said = json.loads(text)
        self.port, self.token = said["port"], said["token"]

    def ask(self, method, path, body=None, headers=None, token=True, chunked=False):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            sent = {"X-Assay-Token": self.token} if token else {}
            connection.request(method, path, body, {**sent, **(headers or {})}, encode_chunked=chunked)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer
        finally:
            connection.close()

    def end(self, how=signal.SIGINT):
        self.process.send_signal(how)
        try:
            code = self.process.wait(60)
            errors = self.process.stderr.read()
        finally:
            self.process.stdout.close()
            self.process.stderr.close()
        return code, errors


@contextlib.contextmanager
def serving(*options, case=CASE):
    folder = tempfile.mkdtemp(prefix="assay-serve-")
    os.mkdir(os.path.join(folder, "one"))
    with open(os.path.join(folder, "one", "case.yaml"), "w") as file:
        file.write(case)
    server = Server(folder, *options)
    server.folder = folder
    try:
        yield server
        code, errors = server.end()
        assert code == 0 and not errors, (code, errors[-2000:])
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()
        shutil.rmtree(folder)


def nothing_is_shown_or_changed_without_the_token():
    with serving() as s:
        asked = [("GET", "/api/cases"), ("GET", "/api/cases/one"), ("POST", "/api/cases/one/run"),
                 ("PUT", "/api/cases/one/files/new.txt"), ("PUT", "/api/cases/one/weighings/w"),
                 ("DELETE", "/api/cases/one/weighings/w"), ("GET", "/api/jobs/1")]
        wrong = [{}, {"X-Assay-Token": ""}, {"X-Assay-Token": "0" * 64}, {"X-Assay-Token": s.token[:-1]},
                 {"X-Assay-Token": s.token + "0"}, {"X-Assay-Token": s.token.upper() + "x"}]
        for method, path in asked:
            for headers in wrong:
                assert s.ask(method, path, headers=headers, token=False)[0] == 401, (method, path, headers)
        assert os.listdir(os.path.join(s.folder, "one")) == ["case.yaml"]
        assert s.ask("GET", "/api/cases")[0] == 200


def another_name_or_another_site_is_refused():
    with serving() as s:
        for host in ["evil.example", f"evil.example:{s.port}", "127.0.0.1", f"127.0.0.1:{s.port + 1}", f"127.0.0.1:{s.port}.evil.example"]:
            for path in ["/", "/api/cases"]:
                assert s.ask("GET", path, headers={"Host": host})[0] == 403, host
        for origin in ["http://evil.example", "null", f"https://127.0.0.1:{s.port}", "http://127.0.0.1", f"http://evil.example:{s.port}"]:
            assert s.ask("GET", "/api/cases", headers={"Origin": origin})[0] == 403, origin
        for name in ["127.0.0.1", "localhost"]:
            assert s.ask("GET", "/api/cases", headers={"Host": f"{name}:{s.port}", "Origin": f"http://{name}:{s.port}"})[0] == 200


def only_loopback_listens():
    with serving() as s:
        with open("/proc/net/tcp") as file:
            listening = [line.split()[1] for line in file if line.split()[3] == "0A"]
        assert [a.split(":")[0] for a in listening if int(a.split(":")[1], 16) == s.port] == ["0100007F"]


def every_answer_says_what_a_browser_may_do():
    with serving() as s:
        _, page, answer = s.ask("GET", "/", token=False)
        policy = answer.getheader("Content-Security-Policy")
        assert "default-src 'none'" in policy and "script-src 'sha256-" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy and "script-src 'unsafe-inline'" not in policy
        assert policy.split(";")[1].strip() in page.decode() and s.token not in page.decode()
        for path in ["/", "/api/cases", "/nothing"]:
            answer = s.ask("GET", path)[2]
            assert answer.getheader("X-Content-Type-Options") == "nosniff" and answer.getheader("Cache-Control") == "no-store"
            assert answer.getheader("Content-Security-Policy").startswith("default-src 'none'")


def no_path_leads_out_of_the_folder():
    with serving() as s:
        outside = tempfile.mkdtemp(prefix="assay-outside-")
        with open(os.path.join(outside, "case.yaml"), "w") as file:
            file.write(CASE)
        os.symlink(outside, os.path.join(s.folder, "link"))
        os.mkdir(os.path.join(s.folder, "two"))
        os.symlink(os.path.join(outside, "case.yaml"), os.path.join(s.folder, "two", "case.yaml"))
        os.symlink(outside, os.path.join(s.folder, "one", "out"))
        names = [".", "..", "%2e%2e", "..%2f..%2fetc", "%2fetc", "one%2f..", "link", "two", "%ff", ".assay.db", "a" * 65]
        for name in names:
            assert s.ask("GET", f"/api/cases/{name}")[0] == 404, name
            assert s.ask("POST", f"/api/cases/{name}/run")[0] in (404, 500), name
        for name in ["..", "%2e%2e%2fx", ".hidden", "a%2fb", "..%2f..%2fx", "a" * 65, "%00", "a%0a"]:
            assert s.ask("PUT", f"/api/cases/one/files/{name}", b"x")[0] == 404, name
        assert s.ask("GET", "/" + "a/" * 300)[0] == 404
        assert s.ask("POST", "/api/cases/one/run")[0] == 500  # out/ is a link
        assert sorted(os.listdir(outside)) == ["case.yaml"]
        assert [c["name"] for c in json.loads(s.ask("GET", "/api/cases")[1])["cases"]] == ["one"]
        shutil.rmtree(outside)


def a_file_comes_in_once_and_whole():
    with serving("--most-upload", "1") as s:
        path, body = "/api/cases/one/files/answers.jsonl", os.urandom(700_000)
        status, answer, _ = s.ask("PUT", path, body)
        import hashlib
        assert status == 201 and json.loads(answer)["sha256"] == hashlib.sha256(body).hexdigest(), answer
        file = os.path.join(s.folder, "one", "answers.jsonl")
        with open(file, "rb") as f:
            assert f.read() == body
        assert s.ask("PUT", path, b"other")[0] == 409 and s.ask("PUT", "/api/cases/one/files/case.yaml", b"x")[0] == 409
        with open(file, "rb") as f:
            assert f.read() == body
        shown = json.loads(s.ask("GET", "/api/cases/one")[1])
        assert shown["came"][0]["file"] == "answers.jsonl" and {"name": "answers.jsonl", "bytes": 700000} in shown["files"]


def a_file_above_the_limit_leaves_nothing():
    with serving("--most-upload", "1") as s:
        big = os.urandom((1 << 20) + 1)
        with contextlib.suppress(ConnectionError):  # it may hang up before all has come
            assert s.ask("PUT", "/api/cases/one/files/a.bin", big)[0] == 413
        pieces = (big[i:i + 65536] for i in range(0, len(big), 65536))
        with contextlib.suppress(ConnectionError):
            assert s.ask("PUT", "/api/cases/one/files/b.bin", pieces, {"Transfer-Encoding": "chunked"}, chunked=True)[0] == 413
        with contextlib.suppress(ConnectionError):
            assert s.ask("PUT", "/api/cases/one/weighings/w", b"[" + b" " * (1 << 20) + b"]")[0] == 413
        # one that breaks off in the middle
        with socket.create_connection(("127.0.0.1", s.port)) as raw:
            raw.sendall(f"PUT /api/cases/one/files/c.bin HTTP/1.1\r\nHost: 127.0.0.1:{s.port}\r\nX-Assay-Token: {s.token}\r\n"
                        f"Content-Length: 1000\r\n\r\nhalf".encode())
            time.sleep(0.3)
        for _ in range(50):
            if os.listdir(os.path.join(s.folder, "one")) == ["case.yaml"]:
                break
            time.sleep(0.1)
        assert os.listdir(os.path.join(s.folder, "one")) == ["case.yaml"]


def finished(s, job):
    for _ in range(600):
        shown = json.loads(s.ask("GET", f"/api/jobs/{job}")[1])
        if shown["state"] != "running":
            return shown
        time.sleep(0.1)
    raise AssertionError("it does not end")


def a_case_runs_and_its_report_is_there():
    with serving() as s:
        assert json.loads(s.ask("GET", "/api/cases/one")[1])["report"] is None
        status, answer, _ = s.ask("POST", "/api/cases/one/run")
        assert status == 202, answer
        assert finished(s, json.loads(answer)["job"])["state"] == "done"
        shown = json.loads(s.ask("GET", "/api/cases/one")[1])
        assert shown["report"]["case_sha256"] == shown["case_sha256"] and shown["runs"][0]["state"] == "done"
        assert os.path.exists(os.path.join(s.folder, "one", "out", "report.html"))
        with open(os.path.join(s.folder, "one", "case.yaml"), "a") as file:
            file.write("nonsense: 1\n")
        job = json.loads(s.ask("POST", "/api/cases/one/run")[1])["job"]
        failed = finished(s, job)
        assert failed["state"] == "failed" and "nonsense" in failed["message"] and "case.yaml:" in failed["message"], failed
        assert json.loads(s.ask("GET", "/api/cases/one")[1])["report"] is not None  # the one before


def a_run_can_be_cancelled_and_the_report_stays():
    with serving() as s:
        slow = os.path.join(s.folder, "slow")
        shutil.copytree(os.path.join(SOURCE, "cases", "understated"), slow, ignore=shutil.ignore_patterns("out"))
        job = json.loads(s.ask("POST", "/api/cases/slow/run")[1])["job"]
        assert s.ask("POST", "/api/cases/one/run")[0] == 409  # one at a time
        assert s.ask("POST", f"/api/jobs/{job + 7}/cancel")[0] == 404
        assert s.ask("POST", f"/api/jobs/{job}/cancel")[0] == 200
        assert finished(s, job)["state"] == "cancelled"
        assert not os.path.exists(os.path.join(slow, "out", "report.json"))
        assert json.loads(s.ask("GET", "/api/cases/slow")[1])["runs"][0]["state"] == "cancelled"


def copied(s, name, case):
    folder = os.path.join(s.folder, name)
    shutil.copytree(os.path.join(SOURCE, "cases", case), folder, ignore=shutil.ignore_patterns("out"))
    return folder


def one_instrument_runs_by_itself_and_the_report_waits_for_the_others():
    with serving() as s:
        copied(s, "copy", "renamed-copy")
        listed = json.loads(s.ask("GET", "/api/cases/copy")[1])["instruments"]
        assert len(listed) > 1 and not any(i["kept"] for i in listed), listed
        question = listed[0]["question"]

        def run(work):
            status, answer, _ = s.ask("POST", "/api/cases/copy/run", json.dumps(work))
            assert status == 202, answer
            return finished(s, json.loads(answer)["job"])

        for i, line in enumerate(listed):
            path = f"/api/cases/copy/findings/{line['question']}/{line['finding']}"
            assert s.ask("GET", path)[0] == 404
            done = run({"question": line["question"], "finding": line["finding"]})
            assert done["state"] == "done" and done["finding"] == line["finding"], done
            found = json.loads(s.ask("GET", path)[1])["finding"]
            assert found["method"] == line["instrument"] and found["answers"], found
            shown = json.loads(s.ask("GET", "/api/cases/copy")[1])
            assert [l["kept"] for l in shown["instruments"]] == [k <= i for k in range(len(listed))]
            last = i == len(listed) - 1
            assert (shown["report"] is not None) == last
            if last:
                assert done["message"] is None
            else:
                assert f"{listed[-1]['finding']} of {listed[-1]['question']}" in done["message"] and f"{line['finding']} of {line['question']}" not in done["message"], done
        bytes_then = open(os.path.join(s.folder, "copy", "out", "report.json"), "rb").read()
        assert run({})["state"] == run({"fresh": True})["state"] == "done"
        assert open(os.path.join(s.folder, "copy", "out", "report.json"), "rb").read() == bytes_then
        failed = run({"question": question, "finding": "nobody"})
        assert failed["state"] == "failed" and "nobody" in failed["message"], failed
        for bad in [b"[]", b"{", b'{"question": "q"}', b'{"finding": "f"}', b'{"fresh": 1}', b'{"all": true}',
                    b'{"question": "../x", "finding": "f"}', b'{"question": 1, "finding": 2}', b'"x"']:
            assert s.ask("POST", "/api/cases/copy/run", bad)[0] == 400, bad
        for path in ("findings/../x", "findings/q/..%2f..%2fcase", f"findings/{question}/.x", "findings/q"):
            assert s.ask("GET", f"/api/cases/copy/{path}")[0] == 404, path


def the_server_and_the_program_use_each_others_findings():
    with serving() as s:
        folder = copied(s, "copy", "renamed-copy")
        kept = os.path.join(folder, "out", "findings")

        def written():  # a finding that is made anew is written anew
            return {name: os.stat(os.path.join(kept, name)).st_mtime_ns for name in os.listdir(kept)}

        def program(*how):
            subprocess.run([ASSAY, "case", "run", *how], cwd=folder, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return written(), open(os.path.join(folder, "out", "report.json"), "rb").read()

        def server(work):
            job = json.loads(s.ask("POST", "/api/cases/copy/run", json.dumps(work))[1])["job"]
            assert finished(s, job)["state"] == "done"
            return written(), open(os.path.join(folder, "out", "report.json"), "rb").read()

        first = program(".")
        assert first[0] and server({}) == first
        by_server = server({"fresh": True})
        assert not set(by_server[0].values()) & set(first[0].values()) and by_server[1] == first[1]
        assert program(os.curdir) == program(folder) == by_server
        os.rename(folder, folder + "-moved")
        folder, kept = folder + "-moved", os.path.join(folder + "-moved", "out", "findings")
        assert program(".") == by_server  # wherever the case stands


def findings_are_kept_inside_the_case_alone():
    with serving() as s, tempfile.TemporaryDirectory() as elsewhere:
        folder = copied(s, "copy", "renamed-copy")
        os.mkdir(os.path.join(folder, "out"))
        os.symlink(elsewhere, os.path.join(folder, "out", "findings"))
        line = json.loads(s.ask("GET", "/api/cases/copy")[1])["instruments"][0]
        with open(os.path.join(elsewhere, f"{line['question']}.{line['finding']}.json"), "w") as file:
            json.dump({"finding": {"secret": 1}}, file)
        assert s.ask("POST", "/api/cases/copy/run")[0] == 500
        assert s.ask("GET", f"/api/cases/copy/findings/{line['question']}/{line['finding']}")[0] == 404
        assert len(os.listdir(elsewhere)) == 1


HEAD = """# A case, with remarks
title: Which of two?   # asked by nobody
"""
QUESTIONS = """questions:
  - id: q
    text: Which?
    kind: other
    hypotheses: [{id: a}, {id: b, none_of_these: true}]
    findings:
      - {id: f, text: Seen, because: Made up, exhibits: [E1], likelihoods: {a: 0.8 (0.6 to 0.9), b: 0.1 (0.05 to 0.2)}}
"""
ALONE = "questions:\n  - {id: q, text: Which?, kind: hardware, instruments: [{instrument: claim.infer, input: new.txt}]}\n"
ONE = "- {id: E1, statement: Said, said_by: Somebody, source: A paper, date: 2026-01, grade: B2}\n"
LONG = """  - id: E1
    statement: >-
      Said at length,

      # and this is no remark
    # a remark inside
    said_by: Somebody
    source: A paper
    date: 2026-01
    grade: B2
"""
LAYOUTS = {
    "indented": HEAD + "exhibits:   # these\n  # the first\n  " + ONE + "\n# of the question\n" + QUESTIONS,
    "at the margin": HEAD + "exhibits:\n" + ONE + ONE.replace("E1", "E2") + "# of the question\n" + QUESTIONS,
    "last, without a line's end": HEAD + QUESTIONS + "exhibits:\n  " + ONE.rstrip("\n"),
    "long": HEAD + "exhibits:\n" + LONG + "\n\n# below\n" + QUESTIONS,
    "none": HEAD + ALONE + "# the end\n",
    "of Windows": (HEAD + "exhibits:\n  " + ONE + QUESTIONS).replace("\n", "\r\n"),
}
ENTRY = {"id": "new", "file": "new.txt", "source": "A drawer, found on 3 May: \"second\" # not a remark", "date": "2026-11-26", "grade": "F6"}


def add(s, name, **changes):
    entry = {k: v for k, v in {**ENTRY, **changes}.items() if v is not None}
    status, answer, _ = s.ask("POST", f"/api/cases/{name}/exhibits", json.dumps(entry))
    return status, json.loads(answer).get("error")


def case_of(s, name):
    with open(os.path.join(s.folder, name, "case.yaml"), "rb") as file:
        return file.read()


def a_file_becomes_an_exhibit_and_every_other_byte_of_the_case_stays():
    with serving() as s:
        for number, (layout, text) in enumerate(LAYOUTS.items()):
            name = f"layout{number}"
            os.mkdir(os.path.join(s.folder, name))
            with open(os.path.join(s.folder, name, "case.yaml"), "wb") as file:
                file.write(text.encode())
            assert s.ask("PUT", f"/api/cases/{name}/files/new.txt", b"evidence")[0] == 201
            assert add(s, name) == (201, None), (layout, add(s, name))
            after = case_of(s, name).decode()
            start = after.index('- "id"') if '- "id"' in after else after.index("- id: \"new\"")
            lines = after[:start].rsplit("\n", 1)[0]
            kept = [line for line in text.splitlines()]
            left = after.splitlines()
            for line in kept:  # every line is there, in order
                while left and left[0] != line:
                    left.pop(0)
                assert left, (layout, line, after)
            assert len(after.splitlines()) == len(kept) + 6 + ("exhibits" not in text), (layout, after)
            assert ("\r\n" in after) == ("\r\n" in text) and after.count("\n") == after.count("\r\n") or "\r\n" not in text
            assert not lines.rstrip().endswith("# below") and not lines.rstrip().endswith("# of the question"), (layout, after)
            shown = subprocess.run([ASSAY, "case", "check", os.path.join(s.folder, name)], env=ENVIRONMENT, capture_output=True, text=True)
            assert shown.returncode == 0, (layout, shown.stderr)
            if layout == "none":  # new.txt is no claim
                continue
            report = finished(s, json.loads(s.ask("POST", f"/api/cases/{name}/run")[1])["job"])
            assert report["state"] == "done", report
            exhibit = json.loads(s.ask("GET", f"/api/cases/{name}")[1])["report"]["exhibits"][-1]
            assert exhibit["source"] == ENTRY["source"] and exhibit["file"] == "new.txt", exhibit
            assert [n for n in os.listdir(os.path.join(s.folder, name)) if n.startswith(".")] == []


def others_are_answered_while_a_large_case_is_read():
    with serving() as s:
        with open(os.path.join(s.folder, "one", "large.bin"), "wb") as file:
            file.truncate(1 << 30)
        answers = []
        adding = threading.Thread(target=lambda: answers.append(add(s, "one", file="large.bin", id="large")))
        adding.start()
        asked = 0
        while adding.is_alive() and asked < 1000:
            assert s.ask("GET", "/api/cases")[0] == 200
            asked += adding.is_alive()
        adding.join()
        assert answers[0][0] == 201, answers
        assert asked >= 3, asked


def what_cannot_be_an_exhibit_changes_nothing():
    with serving() as s:
        s.ask("PUT", "/api/cases/one/files/new.txt", b"evidence")
        os.symlink("/etc/passwd", os.path.join(s.folder, "one", "link"))
        before = case_of(s, "one")
        hostile = ["../one/new.txt", "/etc/passwd", "link", "nothing.txt", "", ".assay.db", "new.txt\n  - id: x", "out", "x" * 65, "a/b"]
        for file in hostile:
            assert add(s, "one", file=file)[0] == 404, file
        for changes, part in [({"id": "E1"}, "twice"), ({"id": "a b"}, "id"), ({"id": "x\ny: 1"}, "id"), ({"grade": "Z9"}, "grade"),
                              ({"date": "today"}, "date"), ({"source": None}, "expected"), ({"source": 1}, "expected"),
                              ({"more": "x"}, "expected"), ({"source": ""}, "source"), ({"case_sha256": "0" * 64}, "changed"),
                              ({"source": "\u0000"}, "")]:
            status, error = add(s, "one", **changes)
            assert status == 400 and part in error, (changes, status, error)
        for bad in [b"", b"[]", b"{", b"\xff"]:
            assert s.ask("POST", "/api/cases/one/exhibits", bad)[0] == 400
        assert s.ask("POST", "/api/cases/two/exhibits", json.dumps(ENTRY))[0] == 404
        with open(os.path.join(s.folder, "one", "new.txt"), "wb") as file:
            file.write(b"forged")  # after it came in
        status, error = add(s, "one")
        assert status == 400 and "no longer the file" in error, error
        flow = HEAD + "exhibits: [" + ONE[2:-1] + "]\n" + QUESTIONS
        with open(os.path.join(s.folder, "one", "case.yaml"), "w") as file:
            file.write(flow)
        s.ask("PUT", "/api/cases/one/files/other.txt", b"evidence")
        status, error = add(s, "one", file="other.txt")
        assert status == 400 and "by hand" in error and case_of(s, "one").decode() == flow, error
        with open(os.path.join(s.folder, "one", "case.yaml"), "wb") as file:
            file.write(before)
        # what YAML or a page might take for something else stays text
        source = "</script>: - {a: *b} & !!python/object \u202e \U0001f511 '\\\"' \ttab | > % @ ` ~"
        assert add(s, "one", file="other.txt", source=source, said_by="null")[0] == 201
        assert json.loads(subprocess.run([ASSAY, "case", "run", os.path.join(s.folder, "one"), "--json"], env=ENVIRONMENT, capture_output=True, text=True).stdout)["exhibits"][-1]["source"] == source


def killed_while_an_exhibit_is_added_the_case_still_opens():
    rng = random.Random(11)
    folder = tempfile.mkdtemp(prefix="assay-kill-")
    os.mkdir(os.path.join(folder, "one"))
    with open(os.path.join(folder, "one", "case.yaml"), "w") as file:
        file.write(LAYOUTS["indented"])
    with open(os.path.join(folder, "one", "new.txt"), "w") as file:
        file.write("evidence")
    answered = set()
    for round_number in range(8):
        server = Server(folder)
        server.folder = folder

        def write():
            with contextlib.suppress(OSError, http.client.HTTPException):
                for i in range(10_000):
                    if add(server, "one", id=f"r{round_number}-{i}")[0] == 201:
                        answered.add(f"r{round_number}-{i}")

        thread = threading.Thread(target=write)
        thread.start()
        time.sleep(rng.uniform(0.02, 0.3))
        server.process.kill()
        server.process.wait()
        thread.join()
        server.process.stdout.close()
        server.process.stderr.close()
        shown = subprocess.run([ASSAY, "case", "show", os.path.join(folder, "one"), "--json"], env=ENVIRONMENT, capture_output=True, text=True)
        assert shown.returncode == 0, shown.stderr
    with open(os.path.join(folder, "one", "case.yaml")) as file:
        text = file.read()
    assert answered and all(f'"{one}"' in text for one in answered)
    assert text.startswith(HEAD) and text.endswith(QUESTIONS) and "# of the question" in text
    shutil.rmtree(folder)


def weighings_are_kept_replaced_and_deleted():
    with serving() as s:
        path = "/api/cases/one/weighings/mine"
        assert s.ask("PUT", path, b'{"q": 1}')[0] == 200 and s.ask("PUT", path, b'{"q": "<script>"}')[0] == 200
        kept = json.loads(s.ask("GET", "/api/cases/one")[1])["weighings"]
        assert [(w["label"], json.loads(w["settings"])) for w in kept] == [("mine", {"q": "<script>"})]
        for bad in [b"", b"{", b'{"a":1,"a":2}', b"\xff"]:
            assert s.ask("PUT", path, bad)[0] == 400, bad
        assert s.ask("DELETE", path)[0] == 200
        assert json.loads(s.ask("GET", "/api/cases/one")[1])["weighings"] == []


def killed_at_any_moment_the_store_opens_with_all_that_was_answered():
    rng = random.Random(7)
    folder = tempfile.mkdtemp(prefix="assay-kill-")
    os.mkdir(os.path.join(folder, "one"))
    with open(os.path.join(folder, "one", "case.yaml"), "w") as file:
        file.write(CASE)
    answered, sent = set(), 0
    for round_number in range(10):
        server = Server(folder)

        def write(which):
            nonlocal sent
            with contextlib.suppress(OSError, http.client.HTTPException):
                for i in range(10_000):
                    label = f"r{round_number}-{which}-{i}"
                    sent += 1
                    if server.ask("PUT", f"/api/cases/one/weighings/{label}", json.dumps({"x": "y" * 3000}))[0] == 200:
                        answered.add(label)
                    server.ask("PUT", f"/api/cases/one/files/{label}", b"z" * 20_000)

        threads = [threading.Thread(target=write, args=(k,)) for k in range(2)]
        for thread in threads:
            thread.start()
        server.ask("POST", "/api/cases/one/run")
        time.sleep(rng.uniform(0.02, 0.4))
        server.process.kill()
        server.process.wait()
        for thread in threads:
            thread.join()
        server.process.stdout.close()
        server.process.stderr.close()
    server = Server(folder)
    shown = json.loads(server.ask("GET", "/api/cases/one")[1])
    kept = {w["label"] for w in shown["weighings"]}
    assert answered and answered <= kept, answered - kept
    assert all(run["state"] in ("done", "interrupted") for run in shown["runs"])
    for f in shown["came"]:  # what the store names is on disk, whole
        assert os.path.getsize(os.path.join(folder, "one", f["file"])) == 20_000
    assert server.end()[0] == 0
    with sqlite3.connect(os.path.join(folder, ".assay.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    shutil.rmtree(folder)


def what_cannot_start_says_why():
    with serving() as s:
        for arguments, part in [(["/nowhere"], "/nowhere"), ([s.folder, "--port", str(s.port)], "port"), ([s.folder, "--port", "70000"], "--port"), ([], "argument")]:
            result = subprocess.run([ASSAY, "serve", *arguments], env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
            assert result.returncode == 2 and part in result.stderr and result.stderr.count("\n") == 1, (arguments, result)
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, ".assay.db"), "wb") as file:
            file.write(b"not a database" * 100)
        result = subprocess.run([ASSAY, "serve", folder], env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
        assert result.returncode == 2 and ".assay.db" in result.stderr, result


tests = [f for f in list(globals().values()) if callable(f) and getattr(f, "__module__", "") == "__main__"
         and f.__name__ not in ("serving", "finished", "copied", "add", "case_of", "Server")]
sys.exit(run_tests(tests))
