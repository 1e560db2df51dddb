// SPDX-License-Identifier: Apache-2.0
// weigh: the combination of docs/case.md, by the same rule as src/case (circuit.c, combine.c), so
// that a reader can change what it rests on and see the result at once. In: a combination of the
// report and what the reader changed. Out: ln Z of every hypothesis at the medians, and in draws.
//
// A finding depends on the truth only if all its causes say yes. With r the chance that those of
// its causes do which it shares with no other finding, and w its weight, it contributes
// 1 - r + r L(h)^w; a cause that findings share is a mixture of two products: p yes + (1 - p) no.
import type { Combination } from "./report";

export interface Changes {
    findings_out: Set<number>;
    nodes_out: Set<number>; // exhibits and sources: every finding that has one as a cause is left out
    probability: Map<number, number>; // of nodes
    correlation: Map<number, number>; // of dependences
}
export const no_changes = (): Changes => ({ findings_out: new Set(), nodes_out: new Set(), probability: new Map(), correlation: new Map() });
export const is_changed = (c: Changes): boolean => c.findings_out.size + c.nodes_out.size + c.probability.size + c.correlation.size > 0;

const LN10 = Math.LN10;
const MOST_PARTS = 1_000_000;

interface Leaf { finding: number; row: number; nodes: number[] } // nodes: causes of its own
interface Mixture { row: number; yes: number; no: number; node: number }
interface Circuit { rows: number; leaves: Leaf[]; mixtures: Mixture[] }

/** The weight of each of n findings of correlation c (Kish's effective number of observations). */
export const group_weight = (n: number, c: number): number => 1 / (1 + (n - 1) * c);

/** Recursive conditioning on the causes that findings share; null if there are too many parts. */
function build(c: Combination, settled: Set<number>): Circuit | null {
    const circuit: Circuit = { rows: 1, leaves: [], mixtures: [] };
    const parents = c.findings.map((f) => f.parents);
    const tops = new Int32Array(parents.length), users = new Int32Array(c.nodes.length), first = new Int32Array(c.nodes.length);
    const top = (i: number): number => {
        while (tops[i] !== i) i = tops[i] = tops[tops[i]!]!;
        return i;
    };
    const join = (set: number[]) => {
        for (const f of set) {
            tops[f] = f;
            for (const node of parents[f]!) users[node] = 0;
        }
        for (const f of set)
            for (const node of parents[f]!) {
                if (settled.has(node)) continue;
                if (users[node]!++ === 0) {
                    first[node] = f;
                    continue;
                }
                const a = top(first[node]!), b = top(f);
                tops[Math.max(a, b)] = Math.min(a, b);
            }
    };
    // the cause that most of the set have; of several the middle one
    const choose = (set: number[]): number => {
        let most = 0;
        let tied: number[] = [];
        for (const f of set)
            for (const node of parents[f]!) {
                if (settled.has(node) || users[node]! < most) continue;
                if (users[node]! > most) {
                    most = users[node]!;
                    tied = [];
                }
                tied.push(node);
            }
        return tied[tied.length >> 1]!;
    };
    const condition = (row: number, set: number[]): boolean => {
        if (circuit.leaves.length + circuit.mixtures.length > MOST_PARTS) return false;
        join(set);
        const components = new Map<number, number[]>();
        for (const f of set) {
            const t = top(f), list = components.get(t);
            if (list) list.push(f);
            else components.set(t, [f]);
        }
        for (const component of components.values()) {
            if (component.length === 1) {
                circuit.leaves.push({ finding: component[0]!, row, nodes: parents[component[0]!]!.filter((node) => !settled.has(node)) });
                continue;
            }
            join(component); // counts anew: a deeper step has used them
            const node = choose(component), yes = circuit.rows++, no = circuit.rows++;
            circuit.mixtures.push({ row, yes, no, node });
            settled.add(node);
            const done = condition(yes, component);
            settled.delete(node);
            if (!done || !condition(no, component.filter((f) => !parents[f]!.includes(node)))) return false;
        }
        return true;
    };
    return condition(0, parents.map((_, f) => f)) ? circuit : null;
}

export interface Drawn {
    n: number; // hypotheses
    ln_z: Float64Array; // draws x n
    draws: number;
}

