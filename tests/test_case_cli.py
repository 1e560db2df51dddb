#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The commands of cases from outside: new, check, show, run, export, diff, verify. What is exported is
checked by the validators of those who made the forms, where ./dev test has installed them.
Prints TAP. Needs ASSAY and ASSAY_SOURCE; ASSAY_TOOLS is the folder of Python packages' programs."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import uuid

from tap import Skip, run_tests

ASSAY = os.environ["ASSAY"]
SOURCE = os.environ["ASSAY_SOURCE"]
TOOLS = os.environ.get("ASSAY_TOOLS", "")
ENVIRONMENT = dict(os.environ, ASSAY_DATA=os.path.join(SOURCE, "data"))
HOSTILE = "<script>alert(1)</script> \\u202e \\u0007 \\\" ' ]]> & %s"

CASE = f"""
title: Was it copied?
summary: "A case of a test. {HOSTILE}"
exhibits:
  - {{id: E1, statement: "The structure is the same. {HOSTILE}", said_by: "A reader {HOSTILE}", source: A forum, date: 2024-06, grade: B2}}
  - {{id: E2, statement: We did it ourselves., said_by: The makers, source: Their page, date: 2024-06-02, grade: D6}}
  - {{id: E3, file: listing.txt, source: Copied from the forum, date: 2024, grade: A1}}
questions:
  - id: descent
    text: "Was it copied? {HOSTILE}"
    kind: descent
    stated: own
    hypotheses:
      - {{id: own, text: It is their own}}
      - {{id: copied, text: "It was copied {HOSTILE}"}}
      - {{id: none, none_of_these: true}}
    findings:
      - id: structure
        text: The same structure
        because: Rare by chance
        likelihoods: {{own: 0.02 (0.01 to 0.05), copied: 0.8 (0.6 to 0.9), none: 0.3 (0.1 to 0.5)}}
        exhibits: [E1, E3]
      - id: word
        text: They say so
        because: They would
        likelihoods: {{own: 0.9 (0.8 to 0.95), others: 0.7 (0.5 to 0.9)}}
        exhibits: [E2]
    exhibits: [E1, E2, E3]
    priors:
      held_by: A reader
      reason: None better
      probabilities:
        - {{hypothesis: own, probability: 50 %}}
        - {{hypothesis: copied, probability: 30 %}}
        - {{hypothesis: none, probability: 20 %}}
"""


