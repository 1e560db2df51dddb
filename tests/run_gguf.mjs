// SPDX-License-Identifier: Apache-2.0
// run_gguf.mjs MODEL.gguf TEXT TOKENS.json: prints llama.cpp's tokens of the text, and ln p of each
// of TOKENS.json's given those before it and the beginning token.
import {readFileSync} from "node:fs";
import {getLlama} from "node-llama-cpp";

const [, , modelPath, textPath, tokensPath] = process.argv;
const llama = await getLlama({gpu: false, build: "never", logLevel: "error"});
const model = await llama.loadModel({modelPath});
const context = await model.createContext({contextSize: 256, batchSize: 256, threads: 1, flashAttention: false,
  experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32"});
const row = [0, ...JSON.parse(readFileSync(tokensPath)).tokens];
const said = await context.getSequence().controlledEvaluate(
  row.map((token) => [token, {generateNext: {probabilities: true}}]));
const logP = row.slice(1).map((token, i) => Math.log(said[i].next.probabilities.get(token)));
console.log(JSON.stringify({tokens: model.tokenize(readFileSync(textPath, "utf8")), log_p: logP}));
process.exit(0);
