#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Signing a case and finding what was altered, from outside: against the openssl program and, where
./dev test has installed it, OpenSSF model-signing.
Prints TAP. Needs ASSAY and ASSAY_SOURCE; ASSAY_TOOLS is the folder of Python packages' programs."""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile

from tap import Skip, run_tests

ASSAY = os.environ["ASSAY"]
SOURCE = os.environ["ASSAY_SOURCE"]
TOOLS = os.environ.get("ASSAY_TOOLS", "")
ENVIRONMENT = dict(os.environ, ASSAY_DATA=os.path.join(SOURCE, "data"))
PEER = os.path.join(TOOLS, "model_signing")


def call(*arguments):
    return subprocess.run([ASSAY, "case", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=ENVIRONMENT, timeout=120)


def run(*arguments, **options):
    return subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                          check=True, **options).stdout


def make_key(name, *options):
    private, public = (os.path.join(FOLDER, name + end) for end in (".pem", ".pub.pem"))
    run("openssl", "genpkey", *options, "-out", private)
    run("openssl", "pkey", "-in", private, "-pubout", "-out", public)
    return private, public


def new_case(name):
    """A folder with some files, one of them empty, one below another."""
    folder = os.path.join(FOLDER, name)
    os.makedirs(os.path.join(folder, "out"))
    for path, text in {"case.yaml": "title: A case\n", "out/report.json": "{}\n", "empty": "",
                       "a file": "with a space\n", ".hidden": "yes\n"}.items():
        with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
            file.write(text)
    return folder


def signed_case(name, private):
    folder = new_case(name)
    result = call("sign", folder, "--key", private)
    assert result.returncode == 0, result.stderr
    return folder, os.path.join(folder, "case.sig")


def verify(folder, public, *options):
    """The exit status and the object of a check of the signature alone."""
    result = call("verify", folder, "--public-key", public, "--no-replay", "--json", *options)
    assert result.stdout or result.returncode == 2, (result.returncode, result.stderr)
    return result.returncode, json.loads(result.stdout)["signature"] if result.stdout else None


def changes(check):
    return [(d["path"], d["change"]) for d in check["differences"]]


def refused(result, *parts):
    text = result.stderr.decode()
    assert result.returncode == 2 and result.stdout == b"", (result.returncode, text)
    assert text.count("\n") == 1, text
    for part in parts:
        assert part in text, (part, text)


# ---- what must hold --------------------------------------------------------------------------------

def a_signed_folder_that_nobody_touched_holds():
    for private, public in KEYS.values():
        folder, _ = signed_case(tempfile.mktemp(dir=FOLDER), private)
        status, check = verify(folder, public)
        assert status == 0 and check["holds"] and check["files"] == 5 and not check["differences"]


def any_altered_byte_of_any_file_is_found():
    folder, _ = signed_case("bytes", ED25519[0])
    for path in ("case.yaml", "out/report.json", "a file", ".hidden"):
        full = os.path.join(folder, path)
        with open(full, "rb") as file:
            good = file.read()
        for i in range(0, len(good), 3):
            with open(full, "wb") as file:
                file.write(good[:i] + bytes([good[i] ^ 1]) + good[i + 1:])
            status, check = verify(folder, ED25519[1])
            assert status == 1 and changes(check) == [(path, "changed")], (path, i, check)
        with open(full, "wb") as file:
            file.write(good)
    assert verify(folder, ED25519[1])[0] == 0


def an_altered_byte_of_the_signature_is_found():
    folder, signature = signed_case("signature", ED25519[0])
    with open(signature, "rb") as file:
        good = file.read()
    for i in list(range(0, 240, 3)) + list(range(240, len(good), 41)) + list(range(len(good) - 120, len(good), 3)):
        with open(signature, "wb") as file:
            file.write(good[:i] + bytes([good[i] ^ 1]) + good[i + 1:])
        status, check = verify(folder, ED25519[1])
        assert status == 2 or (status == 1 and not check["holds"] and not check["differences"]), (
            i, good[max(0, i - 20):i + 20], status, check)


