#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plans a second: Assay's search beside Calculon's, one core each, in one run.

Usage: race_calculon.py CALCULON_CHECKOUT BENCH_SEARCH [SECONDS]
CALCULON_CHECKOUT is a clone of github.com/calculon-ai/calculon (needs its psutil), BENCH_SEARCH
the program build-bench/bench/bench_search. Calculon's own search function is called on plans of
Turing-NLG 530B on 280 A100s, spread over its space, until SECONDS (20) have passed. The two spaces
are not the same (Calculon's has offloading and overlap options, Assay's has context and expert
parallelism, ZeRO stages and schedules); what is compared is the rate at which plans are timed.
"""
import os
import random
import subprocess
import sys
import time


def calculon_rate(checkout, seconds):
    sys.path.insert(0, checkout)
    import calculon  # noqa: F401
    from calculon.llm import Llm, System
    from calculon.llm.optimal_execution import OptimalExecution
    from calculon.util import pick

    def read(*path):
        return calculon.io.read_json_file(os.path.join(checkout, *path))

    app = Llm.Application(read("models", "turing-530B.json"))
    system = System(read("systems", "a100_80g.json"))
    devices, batch, datatype = 280, 280, "float16"
    jobs = []
    for tp in Llm.get_all_tensor_parallelisms(devices, app.hidden, app.attn_heads):
        for pp in Llm.get_all_pipeline_parallelisms(devices, tp, app.num_blocks):
            dp = Llm.get_data_parallelism(devices, tp, pp)
            for chunks in Llm.get_valid_pipeline_interleavings(app.num_blocks, pp):
                size = OptimalExecution.get_batch_size(dp, batch)
                if size is None:
                    continue
                for recompute in ["full", "attn_only", "none"]:
                    for sharding in pick(dp > 1, [True, False], [False]):
                        for exchange in ["ar", "p2p_rs_ag", "rs_ag"]:
                            jobs.append((False, 1, False, devices, batch, datatype, app, system,
                                         tp, pp, dp, chunks, size, recompute, sharding, exchange,
                                         [True], False, True, True))
    random.Random(1).shuffle(jobs)
    plans, start = 0, time.perf_counter()
    for job in jobs:
        plans += OptimalExecution.search(*job)[1]
        if time.perf_counter() - start > seconds:
            break
    return plans, plans / (time.perf_counter() - start)


def assay_rate(program):
    table = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    for line in table.splitlines():
        if line.startswith("Turing-NLG 530B") and line.split()[-4] == "1":
            return table, float(line.split()[-1])
    sys.exit("race_calculon.py: no line for Turing-NLG 530B on one thread in:\n" + table)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    plans, theirs = calculon_rate(sys.argv[1], float(sys.argv[3]) if len(sys.argv) > 3 else 20)
    table, ours = assay_rate(sys.argv[2])
    print(table)
    print(f"Calculon, one core: {theirs:.0f} plans/s ({plans} plans timed)")
    print(f"Assay,    one core: {ours:.0f} plans/s")
    print(f"ratio: {ours / theirs:.0f}")


if __name__ == "__main__":
    main()
