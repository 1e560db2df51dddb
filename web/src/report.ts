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
/** `values` has a list for each row with a number for each column, none below nought. */
export interface GridData {
    row_axis: string;
    column_axis: string;
    rows: string[];
    columns: string[];
    values: (number | null)[][];
}
/** Curves over one axis; a point's interval is null where none is known. */
export interface CurvesData {
    x_axis: string;
    x_scale: "linear" | "log";
    y_axis: string;
    level: number | null;
    series: { name: string; reference: boolean; points: { x: number; y: number | null; low: number | null; high: number | null }[] }[];
}
export type FigureData = { id: string; title: string; unit: string } & ({ bars: FigureBar[] } | { curves: CurvesData } | { grid: GridData } | { newick: string });
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
    id: string; // of its finding in the question
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
    confidence: string | null;
    confidence_reason: string | null;
    results: Result[];
    combination: Combination | null;
}

/** Lists with an entry a hypothesis are in the order of `hypotheses`. */
export interface Combination {
    reference: string;
    reference_is_best: boolean;
    draws: number;
    leading: number;
    runner_up: number;
    log10_lead: number;
    hypotheses: CombinedHypothesis[];
    nodes: { kind: "source" | "exhibit" | "cause"; name: string; probability: number }[];
    findings: CombinedFinding[];
    dependences: { id: string; because: string | null; declared: boolean; correlation: number; informative: number; findings: number[] }[];
    assumptions: { id: string; text: string; findings: number[] }[];
    posteriors: { held_by: string; reason: string | null; rows: { prior: number | null; posterior: Interval | null; words: string | null }[]; leading: number; even_prior: number | null }[];
    curves: { hypothesis: number; priors: number[]; posteriors: Intervals }[];
    left_out: { kind: string; id: string; text: string | null; log10_lr: number; change: number; words: string; leading: number; overturns: boolean }[];
    left_out_total: number;
    pairs: { a: number; b: number; log10_lr: number; findings: number[] }[];
    overturn: { kind: string; text: string; value: number | null }[];
    next: Next[];
    confidence: string;
    confidence_reasons: string[];
}
export interface Intervals {
    median: (number | null)[];
    low: (number | null)[];
    high: (number | null)[];
}
export interface CombinedHypothesis {
    id: string;
    text: string | null;
    none_of_these: boolean;
    reference: boolean;
    rank: number;
    log10_lr: Interval;
    words: string;
    favours: number;
    log10_lr_others: Interval;
}
export interface CombinedFinding {
    id: string;
    text: string | null;
    because: string | null;
    result: number | null;
    exhibits: string[];
    parents: number[];
    group: number | null;
    weight: number;
    assumed: number[];
    log10_likelihood: Intervals;
    log10_lr: Intervals | null;
    best: number;
    worst: number;
    log10_lr_most: Interval;
    words: string;
    bits: number;
}
export interface Next {
    id: string;
    text: string;
    because: string | null;
    instrument: string | null;
    finding: string | null;
    cost: number | null;
    cost_unit: string | null;
    cost_usd: number | null;
    efficient: boolean;
    bits: number;
    bits_per_cost: number | null;
    overturn: number;
    outcomes: { text: string; likelihoods: (number | null)[]; probability: number; log10_lr: number }[];
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

/** A finding that stands in no case. */
export interface Alone {
    assay: "finding/1";
    version: string;
    title: string;
    finding: Finding;
}
export const is_alone = (what: Report | Alone): what is Alone => what.assay === "finding/1";

export const or_nan = (x: number | null | undefined): number => x ?? NaN;

// C0 and C1 controls but tab and line ends, DEL, marks and overrides of direction, separators, BOM:
// what would hide or reorder text (src/report/escape.c does the same for a terminal).
const UNSAFE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** JSON from a stranger: such characters become U+FFFD in every text. */
export function parse<T>(json: string): T {
    return clean(JSON.parse(json)) as T;
}

function clean(value: unknown): unknown {
    if (typeof value === "string") return value.replace(UNSAFE, "\ufffd");
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) {
        if (typeof value[0] === "number" && typeof value[value.length - 1] === "number") return value; // long lists of numbers
        for (let i = 0; i < value.length; i++) value[i] = clean(value[i]);
        return value;
    }
    const object = value as Record<string, unknown>;
    for (const key in object) object[key] = clean(object[key]);
    return object;
}
