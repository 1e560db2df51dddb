#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A Llama's forward pass, or Mixtral's, and its slopes, in Python's own floats and nothing else:
what the lab's transformer is compared with.

As a program it prints the table tests/data/lab_slopes.tsv: for small models whose weights follow a
formula, the loss, and for each tensor the slope of the loss along a direction that follows a
formula, by central differences in double precision (right to about 1e-9)."""
import array
import json
import math
import sys


def read_safetensors(path):
    """name -> (shape, values) of a file of float32."""
    with open(path, "rb") as file:
        raw = file.read()
    size = int.from_bytes(raw[:8], "little")
    tensors = {}
    for name, entry in json.loads(raw[8:8 + size]).items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            assert entry["dtype"] == "F32", entry
            tensors[name] = (entry["shape"],
                             array.array("f", raw[8 + size + first:8 + size + last]).tolist())
    return tensors


def matrix(tensors, name, x):
    """x (rows of inputs) by the transpose of an outputs x inputs matrix."""
    (outputs, inputs), values = tensors[name]
    rows = [values[o * inputs:(o + 1) * inputs] for o in range(outputs)]
    return [[sum(a * b for a, b in zip(v, row)) for row in rows] for v in x]


def norm(tensors, name, x, epsilon):
    gains = tensors[name][1]
    scales = [1 / math.sqrt(sum(a * a for a in v) / len(v) + epsilon) for v in x]
    return [[a * s * g for a, g in zip(v, gains)] for v, s in zip(x, scales)]


def turned(head, place, base):
    half = len(head) // 2
    out = list(head)
    for i in range(half):
        angle = place * base ** (-i / half)
        a, b = head[i], head[i + half]
        out[i] = a * math.cos(angle) - b * math.sin(angle)
        out[i + half] = b * math.cos(angle) + a * math.sin(angle)
    return out


def softmax(x):
    most = max(x)
    e = [math.exp(a - most) for a in x]
    return [a / sum(e) for a in e]


def attention(config, q, k, v):
    heads, groups = config["num_attention_heads"], config["num_key_value_heads"]
    size, mixed = len(q[0]) // heads, []
    for place in range(len(q)):
        row = []
        for h in range(heads):
            at, of = h * size, h * groups // heads * size
            query = turned(q[place][at:at + size], place, config["rope_theta"])
            p = softmax([sum(a * b for a, b in zip(
                query, turned(k[s][of:of + size], s, config["rope_theta"]))) / math.sqrt(size)
                for s in range(place + 1)])
            row += [sum(p[s] * v[s][of + i] for s in range(place + 1)) for i in range(size)]
        mixed.append(row)
    return mixed


def plus(x, y):
    return [[a + b for a, b in zip(u, w)] for u, w in zip(x, y)]


def swiglu(tensors, gate, up, down, h):
    pairs = zip(matrix(tensors, gate, h), matrix(tensors, up, h))
    return matrix(tensors, down, [[g / (1 + math.exp(-g)) * u for g, u in zip(*p)] for p in pairs])


def mixture(config, tensors, at, h):
    """What the experts of a layer say, and their balance: experts x sum of f x P."""
    experts, chosen = config["num_local_experts"], config["num_experts_per_tok"]
    out, f, mean = [], [0.0] * experts, [0.0] * experts
    for v, z in zip(h, matrix(tensors, at + "gate.weight", h)):
        p = softmax(z)
        best = sorted(range(experts), key=lambda e: -p[e])[:chosen]
        total, row = sum(p[e] for e in best), [0.0] * len(v)
        for e in best:
            w = [f"{at}experts.{e}.w{k}.weight" for k in (1, 3, 2)]
            row = [a + p[e] / total * b for a, b in zip(row, swiglu(tensors, *w, [v])[0])]
            f[e] += 1 / (chosen * len(h))
        mean = [a + b / len(h) for a, b in zip(mean, p)]
        out.append(row)
    return out, experts * sum(a * b for a, b in zip(f, mean))


def log_p(config, tensors, tokens, balances=None):
    """ln p of tokens[1:], each given those before it. A layer's balance is added to `balances`."""
    epsilon, width = config["rms_norm_eps"], config["hidden_size"]
    embedding = tensors["model.embed_tokens.weight"][1]
    x = [embedding[t * width:(t + 1) * width] for t in tokens[:-1]]
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        h = norm(tensors, at + "input_layernorm.weight", x, epsilon)
        q, k, v = (matrix(tensors, f"{at}self_attn.{n}_proj.weight", h) for n in "qkv")
        x = plus(x, matrix(tensors, at + "self_attn.o_proj.weight", attention(config, q, k, v)))
        h = norm(tensors, at + "post_attention_layernorm.weight", x, epsilon)
        if "num_local_experts" in config:
            said, balance = mixture(config, tensors, at + "block_sparse_moe.", h)
            if balances is not None:
                balances.append(balance)
        else:
            said = swiglu(tensors, *(f"{at}mlp.{n}_proj.weight" for n in ("gate", "up", "down")), h)
        x = plus(x, said)
    h = norm(tensors, "model.norm.weight", x, epsilon)
    head = "lm_head.weight" if "lm_head.weight" in tensors else "model.embed_tokens.weight"
    return [math.log(softmax(z)[t]) for z, t in zip(matrix(tensors, head, h), tokens[1:])]


