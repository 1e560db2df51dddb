# SPDX-License-Identifier: Apache-2.0
"""Makes a case of 10,000 exhibits and 100 hypotheses and times it: bench_case.py PROGRAM DATA."""
import subprocess
import sys
import tempfile

import make_case

with tempfile.TemporaryDirectory() as folder:
    make_case.write(folder, 10000, 100)
    sys.exit(subprocess.run([sys.argv[1], folder, sys.argv[2]]).returncode)
