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


def density(kind, z):
    spread = statistics.stdev(kind)
    return math.exp(-0.5 * ((z - statistics.mean(kind)) / spread) ** 2) / spread


def log10_ratio(value, soon, late, seed, groups):
    """As in src/lineage/stage_table.c: tuned soon after, or for four times as long."""
    z, cap = min(max(value, min(seed)), max(soon)), math.log10(groups + 1)
    shared = (len(soon) * density(soon, z) + len(late) * density(late, z)) / (len(soon) + len(late))
    return max(-cap, min(cap, math.log10(shared / density(seed, z))))


def cost(shared, seed):
    """Of the ratios, in bits (Cllr)."""
    return (statistics.mean(math.log2(1 + 10 ** -x) for x in shared) +
            statistics.mean(math.log2(1 + 10 ** x) for x in seed)) / 2


with open(os.path.join(HERE, "..", "data", "stage_pairs.csv"), encoding="utf-8") as file:
    rows = [(r["group"], r["pair"], stretched(float(r["gains"])))
            for r in csv.DictReader(line for line in file if not line.startswith("#"))]
groups = {group for group, _, _ in rows}
named = collections.defaultdict(lambda: [0, 0, 0])
ratios = collections.defaultdict(list)
for group, pair, value in rows:
    together = [g for other, p, g in rows if other != group and
                p in ("base tuned", "tuned tuned2", "tuned2 further")]
    late = [g for other, p, g in rows if other != group and p == "base long"]
    seed = [g for other, p, g in rows if other != group and p == "base twin"]
    ratio = log10_ratio(value, together, late, seed, len(groups) - 1)
    ratios[pair].append(ratio)
    named[pair][0 if ratio >= SPEAKS else 1 if ratio <= -SPEAKS else 2] += 1
print(f"{'pair':<20}shared training  seed alone  left open")
for pair, (first, second, third) in named.items():
    if pair != "base stranger":  # found unrelated before
        print(f"{pair:<20}{first:>15}{second:>12}{third:>11}")
soon = [r for pair in ("base tuned", "tuned tuned2", "tuned2 further") for r in ratios[pair]]
print(f"bits that the ratios cost against one seed and other data: tuned soon {cost(soon, ratios['base twin']):.2f}, "
      f"tuned long {cost(ratios['base long'], ratios['base twin']):.2f}")
