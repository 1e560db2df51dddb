// SPDX-License-Identifier: Apache-2.0
// view: a question as the reader has it now: the report's own numbers until something is changed,
// then those of the page's weigher; and the priors chosen.
import { hangs, type Hangs, type Holder } from "./hangs";
import type { Combination, Interval } from "./report";
import { against_others, interval, is_changed, no_changes, posterior, Weigher, type Changes, type Drawn } from "./weigh";

export interface Range { low: number; median: number; high: number }

const range = (x: Interval): Range => ({ low: x.low ?? x.median ?? NaN, median: x.median ?? NaN, high: x.high ?? x.median ?? NaN });

/** The log-likelihood of a finding discounted by all its causes, by itself. */
const discounted = (chance: number, log10: number): number => Math.log1p(chance * Math.expm1(Math.LN10 * log10)) / Math.LN10;

export class View {
    readonly reference: number;
    changes: Changes = no_changes();
    priors: number[];
    holder: string;
    chose_priors = false; // the reader did; until then no probability is given where the case states no priors
    failed = false; // too entangled to weigh in a page
    private weigher: Weigher | null = null;
    private ln_z: Float64Array | null = null;
    private as_reported: Float64Array | null = null; // ln Z with nothing changed, once it was asked for
    private drawn: Drawn | null = null;

    constructor(readonly c: Combination) {
        this.reference = Math.max(0, c.hypotheses.findIndex((h) => h.reference));
        const first = c.posteriors[0];
        this.priors = first ? first.rows.map((row) => row.prior ?? 0) : this.equal();
        this.holder = first ? first.held_by : "";
    }

    get has_priors(): boolean {
        return this.chose_priors || this.c.posteriors.length > 0;
    }

    equal(): number[] {
        return this.c.hypotheses.map(() => 1 / this.c.hypotheses.length);
    }

    get changed(): boolean {
        return is_changed(this.changes);
    }

    /** Call after `changes` have changed. */
    weigh(): void {
        this.ln_z = this.drawn = null;
        if (!this.changed) return;
        this.weigher ??= new Weigher(this.c);
        this.ln_z = this.weigher.evaluate(this.changes);
        this.failed = !this.ln_z;
        this.drawn = this.ln_z && this.weigher.draw(this.changes);
    }

    /** ln Z at the medians, up to a term that all share. */
    z(): Float64Array {
        if (this.ln_z) return this.ln_z;
        this.weigher ??= new Weigher(this.c);
        this.as_reported ??= this.weigher.evaluate(no_changes()) ??
            Float64Array.from(this.c.hypotheses, (h) => Math.LN10 * (h.log10_lr.median ?? 0));
        return this.as_reported;
    }

    private over_draws(value: (z: ArrayLike<number>) => number): Range {
        const drawn = this.drawn;
        if (!drawn) {
            const middle = value(this.z());
            return { low: middle, median: middle, high: middle };
        }
        return interval(Array.from({ length: drawn.draws }, (_, d) => value(drawn.ln_z.subarray(d * drawn.n, (d + 1) * drawn.n))));
    }

    /** log10 of the ratio against the reference, all findings together. */
    ratio(h: number): Range {
        if (!this.ln_z) return range(this.c.hypotheses[h]!.log10_lr);
        if (h === this.reference) return { low: 0, median: 0, high: 0 };
        return this.over_draws((z) => (z[h]! - z[this.reference]!) / Math.LN10);
    }

    /** log10 of one over another; its interval is known where one is the reference, or all was weighed anew. */
    between(a: number, b: number): Range {
        if (this.ln_z) return this.over_draws((z) => (z[a]! - z[b]!) / Math.LN10);
        const of_a = this.ratio(a), of_b = this.ratio(b);
        if (b === this.reference) return of_a;
        if (a === this.reference) return { low: -of_b.high, median: -of_b.median, high: -of_b.low };
        return { low: NaN, median: of_a.median - of_b.median, high: NaN };
    }

