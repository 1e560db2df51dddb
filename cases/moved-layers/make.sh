#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the three checkpoints of this case again: ./make.sh ASSAY, the program. Half a minute.
set -eu
cd "$(dirname "$0")"
assay=$1
work=$(mktemp -d)
for model in base:31 stranger:32; do
    name=${model%:*}
    "$assay" lab train --quiet --out "$work/$name" --seed "${model#*:}" --vocabulary 257 --width 32 \
        --layers 5 --heads 2 --hidden 96 --length 128 --steps 300 --rows 4 ../../LICENSE
    "$assay" lab export --quiet "$work/$name" "$work/$name-hf"
    "$assay" lineage disguise --quiet "$work/$name-hf/model.safetensors" "$name.safetensors" --quantise bf16
done
"$assay" lineage disguise --quiet "$work/base-hf/model.safetensors" suspect.safetensors \
    --layers 0,2,1,3,4,4 --tune 0.2 --permute --quantise bf16
rm -r "$work"