def files_added_removed_and_renamed_are_named():
    folder, _ = signed_case("moved", ED25519[0])
    os.rename(os.path.join(folder, "a file"), os.path.join(folder, "b file"))
    os.remove(os.path.join(folder, "empty"))
    os.mkdir(os.path.join(folder, "deep"))
    shutil.copy(os.path.join(folder, "case.yaml"), os.path.join(folder, "deep", "er"))
    status, check = verify(folder, ED25519[1])
    assert status == 1 and changes(check) == [("a file", "missing"), ("b file", "added"),
                                              ("deep/er", "added"), ("empty", "missing")], check
    text = call("verify", folder, "--public-key", ED25519[1], "--no-replay")
    assert b"missing: a file" in text.stdout and text.returncode == 1


def findings_kept_for_a_quicker_run_are_left_out():
    folder, _ = signed_case("kept", ED25519[0])
    os.mkdir(os.path.join(folder, "out", "findings"))
    with open(os.path.join(folder, "out", "findings", "x.json"), "w") as file:
        file.write("{}")
    status, check = verify(folder, ED25519[1])
    assert status == 0 and check["files"] == 5, check


def another_key_does_not_verify():
    folder, _ = signed_case("other", ED25519[0])
    status, check = verify(folder, P256[1])
    assert status == 1 and not check["holds"] and "names the key" in check["reason"], check


def a_signature_under_a_false_hint_does_not_verify():
    """Somebody else signs, and writes the trusted key's name beside it."""
    folder, signature = signed_case("false", P256[0])
    hint = json.load(open(signature))["verificationMaterial"]["publicKey"]["hint"]
    call("sign", folder, "--key", OTHER_P256[0])
    bundle = json.load(open(signature))
    bundle["verificationMaterial"]["publicKey"]["hint"] = hint
    with open(signature, "w") as file:
        json.dump(bundle, file)
    status, check = verify(folder, P256[1])
    assert status == 1 and "not made by this key" in check["reason"], check


def an_altered_case_is_not_run():
    folder, _ = signed_case("unrun", ED25519[0])
    with open(os.path.join(folder, "case.yaml"), "a") as file:
        file.write("x")
    result = call("verify", folder, "--public-key", ED25519[1], "--json")
    assert result.returncode == 1 and json.loads(result.stdout)["replay"] is None


def a_symbolic_link_is_refused():
    folder = new_case("link")
    os.symlink("/etc/passwd", os.path.join(folder, "linked"))
    refused(call("sign", folder, "--key", ED25519[0]), "linked", "symbolic link")
    assert not os.path.exists(os.path.join(folder, "case.sig"))


def a_name_that_cannot_be_shown_is_refused():
    folder = new_case("bytesname")
    for name in (b"\xff", b"a\x1b[2Jb", "a\u202eb".encode()):
        full = os.path.join(folder.encode(), name)
        with open(full, "w"):
            pass
        refused(call("sign", folder, "--key", ED25519[0]), "not UTF-8 text without control")
        os.remove(full)


def a_signature_may_lie_elsewhere():
    folder = new_case("elsewhere")
    out = os.path.join(FOLDER, "elsewhere.sig")
    assert call("sign", folder, "--key", ED25519[0], "--out", out).returncode == 0
    assert verify(folder, ED25519[1], "--signature", out)[0] == 0
    assert sorted(os.listdir(folder)) == sorted([".hidden", "a file", "case.yaml", "empty", "out"])


def an_encrypted_key_wants_its_password():
    key = os.path.join(FOLDER, "locked.pem")
    word = os.path.join(FOLDER, "word")
    run("openssl", "pkey", "-in", ED25519[0], "-aes256", "-passout", "pass:open sesame", "-out", key)
    folder = new_case("locked")
    with open(word, "w") as file:
        file.write("open sesame\nignored\n")
    refused(call("sign", folder, "--key", key), "encrypted")
    assert call("sign", folder, "--key", key, "--password-file", word).returncode == 0
    assert verify(folder, ED25519[1])[0] == 0
    with open(word, "w") as file:
        file.write("wrong\n")
    refused(call("sign", folder, "--key", key, "--password-file", word), "password does not open")


