# SPDX-License-Identifier: Apache-2.0
"""Writes safetensors files for tests."""
import json
import os
import struct


def store(path, tensors, notes=None):
    """Bytes of tensors as a safetensors file: {name: (dtype, shape, bytes)}; notes are its metadata."""
    header, data = {}, b""
    if notes:
        header["__metadata__"] = notes
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