/** A question's network, evaluated as often as a reader likes. */
export class Weigher {
    readonly n: number;
    readonly ln_l: Float64Array; // findings x n
    private circuit: Circuit | null = null;
    private built_for = "?";
    private drawn: Float64Array[] | null = null; // draws of ln_l, made once

    constructor(readonly c: Combination) {
        this.n = c.hypotheses.length;
        this.ln_l = new Float64Array(c.findings.length * this.n);
        c.findings.forEach((f, i) => f.log10_likelihood.median.forEach((x, h) => { this.ln_l[i * this.n + h] = LN10 * (x ?? 0); }));
    }

    private probabilities(changes: Changes): number[] {
        return this.c.nodes.map((node, i) => changes.probability.get(i) ?? node.probability);
    }

    /** By finding: 0 if it is left out, less than 1 if it shares a cause with others. */
    weights(changes: Changes): number[] {
        const out = (i: number) => changes.findings_out.has(i) || this.c.findings[i]!.parents.some((node) => changes.nodes_out.has(node));
        const weights = this.c.findings.map((f, i) => (out(i) ? 0 : f.weight));
        this.c.dependences.forEach((d, g) => {
            const left = d.findings.filter((f) => !out(f));
            if (left.length === d.findings.length && !changes.correlation.has(g)) return;
            for (const f of left) weights[f] = group_weight(left.length, changes.correlation.get(g) ?? d.correlation);
        });
        return weights;
    }

    /** Numbers that an evaluation goes through, about. */
    get size(): number {
        return this.n * ((this.circuit?.leaves.length ?? 0) + (this.circuit?.mixtures.length ?? 0) + 1);
    }

    /** ln Z of every hypothesis at the medians; null if the network is too entangled for a page. */
    evaluate(changes: Changes, ln_l = this.ln_l): Float64Array | null {
        const p = this.probabilities(changes), weights = this.weights(changes), n = this.n;
        const settled = new Set(p.flatMap((x, i) => (x === 1 ? [i] : [])));
        const key = [...settled].join();
        if (key !== this.built_for) {
            this.circuit = build(this.c, settled);
            this.built_for = key;
        }
        const circuit = this.circuit;
        if (!circuit) return null;
        const rows = new Float64Array(circuit.rows * n);
        for (const leaf of circuit.leaves) {
            const weight = weights[leaf.finding]!;
            if (weight === 0) continue;
            let chance = 1;
            for (const node of leaf.nodes) chance *= p[node]!;
            const from = leaf.finding * n, to = leaf.row * n;
            for (let h = 0; h < n; h++) rows[to + h]! += Math.log1p(chance * Math.expm1(weight * ln_l[from + h]!));
        }
        for (let i = circuit.mixtures.length - 1; i >= 0; i--) {
            const m = circuit.mixtures[i]!, chance = p[m.node]!;
            for (let h = 0; h < n; h++) {
                const yes = rows[m.yes * n + h]!, no = rows[m.no * n + h]!, most = Math.max(yes, no);
                rows[m.row * n + h]! += most + Math.log(chance * Math.exp(yes - most) + (1 - chance) * Math.exp(no - most));
            }
        }
        return rows.slice(0, n);
    }

    /** What was evaluated last, part by part, with these changes; null if it is too entangled. */
    parts(changes: Changes): Parts | null {
        const whole = this.evaluate(changes);
        return whole && this.circuit ? new Parts(this, this.circuit, this.probabilities(changes), this.weights(changes)) : null;
    }

    /**
     * ln Z in draws of the likelihoods within their intervals (src/case/draws.c: a normal of two
     * halves); the same draws every time, so that a change shows as a change. Fewer for large cases,
     * none if they would take longer than a reader waits.
     */
    draw(changes: Changes): Drawn | null {
        const cells = this.ln_l.length, draws = Math.min(400, Math.floor(1e6 / Math.max(1, cells)));
        if (draws < 50) return null;
        this.drawn ??= this.make_draws(draws);
        const ln_z = new Float64Array(draws * this.n);
        for (let d = 0; d < draws; d++) {
            const z = this.evaluate(changes, this.drawn[d]!);
            if (!z) return null;
            ln_z.set(z, d * this.n);
        }
        return { n: this.n, ln_z, draws };
    }

