// SPDX-License-Identifier: Apache-2.0
// report: the report object as docs/report.schema.json describes it; the part that the page reads.

export interface Interval {
    median: number | null;
    low: number | null;
    high: number | null;
    level?: number;
}
export interface Exhibit {
    id: string;
    statement: string | null;
    file: string | null;
    sha256: string | null;
    said_by: string | null;
    source: string;
    date: string;
    grade: string;
}
export interface Comparison {
    hypothesis: string;
    weighed: boolean;
    reference: boolean;
    tied: boolean;
    log10_lr: Interval | null;
    words: string;
    favours: -1 | 0 | 1;
    posterior: number | null;
    posterior_words: string | null;
    note: string | null;
}
export interface Stated {
    name: string;
    value: string;
    source: string | null;
    date: string | null;
    file: string;
    line: number;
}
export interface FigureBar {
    label: string;
    group: string | null;
    value: number | null;
    low: number | null;
    high: number | null;
}
export interface FigureData {
    id: string;
    title: string;
    unit: string;
    bars: FigureBar[];
}
export interface Finding {
    id: string;
    method: string;
    method_version: string;
    seed: string;
    answers: string[];
    cannot_tell: string[];
    ties: { a: string; b: string; log10_likelihood_ratio: number | null }[];
    quantities: { name: string; unit: string; value: Interval }[];
    figures: FigureData[];
    exhibits: { path: string; sha256: string }[];
    limits: string[];
}
export interface Result {
    instrument: string;
    input: string;
    reference: string | null;
    reference_is_best: boolean;
    comparisons: Comparison[];
    stated: Stated[];
    finding: Finding;
}
export interface Question {
    id: string;
    text: string;
    kind: string;
    stated: string | null;
    exhibits: string[];
    priors_held_by: string | null;
    priors_reason: string | null;
    confidence: string | null;
    confidence_reason: string | null;
    results: Result[];
}
export interface Report {
    assay: string;
    version: string;
    title: string;
    summary: string | null;
    case_sha256: string;
    seed: string;
    questions: Question[];
    exhibits: Exhibit[];
}

export const or_nan = (x: number | null | undefined): number => x ?? NaN;

// C0 and C1 controls but tab and line ends, DEL, marks and overrides of direction, separators, BOM:
// what would hide or reorder text (src/report/escape.c does the same for a terminal).
const UNSAFE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** JSON from a stranger: such characters become U+FFFD in every text. */
export function parse<T>(json: string): T {
    return JSON.parse(json, (_, value: unknown) => (typeof value === "string" ? value.replace(UNSAFE, "\ufffd") : value)) as T;
}