def call(*arguments, **options):
    return subprocess.run([ASSAY, "case", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=ENVIRONMENT, timeout=240, **options)


def done(*arguments, **options):
    result = call(*arguments, **options)
    assert result.returncode == 0, (arguments, result.returncode, result.stderr)
    return result.stdout


def refused(result, *parts):
    text = result.stderr.decode()
    assert result.returncode == 2 and result.stdout == b"", (result.returncode, text)
    assert text.count("\n") == 1, text
    for part in parts:
        assert part in text, (part, text)


def make_case(name, *changes):
    """A case of a test with some of its texts replaced."""
    folder = os.path.join(FOLDER, name)
    os.makedirs(folder)
    text = CASE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    write(folder, "case.yaml", text)
    write(folder, "listing.txt", "a listing\n")
    return folder


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def report_of(folder):
    with open(os.path.join(folder, "out", "report.json"), encoding="utf-8") as file:
        return json.load(file)


# ---- new, check, show, run ----------------------------------------------------------------------

def a_new_case_reads_as_it_stands_and_is_never_written_over():
    folder = os.path.join(FOLDER, "new")
    done("new", folder)
    assert json.loads(done("check", folder, "--json"))["valid"]
    refused(call("new", folder), "there already")


def a_run_writes_the_report_that_it_prints():
    folder = make_case("run")
    printed = json.loads(done("run", folder, "--json"))
    assert printed == report_of(folder) and printed["assay"].startswith("report/")
    assert done("export", folder, "--format", "json") == open(
        os.path.join(folder, "out", "report.json"), "rb").read()


def a_report_has_the_same_bytes_from_wherever_it_is_run():
    first, second = make_case("here"), make_case("there")
    done("run", first)
    done("run", ".", "--threads", "1", cwd=second)
    assert open(os.path.join(first, "out/report.json"), "rb").read() == open(
        os.path.join(second, "out/report.json"), "rb").read()
    assert FOLDER not in json.dumps(report_of(first))


def nothing_is_written_if_the_case_is_wrong():
    folder = make_case("wrong", ("probability: 50 %", "probability: 51 %"))
    refused(call("run", folder), "case.yaml:", "101 %")
    refused(call("export", folder, "--format", "stix"), "case.yaml:")
    refused(call("diff", folder, folder), "case.yaml:")
    refused(call("check", os.path.join(FOLDER, "nowhere")), "nowhere/case.yaml")
    assert not os.path.exists(os.path.join(folder, "out"))


def a_case_is_shown_without_running():
    folder = make_case("show")
    shown = json.loads(done("show", folder, "--json"))
    assert [e["id"] for e in shown["exhibits"]] == ["E1", "E2", "E3"]
    assert b"Was it copied?" in done("show", folder) and not os.path.exists(folder + "/out")


def control_characters_of_a_case_reach_no_terminal():
    folder = make_case("escape")
    for output in (done("run", folder), done("show", folder), done("export", folder, "--format", "text")):
        assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80\xae", output), output


# ---- verify --------------------------------------------------------------------------------------

def a_stored_report_is_computed_again_to_the_same_bytes():
    folder = make_case("replay")
    done("run", folder, "--seed", "7")
    moved = os.path.join(FOLDER, "replayed elsewhere")
    shutil.copytree(folder, moved)
    answer = json.loads(done("verify", moved, "--json"))
    assert answer["holds"] and answer["replay"]["same_bytes"] and answer["replay"]["seed"] == "7"
    assert answer["signature"] is None


def an_instrument_is_run_again_and_its_findings_compared():
    folder = os.path.join(FOLDER, "instrument")
    done("new", folder)
    done("run", folder)
    answer = json.loads(done("verify", folder, "--json"))
    assert answer["holds"] and answer["replay"]["findings"] >= 1
    report = report_of(folder)
    report["questions"][0]["results"][0]["finding"]["weights"][0]["log10_likelihood"]["median"] = 0.5
    write(folder, "out/report.json", json.dumps(report, indent=2))
    result = call("verify", folder, "--json")
    places = [d["place"] for d in json.loads(result.stdout)["replay"]["differences"]]
    assert result.returncode == 1 and len(places) == 1 and "log10_likelihood" in places[0], places


def a_stored_report_that_was_altered_is_found_and_the_place_named():
    folder = make_case("altered")
    done("run", folder)
    report = report_of(folder)
    report["questions"][0]["combination"]["hypotheses"][1]["log10_lr"]["median"] += 1
    write(folder, "out/report.json", json.dumps(report, indent=2))
    result = call("verify", folder, "--json")
    assert result.returncode == 1
    places = [d["place"] for d in json.loads(result.stdout)["replay"]["differences"]]
    assert places == ["questions[descent].combination.hypotheses[copied].log10_lr.median"], places
    text = call("verify", folder)
    assert b"hypotheses[copied]" in text.stdout and text.returncode == 1


def a_case_that_was_altered_after_its_report_is_found():
    folder = make_case("changed")
    done("run", folder)
    write(folder, "listing.txt", "another listing\n")
    places = [d["place"] for d in
              json.loads(call("verify", folder, "--json").stdout)["replay"]["differences"]]
    assert "exhibits[E3].sha256" in places, places


def what_is_no_report_is_refused():
    folder = make_case("noreport")
    refused(call("verify", folder), "out/report.json")
    os.mkdir(folder + "/out")
    for text, part in (("{", "report.json"), ("{}", "expected a report"),
                       ('{"assay": "report/2", "seed": "x"}', "seed")):
        write(folder, "out/report.json", text)
        refused(call("verify", folder), part)


# ---- diff ----------------------------------------------------------------------------------------

def a_case_does_not_differ_from_itself():
    folder = make_case("same")
    answer = json.loads(done("diff", folder, folder, "--json"))
    assert answer["same"] and answer["versions"]["same"], answer
    assert answer["exhibits_under_other_ids"] == answer["differences"] == [], answer
    done("run", folder)
    stored = json.loads(done("diff", folder, os.path.join(folder, "out", "report.json"), "--json"))
    assert stored["same"] and stored["versions"]["second"]["stored"] and not stored["versions"]["first"]["stored"]


def reports_of_other_versions_are_said_to_be():
    folder = os.path.join(FOLDER, "instrument")
    if not os.path.exists(os.path.join(folder, "out", "report.json")):
        done("new", folder)
        done("run", folder)
    stored, older = report_of(folder), os.path.join(folder, "older.json")
    finding = stored["questions"][0]["results"][0]["finding"]
    method, version = finding["method"], finding["method_version"]
    stored["version"], finding["method_version"] = "0.0.9 \u202e", "2 \u0007"
    stored["questions"][0]["combination"]["findings"][0]["log10_likelihood"]["median"][0] -= 0.5
    stored["title"] = "Another"
    write(folder, "older.json", json.dumps(stored))
    answer = json.loads(done("diff", folder, older, "--json"))
    assert not answer["versions"]["same"] and not answer["same"], answer
    assert answer["versions"]["second"]["program"].startswith("0.0.9") and answer["versions"]["first"]["methods"][method] == version
    by_version = {d["section"]: d["perhaps_by_version"] for d in answer["differences"]}
    assert by_version["case"] is False and by_version["findings"] is True, by_version
    text = done("diff", folder, older)
    assert b"different versions" in text and b"0.0.9" in text and f"{method}: {version} in the first, 2".encode() in text, text
    assert b"\x07" not in text and "\u202e".encode() not in text
    refused(call("diff", folder, os.path.join(folder, "claim.yaml")), "claim.yaml")
    for text, part in (("{}", "report/2"), ('{"assay": "report/1"}', "report/1"), ("[1]", "report/2")):
        write(folder, "none.json", text)
        refused(call("diff", os.path.join(folder, "none.json"), folder), "none.json", part)


def what_two_people_disagree_on_is_named_by_section():
    first = make_case("first")
    second = make_case("second", ("E2", "Q9"), ("grade: B2", "grade: C2"),
                       ("own: 0.02 (0.01 to 0.05)", "own: 0.2 (0.1 to 0.5)"),
                       ("own, probability: 50 %", "own, probability: 70 %"),
                       ("none, probability: 20 %", "none, probability: 0.1 %"),
                       ("copied, probability: 30 %", "copied, probability: 29.9 %"))
    answer = json.loads(done("diff", first, second, "--json"))
    assert answer["exhibits_under_other_ids"] == [{"first": "E2", "second": "Q9"}]
    places = {d["place"]: (d["first"], d["second"]) for d in answer["differences"]}
    assert places["grades[E1].grade"] == ("B2", "C2"), places
    assert places["priors[descent/A reader].probabilities.own"] == (0.5, 0.7), places
    assert "findings[descent/structure].relative_likelihoods.own" in places, places
    sections = {d["section"] for d in answer["differences"]}
    assert sections == {"grades", "findings", "priors", "results"}, sections
    assert b"[E1].grade" in done("diff", first, second)


def an_exhibit_of_one_case_alone_is_named():
    first = make_case("alone1")
    second = make_case("alone2", ("We did it ourselves.", "We had help."), ("E2", "Q9"))
    answer = json.loads(done("diff", first, second, "--json"))
    exhibits = [d for d in answer["differences"] if d["section"] == "exhibits"]
    assert len(exhibits) == 2 and {d["first"] is None for d in exhibits} == {True, False}, exhibits


# ---- export --------------------------------------------------------------------------------------

def tool(name):
    path = os.path.join(TOOLS, name)
    if not os.access(path, os.X_OK):
        raise Skip(f"{name} is not installed: ./dev test installs it where PyPI can be reached")
    return path


def exported(folder, form, *options):
    text = done("export", folder, "--format", form, *options)
    assert text == done("export", folder, "--format", form, *options)
    return json.loads(text)


def stix_is_valid_by_the_validator_of_oasis():
    folder = make_case("stix-valid")
    out = os.path.join(FOLDER, "case.stix.json")
    done("export", folder, "--format", "stix", "--out", out)
    # 103: identifiers should be UUIDv4; here the same case gives the same ones (docs/exchange.md)
    result = subprocess.run([tool("stix2_validator"), "--strict", "-d", "103", out], capture_output=True,
                            timeout=240)
    text = result.stdout.decode()
    assert result.returncode == 0 and "Valid" in text and "Warning" not in text, text


def stix_says_what_the_case_says_and_no_more():
    bundle = exported(make_case("stix"), "stix")
    objects = {}
    for o in bundle["objects"]:
        objects.setdefault(o["type"], []).append(o)
        kind, _, name = o["id"].partition("--")
        assert kind == o["type"] and uuid.UUID(name).version == 5, o["id"]
    assert {k: len(v) for k, v in objects.items()} == {
        "identity": 3, "note": 6, "opinion": 2, "file": 1, "indicator": 1, "grouping": 1,
        "report": 1}, objects.keys()
    opinions = sorted(o["opinion"] for o in objects["opinion"])
    assert opinions == ["agree", "strongly-agree"]  # B2 and A1; D6 cannot be judged
    statement = next(n for n in objects["note"] if n["content"] == "We did it ourselves.")
    assert statement["authors"] == ["The makers"]
    assert statement["created"] == "2024-06-02T00:00:00.000Z" and "confidence" not in statement
    copied = next(n for n in objects["note"] if n["abstract"].startswith("Hypothesis copied"))
    assert "likelihood ratio" in copied["content"] and "not the probability" in copied["content"]
    known = {o["id"] for o in bundle["objects"]}
    for o in bundle["objects"]:
        assert set(o.get("object_refs", [])) <= known


def a_files_stix_identifier_is_the_one_that_the_standard_fixes():
    bundle = exported(make_case("stix-file"), "stix")
    file = next(o for o in bundle["objects"] if o["type"] == "file")
    key = json.dumps({"hashes": file["hashes"], "name": "listing.txt"}, separators=(",", ":"))
    space = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
    assert file["id"] == "file--" + str(uuid.uuid5(space, key)), file


def one_statement_is_one_object_in_two_peoples_cases():
    """The same bytes under the same identifier, as the standard wants; grades are each case's own."""
    first = exported(make_case("twin1"), "stix")["objects"]
    second = exported(make_case("twin2", ("E2", "Q9"), ("grade: B2", "grade: C3")), "stix")["objects"]
    of_id = {o["id"]: o for o in first}
    shared = [o for o in second if o["id"] in of_id]
    assert all(o == of_id[o["id"]] for o in shared)
    assert sorted(o["type"] for o in shared) == ["file", "identity", "identity", "identity",
                                                 "indicator", "note", "note", "note"], shared


def cyclonedx_is_valid_by_the_schema_of_its_makers():
    folder = make_case("cdx-valid")
    out = os.path.join(FOLDER, "case.cdx.json")
    done("export", folder, "--format", "cyclonedx", "--model", f"Model <{HOSTILE}>", "--out", out)
    check = ("import sys\nfrom cyclonedx.validation.json import JsonStrictValidator as V\n"
             "from cyclonedx.schema import SchemaVersion as S\n"
             "e = V(S.V1_6).validate_str(open(sys.argv[1]).read())\nsys.exit(e and repr(e))")
    tool("stix2_validator")  # of the same folder
    result = subprocess.run([tool("python3"), "-c", check, out], capture_output=True, timeout=240)
    assert result.returncode == 0, result.stderr[:600]


def cyclonedx_claims_and_asserts_nothing():
    bill = exported(make_case("cdx"), "cyclonedx", "--model", "A model")
    assert bill["specVersion"] == "1.6" and bill["metadata"]["component"]["name"] == "A model"
    assert bill["metadata"]["component"]["type"] == "machine-learning-model"
    assert uuid.UUID(bill["serialNumber"][9:]).version == 5
    pedigree = bill["metadata"]["component"]["pedigree"]
    assert "ancestors" not in pedigree and "variants" not in pedigree
    assert "copied: log10 likelihood ratio" in pedigree["notes"]
    claims = bill["declarations"]["claims"]
    assert [c["target"] for c in claims] == ["model"] * 3 and "attestations" not in bill["declarations"]
    evidence = {e["bom-ref"] for e in bill["declarations"]["evidence"]}
    assert all(set(c["evidence"]) <= evidence for c in claims) and len(evidence) == 3
    assert bill["components"][0]["hashes"][0]["alg"] == "SHA-256"


def a_question_cites_what_its_findings_rest_on_without_listing_it():
    folder = make_case("unlisted", ("    exhibits: [E1, E2, E3]\n", ""))
    claims = exported(folder, "cyclonedx")["declarations"]["claims"]
    assert claims[0]["evidence"] == ["exhibit:E1", "exhibit:E2", "exhibit:E3"], claims[0]
    grouping = next(o for o in exported(folder, "stix")["objects"] if o["type"] == "grouping")
    assert len(grouping["object_refs"]) == 6  # three exhibits, three hypotheses


def a_calibration_is_not_begun_whose_report_could_not_be_written():
    claim = os.path.join(SOURCE, "cases", "deepseek-v3", "claim.yaml")
    refused(call("calibrate", claim, "--report", "nowhere/r.html"), "nowhere", "folder")
    refused(call("calibrate", claim, "--of", "guesses"), "guesses", "hardware")


def wrong_forms_are_refused():
    folder = make_case("forms")
    refused(call("export", folder), "--format", "stix")
    refused(call("export", folder, "--format", "pdf"), '"pdf"')
    refused(call("export", folder, "--format", "stix", "--model", "x"), "--model")
    refused(call("export", folder, "--format", "stix", "--out", "/none/x.json"), "/none/x.json")


TESTS = [value for name, value in list(globals().items())
         if callable(value) and getattr(value, "__module__", "") == "__main__"
         and name not in ("Skip", "call", "done", "refused", "make_case", "write", "report_of", "tool",
                          "exported")]

with tempfile.TemporaryDirectory() as FOLDER:
    STATUS = run_tests(TESTS)
sys.exit(STATUS)
