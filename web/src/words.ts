// SPDX-License-Identifier: Apache-2.0
// words: the verbal scales, as src/case/words.c has them.
// ENFSI, Guideline for evaluative reporting in forensic science (2015); ICD 203 (2015).

export const LIKELIHOOD_SCALE: [log10: number, words: string][] = [
    [Math.log10(2), "no support"],
    [1, "weak support"],
    [2, "moderate support"],
    [3, "moderately strong support"],
    [4, "strong support"],
    [6, "very strong support"],
    [Infinity, "extremely strong support"],
];

export const PROBABILITY_SCALE: [to: number, words: string][] = [
    [0.05, "almost no chance"],
    [0.2, "very unlikely"],
    [0.45, "unlikely"],
    [0.55, "roughly even chance"],
    [0.8, "likely"],
    [0.95, "very likely"],
    [1, "almost certain"],
];

function look_up(scale: [number, string][], value: number, none: string): string {
    if (Number.isNaN(value)) return none;
    return (scale.find(([below]) => value < below) ?? scale[scale.length - 1]!)[1];
}

export const words_of_ratio = (log10: number): string => look_up(LIKELIHOOD_SCALE, Math.abs(log10), "not weighed");
export const words_of_probability = (p: number): string => look_up(PROBABILITY_SCALE, p, "no probability");
