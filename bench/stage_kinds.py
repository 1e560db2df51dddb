#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How the pairs of data/stage_pairs.csv are named by norms' gains (docs/stages.md): each group's by
a ratio that the other groups made. In: the table. Out: how many of each kind of pair are called
shared training, a seed alone, or neither."""
import collections
import csv
import math
import os
import statistics

SPEAKS = 0.5  # as in src/lineage/training.c
HERE = os.path.dirname(os.path.abspath(__file__))


def stretched(value):
    return math.atanh(max(-0.99999, min(0.99999, value)))


def log10_ratio(value, together, seed, groups):
    z, cap = min(value, max(together)), math.log10(groups + 1)
    x, y = z - statistics.mean(together), z - statistics.mean(seed)
    spread = statistics.variance(together) + statistics.variance(seed)
    return max(-cap, min(cap, (y * y - x * x) / spread / math.log(10)))


with open(os.path.join(HERE, "..", "data", "stage_pairs.csv"), encoding="utf-8") as file:
    rows = [(r["group"], r["pair"], stretched(float(r["gains"])))
            for r in csv.DictReader(line for line in file if not line.startswith("#"))]
groups = {group for group, _, _ in rows}
named = collections.defaultdict(lambda: [0, 0, 0])
for group, pair, value in rows:
    together = [g for other, p, g in rows if other != group and
                p in ("base tuned", "tuned tuned2", "tuned2 further")]
    seed = [g for other, p, g in rows if other != group and p == "base twin"]
    ratio = log10_ratio(value, together, seed, len(groups) - 1)
    named[pair][0 if ratio >= SPEAKS else 1 if ratio <= -SPEAKS else 2] += 1
print(f"{'pair':<20}shared training  seed alone  left open")
for pair, (first, second, third) in named.items():
    if pair != "base stranger":  # found unrelated before
        print(f"{pair:<20}{first:>15}{second:>12}{third:>11}")
