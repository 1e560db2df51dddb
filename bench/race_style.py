#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every channel of likeness over every pair of models: Assay beside NumPy, SciPy and scikit-learn,
in one run.

Usage: race_style.py ASSAY FOLDER
ASSAY is build/assay, FOLDER holds AlpacaEval answers (.json.zst). Python computes what
`assay style tree FOLDER --replicates 0` computes before it joins neighbours: words, rare runs of
four and openings on the same prompt as weighted cosines, rates of the 500 most frequent words,
lengths; one process, as a researcher would write it. Needs numpy, scipy, scikit-learn, zstandard.
"""
import collections
import io
import json
import math
import os
import re
import subprocess
import sys
import time

import numpy as np
import zstandard
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

WORD = re.compile(r"[a-z0-9']+")
TOKEN = re.compile(r"[a-z0-9']+|[^\sa-z0-9']|\n")


def read(folder):
    models = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".json.zst"):
            with open(os.path.join(folder, name), "rb") as file:
                text = zstandard.ZstdDecompressor().stream_reader(file)
                models.append({a["instruction"]: a["output"].lower()
                               for a in json.load(io.TextIOWrapper(text, encoding="utf-8"))})
    return models


def cosines(texts, low, most_share):
    """Mean over nothing: one prompt's models x models cosines of weighted counts."""
    try:
        counts = CountVectorizer(token_pattern=WORD.pattern, ngram_range=(low, low)).fit_transform(texts)
    except ValueError:  # no runs that long
        return np.zeros((len(texts), len(texts)))
    has = np.asarray((counts > 0).sum(axis=0)).ravel()
    weight = np.where(has <= most_share * len(texts), np.log(len(texts) / has), 0.0)
    counts = counts.astype(float)
    counts.data = (1 + np.log(counts.data)) * weight[counts.indices]
    rows = normalize(counts)
    return (rows @ rows.T).toarray()


def python_seconds(folder):
    start = time.perf_counter()
    models = read(folder)
    prompts = sorted(set().union(*models))
    size = (len(models), len(models))
    sums = [np.zeros(size) for _ in range(4)]
    for prompt in prompts:
        texts = [m.get(prompt, "") for m in models]
        openings = [" ".join(WORD.findall(t[:400])[:12]) for t in texts]
        sums[0] += cosines(texts, 1, 1)
        sums[1] += cosines(texts, 4, 0.25)
        sums[2] += cosines(openings, 3, 1)
        lengths = np.array([math.log(max(1, len(TOKEN.findall(t)))) for t in texts])
        sums[3] += np.abs(lengths[:, None] - lengths[None, :])
    counts = [collections.Counter(t for a in m.values() for t in TOKEN.findall(a)) for m in models]
    mean = collections.Counter()
    for c in counts:
        total = sum(c.values())
        for token, n in c.items():
            mean[token] += n / total
    frequent = [t for t, _ in mean.most_common(500)]
    rates = np.array([[c[t] / sum(c.values()) for t in frequent] for c in counts])
    rates = normalize((rates - rates.mean(0)) / rates.std(0))
    sums.append(rates @ rates.T)
    return time.perf_counter() - start, len(models), len(prompts)


def main():
    assay, folder = sys.argv[1:3]
    start = time.perf_counter()
    subprocess.run([assay, "style", "tree", folder, "--replicates", "0", "--quiet"], check=True,
                   stdout=subprocess.DEVNULL)
    ours = time.perf_counter() - start
    theirs, models, prompts = python_seconds(folder)
    print(f"{models} models, {prompts} prompts, every channel, every pair, reading included")
    print(f"assay {ours:.2f} s   NumPy, SciPy, scikit-learn {theirs:.1f} s   ratio {theirs / ours:.0f}")


if __name__ == "__main__":
    main()