# ---- the table ------------------------------------------------------------------------------

VOCABULARY, WIDTH, LAYERS, HEADS, GROUPS, HIDDEN = 13, 8, 2, 4, 2, 12
EXPERTS, CHOSEN, BALANCE = 4, 2, 0.3
TOKENS = [0, 5, 12, 3, 3, 7, 1, 9]


def names_and_shapes(tied, experts):
    size = WIDTH // HEADS
    yield "model.embed_tokens.weight", [VOCABULARY, WIDTH]
    for layer in range(LAYERS):
        at = f"model.layers.{layer}."
        yield at + "input_layernorm.weight", [WIDTH]
        for n, rows in (("q", WIDTH), ("k", GROUPS * size), ("v", GROUPS * size), ("o", WIDTH)):
            yield f"{at}self_attn.{n}_proj.weight", [rows, WIDTH]
        yield at + "post_attention_layernorm.weight", [WIDTH]
        if experts:
            yield at + "block_sparse_moe.gate.weight", [EXPERTS, WIDTH]
        for of in [f"block_sparse_moe.experts.{e}.w" for e in range(EXPERTS)] if experts else ["mlp."]:
            for n, k, shape in (("gate", 1, [HIDDEN, WIDTH]), ("up", 3, [HIDDEN, WIDTH]),
                                ("down", 2, [WIDTH, HIDDEN])):
                yield f"{at}{of}{k}.weight" if experts else f"{at}{of}{n}_proj.weight", shape
    yield "model.norm.weight", [WIDTH]
    if not tied:
        yield "lm_head.weight", [VOCABULARY, WIDTH]


def main():
    config = {"rms_norm_eps": 1e-5, "hidden_size": WIDTH, "num_hidden_layers": LAYERS,
              "num_attention_heads": HEADS, "num_key_value_heads": GROUPS, "rope_theta": 10000.0}
    print("# made by python/reference_llama.py; weight i of a model is 0.6 sin(1.7 i + 0.3), norms'"
          "\n# 1 more; a direction's element i is sin(0.9 i + 1); with experts the loss has 0.3 of their"
          "\n# balance, the mean over layers\nhead\ttensor\tvalue")
    for kind in ("free", "tied", "experts"):
        tensors, count = {}, 0
        if kind == "experts":
            config.update(num_local_experts=EXPERTS, num_experts_per_tok=CHOSEN)
        for name, shape in names_and_shapes(kind != "free", kind == "experts"):
            n = math.prod(shape)
            one = 1 if len(shape) == 1 else 0
            # as float32 holds them
            tensors[name] = (shape, array.array("f", [
                one + 0.6 * math.sin(1.7 * (count + i) + 0.3) for i in range(n)]).tolist())
            count += n

        def loss():
            balances = []
            mean = -sum(log_p(config, tensors, TOKENS, balances)) / (len(TOKENS) - 1)
            return mean + BALANCE * sum(balances) / LAYERS

        print(f"{kind}\tloss\t{loss():.12g}")
        for name, (shape, values) in tensors.items():
            kept, step, sides = list(values), 1e-5, []
            for sign in (1, -1):
                values[:] = [w + sign * step * math.sin(0.9 * i + 1) for i, w in enumerate(kept)]
                sides.append(loss())
            values[:] = kept
            print(f"{kind}\t{name}\t{(sides[0] - sides[1]) / (2 * step):.9g}")


if __name__ == "__main__":
    sys.exit(main())