def what_is_no_key_is_refused():
    folder = new_case("keys")
    rsa, rsa_public = make_key("rsa", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048")
    curve, _ = make_key("k1", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1")
    refused(call("sign", folder), "--key")
    refused(call("sign", folder, "--key", rsa), "rsa.pem", "Ed25519", "P-256")
    refused(call("sign", folder, "--key", curve), "k1.pem", "P-256")
    refused(call("sign", folder, "--key", ED25519[1]), "expected a private key")
    refused(call("sign", folder, "--key", "/none.pem"), "/none.pem")
    call("sign", folder, "--key", ED25519[0])
    refused(call("verify", folder, "--public-key", rsa_public, "--no-replay"), "rsa.pub.pem")
    refused(call("verify", folder, "--no-replay"), "--public-key")


def what_is_no_bundle_is_refused():
    folder, signature = signed_case("bundle", ED25519[0])
    good = json.load(open(signature))

    def bad(change, *parts):
        bundle = json.loads(json.dumps(good))
        change(bundle)
        with open(signature, "w") as file:
            json.dump(bundle, file)
        refused(call("verify", folder, "--public-key", ED25519[1], "--no-replay"), "case.sig", *parts)

    bad(lambda b: b.update(mediaType="text/plain"), "mediaType")
    bad(lambda b: b.update(more=1), 'unknown key "more"')
    bad(lambda b: b["dsseEnvelope"].update(payload="?"), "payload: expected base64")
    bad(lambda b: b["dsseEnvelope"].update(payloadType="x"), "payloadType")
    bad(lambda b: b["dsseEnvelope"].update(signatures=[]), "signatures: expected a list of one")
    bad(lambda b: b["verificationMaterial"].update(tlogEntries=[1]), "tlogEntries")
    bad(lambda b: b.pop("verificationMaterial"), "verificationMaterial")
    with open(signature, "w") as file:
        file.write("{")
    refused(call("verify", folder, "--public-key", ED25519[1], "--no-replay"), "case.sig:1")


def a_well_signed_manifest_that_lies_about_itself_is_refused():
    """The key's holder signs a statement with a step out of the folder, or another root."""
    folder, signature = signed_case("liar", ED25519[0])
    good = json.load(open(signature))

    def bad(change, part):
        statement = json.loads(base64.b64decode(good["dsseEnvelope"]["payload"]))
        change(statement)
        payload = json.dumps(statement).encode()
        bundle = json.loads(json.dumps(good))
        bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
        bundle["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(
            openssl_sign(ED25519[0], pae(payload))).decode()
        with open(signature, "w") as file:
            json.dump(bundle, file)
        refused(call("verify", folder, "--public-key", ED25519[1], "--no-replay"), part)

    resources = lambda s: s["predicate"]["resources"]
    bad(lambda s: resources(s)[0].update(name="../../etc/passwd"), "inside the folder")
    bad(lambda s: resources(s)[0].update(name="/etc/passwd"), "inside the folder")
    bad(lambda s: resources(s)[0].update(digest="00"), "sha256 digest")
    bad(lambda s: resources(s)[0].update(digest="0" * 64), "add up to")
    bad(lambda s: resources(s).pop(), "add up to")
    bad(lambda s: s.update(predicateType="x"), "predicateType")
    bad(lambda s: s.update(_type="x"), "_type")
    bad(lambda s: s["predicate"]["serialization"].update(ignore_paths=["../x"]), "ignore_paths")
    bad(lambda s: s["predicate"]["serialization"].update(method="shards"), "serialization")


# ---- against others --------------------------------------------------------------------------------

def pae(payload):
    kind = b"application/vnd.in-toto+json"
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def openssl_sign(private, data):
    source, out = os.path.join(FOLDER, "data"), os.path.join(FOLDER, "data.sig")
    with open(source, "wb") as file:
        file.write(data)
    run("openssl", "pkeyutl", "-sign", "-inkey", private, "-rawin", "-in", source, "-out", out)
    with open(out, "rb") as file:
        return file.read()


def the_openssl_program_verifies_what_is_signed():
    for name, (private, public) in KEYS.items():
        folder, signature = signed_case("openssl-" + name, private)
        bundle = json.load(open(signature))
        data, sig = os.path.join(FOLDER, "pae"), os.path.join(FOLDER, "sig")
        with open(data, "wb") as file:
            file.write(pae(base64.b64decode(bundle["dsseEnvelope"]["payload"])))
        with open(sig, "wb") as file:
            file.write(base64.b64decode(bundle["dsseEnvelope"]["signatures"][0]["sig"]))
        digest = {"p384": ["-digest", "sha384"], "p521": ["-digest", "sha512"]}.get(name, [])
        out = run("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", *digest,
                  "-in", data, "-sigfile", sig)
        assert b"Verified Successfully" in out, (name, out)
        manifest = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        for resource in manifest["predicate"]["resources"]:
            out = run("openssl", "dgst", "-sha256", "-r", os.path.join(folder, resource["name"]))
            assert out.split()[0].decode() == resource["digest"], resource


def need_peer():
    if not os.access(PEER, os.X_OK):
        raise Skip("model-signing is not installed: ./dev test installs it where PyPI can be reached")


def model_signing_verifies_what_is_signed_here():
    need_peer()
    for name in ("p256", "p384"):
        folder, signature = signed_case("peer-" + name, KEYS[name][0])
        run(PEER, "verify", "key", folder, "--signature", signature, "--public_key", KEYS[name][1])
        with open(os.path.join(folder, "a file"), "a") as file:
            file.write("x")
        again = subprocess.run([PEER, "verify", "key", folder, "--signature", signature,
                                "--public_key", KEYS[name][1]], capture_output=True, timeout=120)
        assert again.returncode != 0


def what_model_signing_signs_verifies_here():
    need_peer()
    folder = new_case("from-peer")
    signature = os.path.join(folder, "model.sig")
    run(PEER, "sign", "key", folder, "--signature", signature, "--private_key", P256[0])
    status, check = verify(folder, P256[1], "--signature", signature)
    assert status == 0 and check["holds"], check
    os.remove(os.path.join(folder, "empty"))
    status, check = verify(folder, P256[1], "--signature", signature)
    assert status == 1 and changes(check) == [("empty", "missing")], check


TESTS = [a_signed_folder_that_nobody_touched_holds, any_altered_byte_of_any_file_is_found,
         an_altered_byte_of_the_signature_is_found, files_added_removed_and_renamed_are_named,
         findings_kept_for_a_quicker_run_are_left_out,
         another_key_does_not_verify, a_signature_under_a_false_hint_does_not_verify,
         an_altered_case_is_not_run, a_symbolic_link_is_refused, a_name_that_cannot_be_shown_is_refused,
         a_signature_may_lie_elsewhere, an_encrypted_key_wants_its_password,
         what_is_no_key_is_refused, what_is_no_bundle_is_refused,
         a_well_signed_manifest_that_lies_about_itself_is_refused,
         the_openssl_program_verifies_what_is_signed, model_signing_verifies_what_is_signed_here,
         what_model_signing_signs_verifies_here]

if not shutil.which("openssl"):
    sys.exit(run_tests(TESTS, without="the openssl program is not installed"))
with tempfile.TemporaryDirectory() as FOLDER:
    ED25519 = make_key("ed25519", "-algorithm", "ed25519")
    P256 = make_key("p256", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    OTHER_P256 = make_key("q256", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    KEYS = {"ed25519": ED25519, "p256": P256}
    for size in ("384", "521"):
        KEYS["p" + size] = make_key("p" + size, "-algorithm", "ec", "-pkeyopt",
                                    "ec_paramgen_curve:P-" + size)
    STATUS = run_tests(TESTS)
sys.exit(STATUS)
