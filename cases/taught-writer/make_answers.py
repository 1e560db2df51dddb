#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the answers that this case weighs: python3 make_answers.py, in this folder.

Twenty-four writers of invented words, each with its own rates, answer 32 prompts; `suspect` uses
three parts of `aster`'s rates to one of its own. So the truth is known, and nobody's texts are
shipped."""
import gzip
import json
import os
import random

SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
WORDS = [a + b for a in SYLLABLES[:20] for b in SYLLABLES[20:35]]
NAMES = ("aster birch cedar daisy elder fern gorse hazel iris juniper kale larch maple nettle oak "
         "pine quince rowan sage thyme umber vetch willow yarrow").split()


def rates(name):
    source = random.Random(name)
    return [source.lognormvariate(0, 0.7) / (i + 3) for i in range(len(WORDS))]


def write(path, name, weights):
    source = random.Random(name + " speaks")
    lines = [json.dumps({"prompt": f"prompt {i}", "response": " ".join(
        source.choices(WORDS, weights, k=90)) + ".", "model": name}) for i in range(32)]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        file.write(("\n".join(lines) + "\n").encode())


for number, name in enumerate(NAMES):
    write(f"answers/{'candidates' if number < 4 else 'panel'}/{name}.jsonl.gz", name, rates(name))
write("answers/suspect.jsonl.gz", "suspect",
      [0.75 * a + 0.25 * b for a, b in zip(rates("aster"), rates("suspect"))])
