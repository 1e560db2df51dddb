#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks data/training_runs.csv by the arithmetic of its sources; standard library only.

    python3 python/check_training_runs.py [FILE.csv] [--all]

Prints one line a finding: id, group, check, what was found. Rows whose `dropped` column is filled in are left out unless --all
is given. Then prints, group by group, which convention of floating-point operations the printed TFLOP/s follow. Exit status 1
if a row that is to be scored contradicts itself, else 0. docs/training_runs.md tells what came of each finding.
"""
import collections
import csv
import statistics
import sys

# Checks whose findings are contradictions; the others are remarks (uneven pipeline stages exist).
CONTRADICTIONS = {"layout", "batch", "tokens", "peak", "duplicate"}

# Dense 16-bit, 8-bit and 4-bit peaks in TFLOP/s, to see that no row beats its device (data/accelerators.csv).
PEAKS = {"V100": (125, 0, 0), "A100": (312, 0, 0), "A800": (312, 0, 0), "H100": (989, 1979, 0), "H800": (989, 1979, 0),
         "H200": (989, 1979, 0), "GB200": (2500, 5000, 10000), "GB300": (2500, 5000, 15000), "B200": (2250, 4500, 9000),
         "B300": (2250, 4500, 12600), "TPU-v4": (275, 0, 0), "TPU-v5e": (197, 0, 0), "TPU-v5p": (459, 0, 0),
         "TPU-v6e": (918, 918, 0)}
GATED = ("llama", "Llama", "InternLM", "Qwen", "DeepSeek", "Kimi", "GPT-OSS", "Mixtral", "GLM")


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def number(row, column):
    try:
        return float(row.get(column) or "nan") if row.get(column) else None
    except ValueError:
        return None


def numbers(row, *columns):
    """The values of `columns`, or None if one is absent."""
    values = [number(row, column) for column in columns]
    return None if None in values else values


def is_gated(row):
    scaled = row["model"].startswith("MaxText-") and "global_parameter_scale" in row["notes"]
    return row["attn"] == "GQA" or scaled or any(name in row["model"] for name in GATED)


def weights(row):
    """Weights of the layers and of the embedding, from the columns; None if they do not tell."""
    shape = numbers(row, "layers", "hidden", "heads", "ffn")
    if not shape or row["experts"] or row["attn"] == "MLA":
        return None
    layers, hidden, heads, ffn = shape
    kv_heads = number(row, "kv_heads") or heads
    width = heads * (number(row, "head_dim") or hidden / heads)
    attention = 2 * hidden * width + 2 * hidden * width * kv_heads / heads
    body = layers * (attention + (3 if is_gated(row) else 2) * hidden * ffn)
    return body, (number(row, "vocab") or 0) * hidden


def tokens_per_second(row):
    stated = number(row, "tok_s_accel")
    if stated:
        return stated
    parts = numbers(row, "gbs", "seq", "step_s", "n_accel")
    return parts and parts[0] * parts[1] / parts[2] / parts[3]


def check_layout(row):
    sizes = numbers(row, "n_accel", "tp", "pp", "dp")
    if sizes:
        context = number(row, "cp") or 1
        product = sizes[1] * sizes[2] * sizes[3] * context
        if product != sizes[0]:
            yield "layout", f"tp x pp x dp x cp = {product:g}, devices {sizes[0]:g}"
    elif numbers(row, "n_accel", "tp", "pp") and number(row, "n_accel") % (number(row, "tp") * number(row, "pp")):
        yield "layout", "tp x pp does not divide the devices"
    batch = numbers(row, "gbs", "mbs", "dp")
    if batch and batch[0] % (batch[1] * batch[2]):
        yield "batch", f"global batch {batch[0]:g} is no multiple of {batch[1]:g} x {batch[2]:g}"
    stages = numbers(row, "layers", "pp")
    if stages and stages[0] % (stages[1] * (number(row, "vp") or 1)):
        yield "stages", f"{stages[0]:g} layers over {stages[1]:g} x {number(row, 'vp') or 1:g} stages: uneven"
    heads = numbers(row, "heads", "tp")
    if heads and heads[0] % heads[1]:
        yield "layout", f"{heads[0]:g} heads over tp {heads[1]:g}"


def check_rates(row):
    parts = numbers(row, "step_s", "n_accel", "tok_s_accel", "gbs", "seq")
    if parts:
        ratio = parts[0] * parts[1] * parts[2] / (parts[3] * parts[4])
        if abs(ratio - 1) > 0.05:
            yield "steps", f"step x devices x tokens/s over gbs x seq = {ratio:.3f}"
    hours = numbers(row, "gpu_hours", "tokens_B", "tok_s_accel")
    if hours:
        ratio = hours[1] * 1e9 / (hours[0] * 3600) / hours[2]
        if abs(ratio - 1) > 0.05:
            yield "tokens", f"tokens over hours is {ratio:.3f} of the printed tokens/s"


def check_peak(row):
    name = next((n for n in sorted(PEAKS, key=len, reverse=True) if row["accel"].replace("NVIDIA ", "").startswith(n)), None)
    rate = tokens_per_second(row)
    if not name:
        return
    peak = PEAKS[name][2] if row["precision"] == "NVFP4" else PEAKS[name][1] if "FP8" in row["precision"] else PEAKS[name][0]
    active = number(row, "active_B")
    achieved = rate * 6 * active / 1000 if rate and active else None
    for what, value in (("6N x tokens/s", achieved), ("printed", number(row, "tflops_per_accel"))):
        if value and peak and value > peak:
            yield "peak", f"{what} {value:.0f} TFLOP/s is above the device's {peak}"
    pair = numbers(row, "tflops_per_accel", "mfu_pct")
    if pair and peak and not 0.97 < pair[0] / peak * 100 / pair[1] < 1.03 and not number(row, "hfu_pct"):
        yield "mfu", f"{pair[0]:g} TFLOP/s of {peak} is {pair[0] / peak * 100:.1f} %, printed {pair[1]:g} %"


def check_parameters(row):
    counted, stated = weights(row), number(row, "params_B")
    if counted and stated:
        tied = (counted[0] + counted[1]) / 1e9 / stated
        untied = (counted[0] + 2 * counted[1]) / 1e9 / stated
        body = counted[0] / 1e9 / stated
        if min(abs(body - 1), abs(tied - 1), abs(untied - 1)) > 0.1:
            yield "parameters", f"columns count {body:.3f} (layers) to {untied:.3f} of the stated {stated:g} billion"


def find_duplicates(rows):
    """Rows of one source that agree in every figure and in the layout."""
    ignored = {"id", "notes", "source", "arch_source", "peak_mem_GB", "model", "software", "dropped"}
    seen = {}
    for row in rows:
        key = tuple(value for column, value in row.items() if column not in ignored)
        if key in seen:
            yield row, "duplicate", f"repeats {seen[key]}"
        else:
            seen[key] = row["id"]


def find_uneven_sweeps(rows):
    """Within a layout only the number of micro-batches changes, so step time must grow with it, by about as much."""
    sweeps = collections.defaultdict(list)
    for row in rows:
        parts = numbers(row, "gbs", "dp", "mbs", "step_s")
        if parts:
            key = tuple(row[c] for c in ("group", "source", "layers", "hidden", "heads", "precision", "accel", "n_accel", "tp",
                                         "pp", "vp", "ep", "cp", "mbs", "seq", "recompute", "zero"))
            day = row["notes"][-40:] if row["group"] == "bloom_a100_sweep" else ""
            sweeps[key + (day,)].append((parts[0] / parts[1] / parts[2], parts[3], row))
    affine = {}
    for points in sweeps.values():
        points.sort(key=lambda point: point[0])
        for few, many in zip(points, points[1:]):
            if many[0] > few[0] and many[1] <= few[1] * 1.02:
                yield many[2], "sweep", f"as fast as {few[2]['id']} with {many[0] / few[0]:.2f} times the micro-batches"
        if len(points) >= 3 and points[-1][0] > points[0][0]:
            slope = (points[-1][1] - points[0][1]) / (points[-1][0] - points[0][0])
            worst = max(abs(y - points[0][1] - slope * (x - points[0][0])) / y for x, y, _ in points)
            affine.setdefault(points[0][2]["group"], []).append((worst, len(points)))
    for group, sweeps_of_group in affine.items():
        worst = max(sweep[0] for sweep in sweeps_of_group)
        if worst < 1e-4:
            count = sum(sweep[1] for sweep in sweeps_of_group)
            yield {"id": "-", "group": group}, "affine", (
                f"{count} step times in {len(sweeps_of_group)} layouts lie on lines in the micro-batches within {worst:.0e}: "
                "not independent measurements")


def conventions(rows):
    """Ratio of printed TFLOP/s to each way of counting, by group and kind of row: median and spread."""
    ratios = collections.defaultdict(lambda: collections.defaultdict(list))
    for row in rows:
        printed, rate = number(row, "tflops_per_accel"), tokens_per_second(row)
        shape = numbers(row, "layers", "hidden")
        if not (printed and rate and shape and number(row, "seq")):
            continue
        counted = weights(row)
        if counted is None:
            if not number(row, "active_B"):
                continue
            counted = (number(row, "active_B") * 1e9, 0.0)
        width = shape[1]
        if number(row, "heads") and number(row, "head_dim"):
            width = number(row, "heads") * number(row, "head_dim")
        square = shape[0] * width * number(row, "seq")
        body, embedding = counted
        ways = {"6N": 6 * (body + embedding), "6N+causal": 6 * (body + embedding) + 6 * square,
                "6N+full": 6 * (body + embedding) + 12 * square, "8N+full": 8 * body + 6 * embedding + 16 * square}
        kind = (row["group"], "moe" if row["experts"] else "dense", "recompute " + (row["recompute"] or "not stated"))
        for way, operations in ways.items():
            ratios[kind][way].append(printed * 1e12 / rate / operations)
    for kind, ways in ratios.items():
        best = min(ways, key=lambda way: abs(statistics.median(ways[way]) - 1))
        values = ways[best]
        yield f"{' / '.join(kind):58} {len(values):4} rows  {best:10} {min(values):.3f} {statistics.median(values):.3f} {max(values):.3f}"


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--all"]
    rows = read(arguments[0] if arguments else "data/training_runs.csv")
    if "--all" not in sys.argv:
        rows = [row for row in rows if not row.get("dropped")]
    findings = []
    for row in rows:
        for check in (check_layout, check_rates, check_peak, check_parameters):
            findings += [(row, name, text) for name, text in check(row)]
    findings += list(find_duplicates(rows)) + list(find_uneven_sweeps(rows))
    for row, name, text in findings:
        print(f"{row['id']:7} {row['group']:22} {name:11} {text}")
    print("\nconvention of the printed TFLOP/s: ratio to the nearest way of counting (least, median, most)")
    for line in conventions(rows):
        print(line)
    contradictions = sum(name in CONTRADICTIONS for _, name, _ in findings)
    print(f"\n{len(rows)} rows, {len(findings)} findings, {contradictions} contradictions")
    return 1 if contradictions else 0


if __name__ == "__main__":
    sys.exit(main())
