#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the four checkpoints of this case again: ./make.sh BUILD, a build folder with bench/ in it.
set -eu
cd "$(dirname "$0")"
build=$1
work=$(mktemp -d)
"$build/bench/write_family" "$work" 302
for name in base twin stranger; do
    "$build/assay" lineage disguise "$work/$name.safetensors" "$name.safetensors" --quantise bf16
done
"$build/assay" lineage disguise "$work/tuned.safetensors" suspect.safetensors \
    --rename --permute --noise 0.05 --quantise bf16
rm -r "$work"
