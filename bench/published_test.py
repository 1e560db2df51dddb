# SPDX-License-Identifier: Apache-2.0
"""The published test, timed with NumPy and SciPy, for the race that docs/lineage.md reports.

Independence Tests for Language Models (Zhu, Ahmed, Kuditipudi, Liang, ICML 2025), statistic phi_U
on one layer: cosine of all pairs of rows, assignment, Spearman's correlation with the identity.
Run: python3 bench/published_test.py [ROWS COLUMNS], by default 11008 4096, a 7B Llama's layer.
"""
import sys
import time

import numpy
from scipy.optimize import linear_sum_assignment
from scipy.stats import spearmanr

rows, columns = (int(x) for x in sys.argv[1:3]) if len(sys.argv) > 2 else (11008, 4096)
random = numpy.random.default_rng(1)
a = random.standard_normal((rows, columns), dtype=numpy.float32)
b = a + 0.3 * random.standard_normal((rows, columns), dtype=numpy.float32)
start = time.time()
a /= numpy.linalg.norm(a, axis=1, keepdims=True)
b /= numpy.linalg.norm(b, axis=1, keepdims=True)
similarity = a @ b.T
_, matched = linear_sum_assignment(-similarity)
rho, p = spearmanr(matched, numpy.arange(rows))
print(f"{rows} x {columns}: {time.time() - start:.2f} s, rho {rho:.3f}, p {p:.3g}")
