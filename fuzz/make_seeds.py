#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the small seeds of the fuzz targets of weights, fingerprints and vocabularies beside this file.

Each is a well-formed file that reaches one part of a reader: a type, a key, an opcode.
"""
import io
import json
import os
import struct
import zipfile

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "seeds")


def write(target, name, data):
    os.makedirs(os.path.join(HERE, target), exist_ok=True)
    with open(os.path.join(HERE, target, name), "wb") as file:
        file.write(data)


def safetensors(tensors, metadata=None):
    """tensors: name, dtype, shape, bytes."""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, dtype, shape, raw in tensors:
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


def every_dtype():
    widths = {"BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
              "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
              "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64,
              "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6}
    return safetensors([(d.lower(), d, [2, 2], bytes(range(w // 2))) for d, w in widths.items()],
                       {"format": "pt"})


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def gguf(keys, tensors, version=3):
    """keys: name, type, bytes; tensors: name, sizes (fastest first), type, bytes."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys))
    for name, kind, raw in keys:
        head += text(name) + struct.pack("<I", kind) + raw
    data = b""
    for name, sizes, kind, raw in tensors:
        head += text(name) + struct.pack("<I", len(sizes))
        head += b"".join(struct.pack("<Q", s) for s in sizes)
        head += struct.pack("<IQ", kind, len(data))
        data += raw + bytes(-len(raw) % 32)
    return head + bytes(-len(head) % 32) + data


def llama_gguf():
    keys = [("general.architecture", 8, text("llama")),
            ("general.alignment", 4, struct.pack("<I", 32)),
            ("llama.attention.head_count", 4, struct.pack("<I", 2)),
            ("llama.attention.head_count_kv", 4, struct.pack("<I", 1)),
            ("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 2) + text("a") + text("b")),
            ("tokenizer.ggml.scores", 9, struct.pack("<IQff", 6, 2, 0, -1))]
    f32 = b"".join(struct.pack("<f", i) for i in range(32))
    return gguf(keys, [("blk.0.attn_q.weight", [4, 8], 0, f32),
                       ("blk.0.attn_k.weight", [4, 4], 0, f32[:64]),
                       ("blk.0.ffn_up.weight", [32, 2], 8, bytes(68))])


def every_ggml_type():
    sizes = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24),
             8: (32, 34), 10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176),
             14: (256, 210), 20: (32, 18), 23: (256, 136), 24: (1, 1), 28: (1, 8), 30: (1, 2),
             39: (32, 17)}
    tensors = [("t%d" % k, [n, 1], k, bytes(range(256))[:b]) for k, (n, b) in sizes.items()]
    return gguf([], tensors + [("unread", [256], 19, b"")], version=2)


class Pickle:
    """Opcodes of protocol 2, as torch.save writes them."""

    def __init__(self):
        self.out = b"\x80\x02"

    def raw(self, data):
        self.out += data
        return self

    def text(self, value):
        return self.raw(b"X" + struct.pack("<I", len(value)) + value.encode())

    def name(self, module, word):
        return self.raw(b"c" + module.encode() + b"\n" + word.encode() + b"\n")


def storage(p, module, kind, count):
    p.raw(b"(").text("storage").name(module, kind).text("0").text("cpu")
    return p.raw(b"K" + bytes([count]) + b"tQ")


