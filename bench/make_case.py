# SPDX-License-Identifier: Apache-2.0
"""Writes a case of many exhibits and hypotheses, for the bench and the page's tests.

usage: make_case.py DIR [EXHIBITS [HYPOTHESES]]    (10000 and 100 unless stated)

One question; every exhibit is a statement of one of EXHIBITS / 20 sources, which come in topics of
four, and a finding rests on it that tells a few hypotheses from the others. One finding in ten
rests on a second exhibit of its topic, one exhibit in fifty repeats another, and a hundred groups
of five are declared dependent. The same arguments give the same bytes."""
import os
import random
import sys


def write(folder, exhibits, hypotheses):
    rng = random.Random(1)
    topic = lambda i: i // 80
    source = lambda i: 4 * topic(i) + rng.randrange(4)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "case.yaml"), "w") as file:
        put = lambda line: file.write(line + "\n")
        put(f"title: A made-up case of {exhibits} exhibits and {hypotheses} hypotheses")
        put("exhibits:")
        for i in range(exhibits):
            repeats = f", repeats: E{i - 1}" if i and i % 50 == 0 else ""
            put(f"  - {{id: E{i}, statement: Statement {i}, said_by: Source {source(i)}, "
                f"source: Paper {i}, date: 2026-01, grade: {rng.choice('ABCD')}{rng.randint(1, 4)}"
                f"{repeats}}}")
        put("questions:")
        put("  - id: which\n    text: Which of them?\n    kind: other\n    stated: H0")
        put("    hypotheses:")
        for h in range(hypotheses - 1):
            put(f"      - {{id: H{h}}}")
        put("      - {id: none, none_of_these: true}")
        put("    findings:")
        for i in range(exhibits):
            other = min(exhibits - 1, 80 * topic(i) + rng.randrange(80))
            also = f", E{other}" if i % 10 == 0 and other != i else ""
            named = sorted({rng.randrange(hypotheses - 1) for _ in range(5)})
            likelihoods = []
            for h in named:
                p = rng.uniform(0.05, 0.6)
                likelihoods.append(f"H{h}: {p:.3f} ({p * 0.7:.3f} to {min(1, p * 1.4):.3f})")
            put(f"      - id: F{i}\n        text: Observation {i}\n        because: Made up\n"
                f"        exhibits: [E{i}{also}]\n"
                f"        likelihoods: {{{', '.join(likelihoods)}, others: 0.2 (0.1 to 0.3)}}")
        groups = min(100, exhibits // 50)
        if groups:
            put("    dependence:")
        for g in range(groups):
            members = ", ".join(f"F{g * 50 + 11 + i}" for i in range(5))
            put(f"      - {{id: G{g}, findings: [{members}], because: Made up, correlation: 0.5, "
                f"informative: 80 %}}")


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    write(sys.argv[1], *(int(a) for a in (sys.argv[2:] + ["10000", "100"][len(sys.argv) - 2:])))
