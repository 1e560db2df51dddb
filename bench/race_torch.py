#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Races the lab's training against PyTorch: the same shapes, one model a core, one thread a model.

    python3 -m venv race && race/bin/pip install torch numpy
    race/bin/python bench/race_torch.py build-bench/bench/bench_lab

Times are processor seconds of the training thread, so that what else the machine does is not
counted; both sides take the best of six steps after one that warms up. The machine's own product
is PyTorch's float32 matmul at the shapes of a step, in the same run. OPENBLAS_CORETYPE, which
would hold back NumPy's OpenBLAS, is unset.
"""
import json
import multiprocessing
import os
import subprocess
import sys
import time

for name in [n for n in os.environ if n.startswith("OPENBLAS")]:
    del os.environ[name]
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

SHAPES = [("C 256, 4 layers, V 4096", 4096, 256, 4, 4, 688),
          ("C 128, 4 layers, V 4096", 4096, 128, 4, 4, 344),
          ("C 64, 2 layers, V 128", 128, 64, 2, 4, 128)]
ROWS, LENGTH, STEPS = 8, 256, 6


def build(vocabulary, width, layers, heads, hidden):
    import torch
    from torch import nn
    from torch.nn import functional as f

    half = width // heads // 2
    angle = torch.outer(torch.arange(LENGTH, dtype=torch.float32),
                        10000.0 ** (-torch.arange(half, dtype=torch.float32) / half))
    cosine, sine = angle.cos()[:, None, :], angle.sin()[:, None, :]

    def turn(x):
        a, b = x[..., :half], x[..., half:]
        return torch.cat((a * cosine - b * sine, b * cosine + a * sine), -1)

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.RMSNorm(width, 1e-5), nn.RMSNorm(width, 1e-5)
            self.qkv = nn.Linear(width, 3 * width, bias=False)
            self.o = nn.Linear(width, width, bias=False)
            self.gate_up = nn.Linear(width, 2 * hidden, bias=False)
            self.down = nn.Linear(hidden, width, bias=False)

        def forward(self, x):
            q, k, v = self.qkv(self.norm1(x)).view(ROWS, LENGTH, 3, heads, -1).unbind(2)
            q, k, v = turn(q).transpose(1, 2), turn(k).transpose(1, 2), v.transpose(1, 2)
            mixed = f.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.o(mixed.transpose(1, 2).reshape(ROWS, LENGTH, width))
            gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
            return x + self.down(f.silu(gate) * up)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(vocabulary, width)
            nn.init.normal_(self.embedding.weight, std=width ** -0.5)
            self.layers = nn.ModuleList(Layer() for _ in range(layers))
            self.norm = nn.RMSNorm(width, 1e-5)

        def forward(self, tokens, targets):
            x = self.embedding(tokens)
            for layer in self.layers:
                x = layer(x)
            logits = f.linear(self.norm(x), self.embedding.weight)
            return f.cross_entropy(logits.view(-1, vocabulary), targets.reshape(-1))

    return Model()


def train(job):
    """Tokens a processor second of one model on one thread."""
    shape, precision = job
    import torch
    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = build(*shape)
    optimizer = torch.optim.AdamW(model.parameters(), 0.001, (0.9, 0.95), fused=True)
    best = 0
    for step in range(STEPS + 1):
        tokens = torch.randint(shape[0], (ROWS, LENGTH + 1))
        start = time.thread_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision != "f32"):
            loss = model(tokens[:, :-1], tokens[:, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        rate = ROWS * LENGTH / (time.thread_time() - start)
        best = rate if step and rate > best else best
    return best


def products(shape):
    """FLOP/s of float32 products at a step's shapes, forward and both ways back: NumPy, torch."""
    import numpy
    import torch
    torch.set_num_threads(1)
    vocabulary, width, layers, _, hidden = shape
    n, rates = ROWS * LENGTH, []
    matrices = [(3 * width, width)] * layers + [(width, width)] * layers
    matrices += [(2 * hidden, width)] * layers + [(width, hidden)] * layers + [(vocabulary, width)]
    for library in (numpy, torch):
        work = spent = 0
        for out, inside in sorted(set(matrices)):
            x, w, y = (numpy.random.rand(*s).astype("float32")
                       for s in ((n, inside), (out, inside), (n, out)))
            if library is torch:
                x, w, y = map(torch.from_numpy, (x, w, y))
            for once in (lambda: x @ w.T, lambda: y @ w, lambda: y.T @ x):
                best = 1e9
                for _ in range(6):
                    start = time.thread_time()
                    once()
                    best = min(best, time.thread_time() - start)
                times = matrices.count((out, inside))
                work, spent = work + times * 2 * n * out * inside, spent + times * best
        rates.append(work / spent)
    return rates


def main():
    cores = os.cpu_count()
    text = subprocess.run([sys.argv[1], "--json"], check=True, capture_output=True, text=True).stdout
    ours = {(r["name"], r["precision"]): r for r in map(json.loads, text.splitlines())}
    import torch
    print(f"PyTorch {torch.__version__}; {cores} models of one thread on {cores} cores. Tokens a second, "
          "and\nGFLOP/s beside those of float32 products alone.\n")
    print("model                     products  assay  torch  ratio     GFLOP/s: assay   NumPy"
          "   torch  share of the best")
    context = multiprocessing.get_context("spawn")
    for name, *shape in SHAPES:
        with context.Pool(cores) as pool:
            rates = [sum(r) for r in zip(*pool.map(products, [shape] * cores))]
            for precision in ("f32", "bf16", "amx"):
                mine = ours.get((name, precision))
                if not mine:
                    continue
                its = sum(pool.map(train, [(shape, precision)] * cores))
                print(f"{name:26}{precision:8}{mine['tokens_per_second']:7.0f}{its:7.0f}"
                      f"{mine['tokens_per_second'] / its:7.2f}{mine['flops'] * 1e-9:19.0f}"
                      f"{rates[0] * 1e-9:8.0f}{rates[1] * 1e-9:8.0f}"
                      f"{100 * mine['flops'] / max(rates):17.0f} %", flush=True)


if __name__ == "__main__":
    main()