def pytorch(pickle, data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, raw in (("a/data.pkl", pickle), ("a/data/0", data)):
            archive.writestr(zipfile.ZipInfo(name), raw)
    return file.getvalue()


def float8_checkpoint():
    p = Pickle().raw(b"}(").text("w").name("torch._utils", "_rebuild_tensor_v3").raw(b"(")
    storage(p, "torch.storage", "UntypedStorage", 4)
    p.raw(b"K\x00K\x02K\x02\x86K\x02K\x01\x86\x89").name("collections", "OrderedDict")
    p.raw(b")R").name("torch", "float8_e4m3fn").raw(b"tRu.")
    return pytorch(p.out, b"\x38\x40\x01\xff")


def nested_checkpoint():
    """{"model": OrderedDict of a parameter and a transposed view, "step": 3}"""
    p = Pickle().raw(b"}q\x00(").text("model").name("collections", "OrderedDict").raw(b")R(")
    p.text("a").name("torch._utils", "_rebuild_parameter").raw(b"(")
    p.name("torch._utils", "_rebuild_tensor_v2").raw(b"(")
    storage(p, "torch", "FloatStorage", 4).raw(b"K\x00K\x02K\x02\x86K\x01K\x02\x86\x89")
    p.name("collections", "OrderedDict").raw(b")RtR\x89")
    p.name("collections", "OrderedDict").raw(b")RtRu").text("step").raw(b"K\x03u.")
    return pytorch(p.out, struct.pack("<4f", 1, 2, 3, 4))


def field(number, payload):
    """A protobuf field: bytes, or a number."""
    if isinstance(payload, int):
        return bytes([number << 3, payload])
    return bytes([number << 3 | 2, len(payload)]) + payload


def onnx():
    def tensor(name, dims, kind, raw):
        return (b"".join(field(1, d) for d in dims) + field(2, kind) +
                (field(8, name) if name else b"") + raw)
    weight = tensor(b"w", [2, 2], 1, field(9, bytes(16)))
    packed = tensor(b"i", [2], 6, field(5, b"\x01\x02"))
    tiny = tensor(b"f", [4], 23, field(9, b"\x12\x34"))
    outside = tensor(b"o", [4], 1, field(14, 1))
    constant, inner = (field(2, name) + field(4, b"Constant") + field(
        5, field(1, b"value") + field(5, tensor(b"", [1], 1, field(9, bytes(4)))))
        for name in (b"c", b"d"))
    matmul = field(1, b"x") + field(1, b"w") + field(2, b"y") + field(4, b"MatMul")
    branch = field(2, b"z") + field(4, b"If") + field(5, field(6, field(1, inner)))
    graph = b"".join(field(1, n) for n in (constant, matmul, branch))
    graph += b"".join(field(5, t) for t in (weight, packed, tiny, outside))
    return field(1, 7) + field(2, b"assay") + bytes([7 << 3 | 2, 0x80 | len(graph) & 127,
                                                     len(graph) >> 7]) + graph


def sketch(axes):
    """axes: role, second, layer, units, width, units sampled."""
    data = b"assay sketch 1\n" + bytes([4]) + b"seed" + struct.pack("<QQB", 1 << 30, 12, len(axes))
    for role, second, layer, units, width, sampled in axes:
        data += bytes([len(role)]) + role + struct.pack("<BiiQQB", second, layer, -1, units, width,
                                                        sampled) + bytes(range(16)) * sampled
    return data


def in_two(kind, first, second, index=b""):
    """What fuzz_shards.c takes apart: a letter, two sizes of two bytes, three files."""
    return kind + struct.pack("<HH", len(index), len(first)) + index + first + second


def shards():
    map_of = {"weight_map": {"a": "1", "b": "2"}}
    one, two = (safetensors([(n, "F32", [2, 1], bytes(8))]) for n in "ab")
    return in_two(b"s", one, two, json.dumps(map_of).encode())


def main():
    write("shards", "split", in_two(b"g", llama_gguf(), gguf([], [("output.weight", [4, 2], 0, bytes(32))])))
    write("shards", "index", shards())
    write("shards", "parts", in_two(b"p", *(safetensors([(n, "F32", [2, 1], bytes(8))]) for n in "ab")))
    write("sketch", "none.sketch", sketch([]))
    write("sketch", "transformer.sketch", sketch([(b"embedding", 1, -1, 64, 512, 8),
                                                  (b"up", 0, 3, 172, 64, 9)]))
    write("safetensors", "every-dtype.safetensors", every_dtype())
    write("safetensors", "empty.safetensors", safetensors([("e", "F32", [0, 3], b"")]))
    write("gguf", "llama.gguf", llama_gguf())
    write("gguf", "every-type.gguf", every_ggml_type())
    write("pytorch", "float8.pt", float8_checkpoint())
    write("pytorch", "nested.pt", nested_checkpoint())
    write("onnx", "graph.onnx", onnx())
    write("vocabulary", "ranks.tiktoken", b"IQ== 0\nIg== 1\nISI= 3\n//79 4\n")
    write("vocabulary", "merges.json", json.dumps({
        "added_tokens": [{"id": 4, "content": "<s>"}],
        "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "\u0120": 3},
                  "merges": [["a", "b"], "a a"]}}).encode())


main()