    private make_draws(draws: number): Float64Array[] {
        const random = generator(Number(this.c.draws) || 1), tenth = 1.2815515655446004;
        return Array.from({ length: draws }, () => {
            const ln_l = new Float64Array(this.ln_l.length);
            this.c.findings.forEach((f, i) => {
                const { median, low, high } = f.log10_likelihood;
                let best = -Infinity;
                for (let h = 0; h < this.n; h++) {
                    const middle = median[h] ?? 0, from = low[h] ?? middle, to = high[h] ?? middle;
                    let value = middle;
                    if (from < to) {
                        const z = Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random()) / tenth;
                        value += z * (z < 0 ? middle - from : to - middle);
                    }
                    ln_l[i * this.n + h] = LN10 * value;
                    best = Math.max(best, LN10 * value);
                }
                for (let h = 0; h < this.n; h++) ln_l[i * this.n + h]! -= best;
            });
            return ln_l;
        });
    }
}

/**
 * The network with a few weights changed, exactly: what does not hang on them is taken from the whole
 * (src/case/reweigh.c does the same). A change of a finding goes up its own mixtures alone.
 */
export class Parts {
    private readonly rows: Float64Array; // rows x n, complete
    private readonly leaf_values: Float64Array; // leaves x n
    private readonly mixture_values: Float64Array; // mixtures x n
    private readonly leaves_of: number[][]; // by finding
    private readonly above: Int32Array; // the mixture that a row is a side of; -1: the whole
    private readonly delta = new Map<number, Float64Array>(); // by row
    private passed_ = 0;

    constructor(private readonly w: Weigher, private readonly circuit: Circuit, private readonly p: number[], readonly weights: number[]) {
        const n = w.n;
        this.rows = new Float64Array(circuit.rows * n);
        this.above = new Int32Array(circuit.rows).fill(-1);
        this.leaves_of = w.c.findings.map(() => []);
        this.leaf_values = new Float64Array(circuit.leaves.length * n);
        this.mixture_values = new Float64Array(circuit.mixtures.length * n);
        circuit.leaves.forEach((leaf, i) => {
            this.leaves_of[leaf.finding]!.push(i);
            const value = this.leaf_values.subarray(i * n, (i + 1) * n);
            this.leaf(i, weights[leaf.finding]!, value);
            for (let h = 0; h < n; h++) this.rows[leaf.row * n + h]! += value[h]!;
        });
        for (let i = circuit.mixtures.length - 1; i >= 0; i--) {
            const m = circuit.mixtures[i]!;
            this.above[m.yes] = this.above[m.no] = i;
            const value = this.mixture_values.subarray(i * n, (i + 1) * n);
            this.mix(i, null, value);
            for (let h = 0; h < n; h++) this.rows[m.row * n + h]! += value[h]!;
        }
    }

    /** The weights that change if these findings are left out: theirs, and those of what they are dependent with. */
    without(out: number[], correlation: Map<number, number>): Map<number, number> {
        const changed = new Map<number, number>(), groups = new Set<number>();
        for (const f of out) {
            if (this.weights[f] !== 0) changed.set(f, 0);
            const g = this.w.c.findings[f]!.group;
            if (g !== null) groups.add(g);
        }
        for (const g of groups) {
            const d = this.w.c.dependences[g]!, left = d.findings.filter((f) => this.weights[f] !== 0 && !changed.has(f));
            for (const f of left) changed.set(f, group_weight(left.length, correlation.get(g) ?? d.correlation));
        }
        return changed;
    }

    /** The weights if the findings of a dependence were independent. */
    apart(g: number): Map<number, number> {
        return new Map(this.w.c.dependences[g]!.findings.filter((f) => this.weights[f] !== 0).map((f) => [f, 1]));
    }

    /** Numbers that were gone through since the start. */
    get passed(): number { return this.passed_; }

    private leaf(i: number, weight: number, value: Float64Array): void {
        const leaf = this.circuit.leaves[i]!, n = this.w.n, from = leaf.finding * n;
        let chance = 1;
        for (const node of leaf.nodes) chance *= this.p[node]!;
        for (let h = 0; h < n; h++) value[h] = weight === 0 ? 0 : Math.log1p(chance * Math.expm1(weight * this.w.ln_l[from + h]!));
        this.passed_ += n;
    }

