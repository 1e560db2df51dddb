#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an installation holds, staged beside the tree: the library's face, its headers, a program
that finds it through pkg-config, man page, completion and tables.
Prints TAP. Needs ASSAY_BUILD and ASSAY_SOURCE, CC, and ASSAY_SANITIZE (Meson's b_sanitize)."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

from tap import Skip, run_tests

BUILD, SOURCE = os.environ["ASSAY_BUILD"], os.environ["ASSAY_SOURCE"]
CC = os.environ["CC"].split()
SANITIZE = os.environ.get("ASSAY_SANITIZE", "none")
FLAGS = ["-std=c17", "-Wall", "-Wextra", "-Werror", "-pedantic"]
if SANITIZE != "none":  # a program is built as the library was
    FLAGS.append("-fsanitize=" + SANITIZE)

CONSUMER = """
#include <assay/assay.h>
#include <stdio.h>

int main(void)
{
    struct assay_context context = assay_context_default();
    printf("%s %llu\\n", assay_status_name(ASSAY_OK), (unsigned long long)context.seed);
    return 0;
}
"""


def output(*arguments, **options):
    result = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                            **options)
    text = result.stdout.decode()
    assert result.returncode == 0, (arguments, text[-500:], result.stderr.decode()[-500:])
    return text


def the(pattern):
    """The one installed path that fits."""
    found = glob.glob(f"{STAGE}/**/{pattern}", recursive=True)
    assert len(found) == 1, (pattern, found)
    return found[0]


def package(*arguments):
    folder = os.path.dirname(the("pkgconfig/assay.pc"))
    environment = dict(os.environ, PKG_CONFIG_PATH=folder, PKG_CONFIG_SYSROOT_DIR=STAGE)
    return output("pkg-config", *arguments, "assay", env=environment).split()


def consumer(name, *flags):
    source = os.path.join(STAGE, "consumer.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write(CONSUMER)
    program = os.path.join(STAGE, name)
    output(*CC, *FLAGS, source, *flags, "-o", program)
    return program


def only_names_of_assay_are_exported():
    lines = output("nm", "-D", "--defined-only", the("libassay.so")).splitlines()
    names = {line.split()[-1] for line in lines}
    assert len(names) > 50, len(names)
    strangers = {name for name in names if not name.startswith(("assay_", "__odr_asan"))}
    assert not strangers, strangers


def every_function_of_the_headers_is_exported():
    lines = output("nm", "-D", "--defined-only", the("libassay.so")).splitlines()
    names = {line.split()[-1] for line in lines}
    declared = set()
    for header in glob.glob(f"{SOURCE}/include/assay/*.h"):
        text = open(header, encoding="utf-8").read()
        declared |= set(re.findall(r"^ASSAY_API[^;]*?\b(assay_\w+)\(", text, re.MULTILINE))
    assert len(declared) > 50, len(declared)
    assert declared <= names, declared - names


def the_library_has_its_soname():
    assert "libassay.so.0]" in output("readelf", "-d", the("libassay.so"))


def every_header_stands_alone():
    flags = package("--cflags")
    headers = glob.glob(os.path.join(os.path.dirname(the("include/assay/assay.h")), "*.h"))
    kept = {os.path.basename(header) for header in headers}
    assert kept == {os.path.basename(h) for h in glob.glob(f"{SOURCE}/include/assay/*.h")}, kept
    for name in sorted(kept):
        output(*CC, *FLAGS, *flags, "-fsyntax-only", "-x", "c", "-",
               input=f"#include <assay/{name}>\n".encode())


def every_header_is_good_cpp():
    if not shutil.which("c++"):
        raise Skip("no C++ compiler")
    for header in sorted(glob.glob(os.path.join(os.path.dirname(the("include/assay/assay.h")), "*.h"))):
        output("c++", "-std=c++17", "-Wall", "-Wextra", "-Werror", *package("--cflags"),
               "-fsyntax-only", "-x", "c++", "-",
               input=f"#include <assay/{os.path.basename(header)}>\n".encode())
    return None


def a_program_finds_the_shared_library_by_pkg_config():
    program = consumer("shared", *package("--cflags", "--libs"))
    environment = dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(the("libassay.so")))
    assert output(program, env=environment) == "ok 1\n"
    assert "libassay.so.0" in output("readelf", "-d", program)


def a_program_links_the_static_library():
    # pkg-config sets the stage before folders of the system as well: only names are taken
    names = [flag for flag in package("--static", "--libs") if not flag.startswith(("-L", "-lassay"))]
    program = consumer("static", *package("--cflags"), the("libassay.a"), *names)
    assert output(program) == "ok 1\n"
    assert "libassay" not in output("readelf", "-d", program)


def the_installed_program_finds_its_tables():
    environment = {key: value for key, value in os.environ.items() if key != "ASSAY_DATA"}
    text = output(the("bin/assay"), "claim", "predict", "--json",
                  the("cases/deepseek-v3/claim.yaml"), cwd="/", env=environment)
    assert '"accelerator_hours"' in text


def man_page_and_completion_are_those_of_the_program():
    program = the("bin/assay")
    assert open(the("man1/assay.1"), encoding="utf-8").read() == output(program, "--man")
    assert open(the("completions/assay"), encoding="utf-8").read() == output(program, "--completion")


TESTS = [value for name, value in list(globals().items())
         if callable(value) and getattr(value, "__module__", "") == "__main__"
         and name not in ("output", "the", "package", "consumer")]

with tempfile.TemporaryDirectory() as STAGE:
    output("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", STAGE)
    STATUS = run_tests(TESTS)
sys.exit(STATUS)
