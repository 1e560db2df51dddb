#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Related or not, from one layer of a 7B Llama: Assay beside the published test, in one run.

Usage: race_lineage.py ASSAY [ROWS COLUMNS]
ASSAY is build/assay; by default the layer has 11008 rows of 4096. Two pairs are made: one with noise
of 0.3 standard deviations, one independent. Each is asked the same question, whether the numbering
of hidden units is shared, and answered with a p-value, by
  published   Independence Tests for Language Models (Zhu, Ahmed, Kuditipudi, Liang, ICML 2025),
              statistic phi_U: cosines of all pairs of rows, assignment, Spearman's correlation with
              the identity; NumPy and SciPy, in memory as float32, reading not counted
  quick       assay lineage compare --quick: 64 units of a part of each row, fixed points, exact
  full        assay lineage compare: every weight compared, both axes tested on more units
Assay reads files of BF16 from the page cache. Seconds are from the open files to the answer; process
start is counted apart, and in the processor time. Best of five for Assay, one run for the published
test. Needs numpy and scipy.
"""
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time

import numpy
from scipy.optimize import linear_sum_assignment
from scipy.stats import spearmanr


def published(a, b):
    start, processor = time.perf_counter(), time.process_time()
    a = a / numpy.linalg.norm(a, axis=1, keepdims=True)
    b = b / numpy.linalg.norm(b, axis=1, keepdims=True)
    _, matched = linear_sum_assignment(-(a @ b.T))
    rho, p = spearmanr(matched, numpy.arange(len(a)))
    return (time.perf_counter() - start, time.process_time() - processor,
            f"rho {rho:.3f}, p {p:.3g}")


def write(path, values):
    header = json.dumps({"model.layers.0.mlp.up_proj.weight": {
        "dtype": "BF16", "shape": list(values.shape), "data_offsets": [0, 2 * values.size]}}).encode()
    header += b" " * (-len(header) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.write((values.view(numpy.uint32) >> 16).astype(numpy.uint16).tobytes())


def assay(program, a, b, *options):
    """Its own seconds, those with process start, and processor seconds: the least of five runs."""
    runs = []
    for _ in range(5):
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        out = subprocess.run([program, "lineage", "compare", a, b, "--json", *options], check=True,
                             capture_output=True).stdout
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        answer = json.loads(out)
        runs.append((answer["seconds"], wall,
                     after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    return [min(column) for column in zip(*runs)], answer["related"]["log10_p"]


def main():
    program = sys.argv[1]
    rows, columns = (int(x) for x in sys.argv[2:4]) if len(sys.argv) > 3 else (11008, 4096)
    random = numpy.random.default_rng(1)
    a = random.standard_normal((rows, columns), dtype=numpy.float32)
    noise = random.standard_normal((rows, columns), dtype=numpy.float32)
    print(f"{rows} x {columns}, {os.cpu_count()} processors, NumPy {numpy.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("a.safetensors", "b.safetensors")]
        write(paths[0], a)
        for name, b in (("related", a + numpy.float32(0.3) * noise), ("independent", noise)):
            write(paths[1], b)
            seconds, processor, answer = published(a, b)
            print(f"{name:12} published {seconds:9.4f} s, {processor:9.4f} processor s; {answer}")
            for kind, options in (("quick", ["--quick"]), ("full", [])):
                (own, wall, used), log10_p = assay(program, *paths, *options)
                print(f"{name:12} {kind:9} {own:9.4f} s, {used:9.4f} processor s; log10 p "
                      f"{log10_p:.1f}; published / this: {seconds / own:.0f} "
                      f"({seconds / wall:.0f} with process start, {processor / used:.0f} by "
                      f"processor time)")



main()