    /** Against all others, as if they were equally probable. */
    ratio_others(h: number): Range {
        return this.ln_z ? this.over_draws((z) => against_others(z, h)) : range(this.c.hypotheses[h]!.log10_lr_others);
    }

    /** The best and the next, at the medians, and log10 of their ratio. */
    lead(): { leading: number; next: number; log10: number } {
        if (!this.ln_z) return { leading: this.c.leading, next: this.c.runner_up, log10: this.c.log10_lead };
        const z = this.ln_z;
        const order = [...z.keys()].sort((a, b) => z[b]! - z[a]!);
        return { leading: order[0]!, next: order[1]!, log10: (z[order[0]!]! - z[order[1]!]!) / Math.LN10 };
    }

    /** Posteriors for the priors chosen, or another holder's. */
    posteriors(holder = this.holder, priors = this.priors): Range[] {
        const stated = this.ln_z ? undefined : this.c.posteriors.find((p) => p.held_by === holder);
        if (stated && stated.rows.every((row, h) => (row.prior ?? 0) === priors[h]))
            return stated.rows.map((row) => (row.posterior ? range(row.posterior) : { low: 0, median: 0, high: 0 }));
        const middle = posterior(priors, this.z());
        const drawn = this.drawn;
        if (!drawn) return middle.map((median) => ({ low: NaN, median, high: NaN }));
        const all = Array.from({ length: drawn.draws }, (_, d) => posterior(priors, drawn.ln_z.subarray(d * drawn.n, (d + 1) * drawn.n)));
        return middle.map((_, h) => interval(all.map((p) => p[h]!)));
    }

    /** The posterior of one hypothesis by holder of priors, at the medians. */
    posterior_of(h: number, priors: number[]): number {
        return posterior(priors, this.z())[h]!;
    }

    /** One finding by itself: log10 of h over g, discounted by its causes; 0 if it is left out. */
    finding_ratio(f: number, h: number, g: number): Range {
        const finding = this.c.findings[f]!;
        if (!this.changed && finding.log10_lr && g === this.reference)
            return { low: finding.log10_lr.low[h] ?? NaN, median: finding.log10_lr.median[h] ?? NaN, high: finding.log10_lr.high[h] ?? NaN };
        if (this.left_out(f)) return { low: 0, median: 0, high: 0 };
        let chance = 1;
        for (const node of finding.parents) chance *= this.changes.probability.get(node) ?? this.c.nodes[node]!.probability;
        const { median, low, high } = finding.log10_likelihood;
        const d = (values: (number | null)[], i: number) => discounted(chance, values[i] ?? median[i] ?? 0);
        const middle = d(median, h) - d(median, g);
        return {
            median: middle,
            low: middle - Math.hypot(d(median, h) - d(low, h), d(high, g) - d(median, g)),
            high: middle + Math.hypot(d(high, h) - d(median, h), d(median, g) - d(low, g)),
        };
    }

    /** What hangs on what with what was changed; null: nothing was, and the report says it. */
    hangs(): Hangs | null {
        const first = this.c.posteriors[0]?.rows.map((row) => row.prior ?? 0) ?? this.equal();
        const same = first.every((p, h) => Math.abs(p - this.priors[h]!) < 1e-12);
        if (!this.changed && same) return null;
        this.weigher ??= new Weigher(this.c);
        const holders: Holder[] = this.c.posteriors.map((p) => ({ who: p.held_by, priors: p.rows.map((row) => row.prior ?? 0) }));
        if (this.chose_priors && !holders.some((x) => x.who === this.holder)) holders.push({ who: "your choice", priors: this.priors });
        return hangs(this.c, this.weigher, this.changes, this.priors, holders);
    }

    left_out(f: number): boolean {
        return this.changes.findings_out.has(f) || this.c.findings[f]!.parents.some((node) => this.changes.nodes_out.has(node));
    }
}