    private mix(i: number, delta: Map<number, Float64Array> | null, value: Float64Array): void {
        const m = this.circuit.mixtures[i]!, n = this.w.n, chance = this.p[m.node]!, yes_delta = delta?.get(m.yes), no_delta = delta?.get(m.no);
        for (let h = 0; h < n; h++) {
            const yes = this.rows[m.yes * n + h]! + (yes_delta ? yes_delta[h]! : 0), no = this.rows[m.no * n + h]! + (no_delta ? no_delta[h]! : 0), most = Math.max(yes, no);
            value[h] = most + Math.log(chance * Math.exp(yes - most) + (1 - chance) * Math.exp(no - most));
        }
        this.passed_ += n;
    }

    private add(row: number, now: Float64Array, before: Float64Array, waiting: Set<number>): void {
        let delta = this.delta.get(row);
        if (!delta) this.delta.set(row, (delta = new Float64Array(this.w.n)));
        for (let h = 0; h < delta.length; h++) delta[h]! += now[h]! - before[h]!;
        for (let m = this.above[row]!; m >= 0 && !waiting.has(m); m = this.above[this.circuit.mixtures[m]!.row]!) waiting.add(m);
    }

    /** ln Z with other weights of these findings. */
    with(weights: Map<number, number>): Float64Array {
        const n = this.w.n, now = new Float64Array(n), waiting = new Set<number>();
        this.delta.clear();
        for (const [finding, weight] of weights)
            for (const i of this.leaves_of[finding]!) {
                this.leaf(i, weight, now);
                this.add(this.circuit.leaves[i]!.row, now, this.leaf_values.subarray(i * n, (i + 1) * n), waiting);
            }
        for (const i of [...waiting].sort((a, b) => b - a)) { // a mixture comes after those that it is part of
            this.mix(i, this.delta, now);
            this.add(this.circuit.mixtures[i]!.row, now, this.mixture_values.subarray(i * n, (i + 1) * n), waiting);
        }
        const delta = this.delta.get(0);
        return this.rows.slice(0, n).map((x, h) => x + (delta ? delta[h]! : 0));
    }
}

/** Uniform in (0, 1): Weyl's sequence through a mixer of 32 bits. Only for the page's intervals. */
function generator(seed: number): () => number {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x9e3779b9) >>> 0;
        let x = state;
        x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
        x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
        return ((x ^ (x >>> 15)) >>> 0) / 4294967296 + 1 / 8589934592;
    };
}

/** p(h) Z(h) over its sum; hypotheses without a prior (0) get 0. */
export function posterior(priors: number[], ln_z: ArrayLike<number>): number[] {
    const top = Math.max(...priors.map((p, h) => (p > 0 ? ln_z[h]! : -Infinity)));
    const parts = priors.map((p, h) => (p > 0 ? p * Math.exp(ln_z[h]! - top) : 0));
    const sum = parts.reduce((a, b) => a + b, 0);
    return parts.map((x) => x / sum);
}

/** log10 of Z(h) over the mean of the others' Z. */
export function against_others(ln_z: ArrayLike<number>, h: number): number {
    let top = -Infinity, sum = 0;
    for (let g = 0; g < ln_z.length; g++) if (g !== h) top = Math.max(top, ln_z[g]!);
    for (let g = 0; g < ln_z.length; g++) if (g !== h) sum += Math.exp(ln_z[g]! - top);
    return (ln_z[h]! - top - Math.log(sum / (ln_z.length - 1))) / LN10;
}

/** The quantiles 0.1, 0.5 and 0.9 of some numbers. */
export function interval(values: number[]): { low: number; median: number; high: number } {
    const sorted = [...values].sort((a, b) => a - b);
    const at = (q: number) => {
        const x = q * (sorted.length - 1), i = Math.floor(x);
        return sorted[i]! + (x - i) * ((sorted[i + 1] ?? sorted[i]!) - sorted[i]!);
    };
    return { low: at(0.1), median: at(0.5), high: at(0.9) };
}
