// SPDX-License-Identifier: Apache-2.0
// hangs: what hangs on what, computed as src/case/sensitivity.c, overturn.c and next.c do, at the
// medians, from what a reader has changed. In: a weigher, the changes, priors. Out: the lead
// without each thing that is still there; what would overturn it; what to look for next.
import type { Combination } from "./report";
import { posterior, type Changes, type Parts, type Weigher } from "./weigh";

type LeftOut = Combination["left_out"][number];
type Overturn = Combination["overturn"][number];
type Next = Combination["next"][number];
export interface Hangs {
    leading: number;
    runner_up: number;
    log10_lead: number;
    left_out: Omit<LeftOut, "words">[];
    of: number; // things that could be left out; more than listed, or none, where a page cannot try all
    overturn: Overturn[];
    next: Next[];
}
/** Whose priors, as the case states them or the reader chose. */
export interface Holder { who: string; priors: number[] }

const LN10 = Math.LN10, EQUAL = 1e-9;
const MOST_NUMBERS = 1e7; // that each search may go through: some tenths of a second
const MOST_OF_PARTS = 1.5e7; // that leaving things out goes through, one by one
const MOST_REMOVED = 64, MOST_OVERTURNS = 16, MOST_FINDINGS = 500;
const KINDS = ["finding", "exhibit", "source", "assumption"];

const copy = (c: Changes): Changes => ({ findings_out: new Set(c.findings_out), nodes_out: new Set(c.nodes_out), probability: new Map(c.probability), correlation: new Map(c.correlation) });

const best_of_others = (z: ArrayLike<number>, leading: number): number => {
    let others = -Infinity;
    for (let h = 0; h < z.length; h++) if (h !== leading) others = Math.max(others, z[h]!);
    return others;
};

function two_best(z: ArrayLike<number>): [number, number] {
    let best = 0;
    for (let h = 1; h < z.length; h++) if (z[h]! > z[best]!) best = h;
    let next = best === 0 ? 1 : 0;
    for (let h = 0; h < z.length; h++) if (h !== best && z[h]! > z[next]!) next = h;
    return [best, next];
}

interface Thing { kind: string; id: string; text: string | null; weights?: Map<number, number>; changes?: Changes; ln_l?: Float64Array }

/** Everything that can be left out, each with the weights that leave it out, or with other chances or likelihoods. */
function things(c: Combination, w: Weigher, changes: Changes, parts: Parts): Thing[] {
    const list: Thing[] = [], users: number[][] = c.nodes.map(() => []);
    const without = (out: number[]) => parts.without(out, changes.correlation);
    c.findings.forEach((f, i) => {
        if (parts.weights[i] === 0) return;
        for (const node of f.parents) users[node]!.push(i);
        list.push({ kind: "finding", id: f.id, text: f.text, weights: without([i]) });
    });
    c.nodes.forEach((node, i) => {
        if (node.kind !== "cause" && users[i]!.length > 0) list.push({ kind: node.kind, id: node.name, text: null, weights: without(users[i]!) });
    });
    for (const a of c.assumptions) list.push({ kind: "assumption", id: a.id, text: a.text, weights: without(a.findings) });
    c.dependences.forEach((d, g) => {
        if (d.findings.length >= 2 && (changes.correlation.get(g) ?? d.correlation) !== 0)
            list.push({ kind: "assumption", id: `dependence:${d.id}`, text: "That these findings are dependent: they are counted as if they were not.", weights: parts.apart(g) });
    });
    const sure = copy(changes);
    c.nodes.forEach((node, i) => { if (node.kind !== "cause") sure.probability.set(i, 1); });
    list.push({ kind: "assumption", id: "grades", text: "That sources may be wrong: every grade is ignored and every exhibit trusted.", changes: sure });
    if (c.findings.some((f) => f.assumed.length > 0)) {
        const ln_l = w.ln_l.slice();
        c.findings.forEach((f, i) => f.assumed.forEach((h) => { ln_l[i * w.n + h] = 0; }));
        list.push({ kind: "assumption", id: "average", changes, ln_l,
            text: "That a hypothesis which an instrument did not weigh predicts what it saw as the average of the others does: it predicts it as well as the best." });
    }
    return list;
}

function leave_out(c: Combination, w: Weigher, changes: Changes, leading: number, lead: number): { list: Hangs["left_out"]; of: number } {
    const parts = w.parts(changes);
    if (!parts) return { list: [], of: c.left_out_total };
    const all = things(c, w, changes, parts);
    const reported = new Map(c.left_out.map((l, i) => [`${l.kind} ${l.id}`, i]));
    const place = (t: (typeof all)[number]) => reported.get(`${t.kind} ${t.id}`) ?? Infinity;
    if (c.findings.length > MOST_FINDINGS) all.sort((a, b) => place(a) - place(b)); // those that mattered most in the report first
    const known = new Map<string, Float64Array>(); // an exhibit of one finding alone is that finding
    const list: Hangs["left_out"] = [];
    for (const { kind, id, text, weights, changes: changed, ln_l } of all) {
        if (parts.passed > MOST_OF_PARTS) break;
        const key = weights ? [...weights].join() : "";
        let z: Float64Array | null | undefined = weights ? known.get(key) : w.evaluate(changed!, ln_l ?? w.ln_l);
        if (weights && !z) known.set(key, (z = parts.with(weights)));
        if (!z) continue;
        let now = leading;
        for (let h = 0; h < z.length; h++) if (z[h]! > z[now]! + EQUAL) now = h;
        const log10_lr = (z[leading]! - best_of_others(z, leading)) / LN10;
        list.push({ kind, id, text, log10_lr, change: log10_lr - lead, leading: now, overturns: now !== leading });
    }
    list.sort((a, b) => (Math.abs(Math.abs(a.change) - Math.abs(b.change)) > EQUAL ? Math.abs(b.change) - Math.abs(a.change)
        : KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || (a.id < b.id ? -1 : 1)));
    return { list, of: all.length };
}

/** Exhibits that favour the lead most, taken away until another leads: a greedy search. */
function fewest_exhibits(c: Combination, w: Weigher, changes: Changes, list: Hangs["left_out"], leading: number): Overturn | null {
    const removed = copy(changes), names: string[] = [];
    const most = Math.min(MOST_REMOVED, Math.max(4, Math.floor(MOST_NUMBERS / w.size)));
    for (const l of list) {
        if (l.kind !== "exhibit" || l.change >= -EQUAL || names.length === most) continue;
        names.push(l.id);
        removed.nodes_out.add(c.nodes.findIndex((node) => node.kind === "exhibit" && node.name === l.id));
        const z = w.evaluate(removed);
        if (z && best_of_others(z, leading) > z[leading]! + EQUAL)
            return { kind: "exhibits", text: `Without ${names.length} exhibit${names.length === 1 ? "" : "s"} another hypothesis leads: ${names.join(", ")}.`, value: names.length };
    }
    return null;
}

/** How far a source must be trusted, or distrusted, that another leads. */
function source_limits(c: Combination, w: Weigher, changes: Changes, leading: number): Overturn[] {
    const list: Overturn[] = [];
    if (c.findings.length > MOST_FINDINGS || 42 * c.nodes.length * w.size > 10 * MOST_NUMBERS) return list;
    c.nodes.forEach((node, i) => {
        if (node.kind !== "source" || changes.nodes_out.has(i)) return;
        const now = changes.probability.get(i) ?? node.probability;
        const lead = (chance: number) => {
            const changed = copy(changes);
            changed.probability.set(i, chance);
            const z = w.evaluate(changed);
            return z ? z[leading]! - best_of_others(z, leading) : Infinity;
        };
        for (const end of [0, 1]) {
            if (now === end || lead(end) >= -EQUAL || list.length >= MOST_OVERTURNS - 6) continue;
            let inside = now, outside = end;
            for (let step = 0; step < 20; step++) {
                const middle = (inside + outside) / 2;
                if (lead(middle) < 0) outside = middle;
                else inside = middle;
            }
            list.push({ kind: "reliability", value: outside,
                text: `If '${node.name}' could be trusted with a chance ${end > 0 ? "above" : "below"} ${outside.toFixed(2)} (now ${now.toFixed(2)}), another leads.` });
        }
    });
    return list;
}

/** Below which prior whoever leads for a holder would be less than even, the others in proportion. */
function prior_limit(c: Combination, z: ArrayLike<number>, { who, priors }: Holder): Overturn | null {
    const p = posterior(priors, z);
    const leading = p.reduce((best, x, h) => (x > p[best]! ? h : best), 0);
    const rest = 1 - priors[leading]!;
    if (!(rest > 0)) return null;
    const others = priors.reduce((sum, x, h) => (h !== leading && x > 0 ? sum + (x / rest) * Math.exp(z[h]! - z[leading]!) : sum), 0);
    const value = others / (1 + others);
    return { kind: "prior", value, text: `A prior of ${who} for '${c.hypotheses[leading]!.id}' below ${Number(value.toPrecision(3))} would leave it less than even.` };
}

const entropy = (p: number[]): number => p.reduce((sum, x) => (x > 0 ? sum - x * Math.log2(x) : sum), 0);

function look_next(c: Combination, z: ArrayLike<number>, priors: number[], leading: number): Next[] {
    const p = posterior(priors, z);
    const list = c.next.map((n): Next => {
        let left = 0, overturn = 0;
        const outcomes = n.outcomes.map((o) => {
            const l = o.likelihoods.map((x) => x ?? NaN);
            const joint = p.map((x, h) => x * l[h]!), probability = joint.reduce((a, b) => a + b, 0);
            left += probability * entropy(joint.map((x) => (probability > 0 ? x / probability : 0)));
            const after = Array.from(z, (x, h) => x + Math.log(l[h]!)), others = best_of_others(after, leading);
            if (others > after[leading]!) overturn += probability;
            return { ...o, probability, log10_lr: (after[leading]! - others) / LN10 };
        });
        const bits = Math.max(0, entropy(p) - left);
        return { ...n, outcomes, bits, overturn, bits_per_cost: n.cost === null ? null : bits / n.cost };
    });
    list.sort((a, b) => (Math.abs(a.bits - b.bits) > EQUAL ? b.bits - a.bits : a.id < b.id ? -1 : 1));
    let least = Infinity;
    for (const n of list) {
        n.efficient = n.bits > EQUAL && n.cost_usd !== null && n.cost_usd < least;
        least = Math.min(least, n.cost_usd ?? Infinity);
    }
    return list;
}

/** `priors`: those that "what to look for next" goes by. Null if the network is too entangled for a page. */
export function hangs(c: Combination, w: Weigher, changes: Changes, priors: number[], holders: Holder[]): Hangs | null {
    const z = w.evaluate(changes);
    if (!z) return null;
    const [leading, runner_up] = two_best(z), log10_lead = (z[leading]! - z[runner_up]!) / LN10;
    const { list, of } = leave_out(c, w, changes, leading, log10_lead);
    const exhibits = fewest_exhibits(c, w, changes, list, leading);
    const overturn: Overturn[] = [
        { kind: "finding", value: log10_lead, text: `A new, independent and trusted finding that favours '${c.hypotheses[runner_up]!.id}' over '${c.hypotheses[leading]!.id}' by more than 10^${log10_lead.toFixed(2)}.` },
        ...(exhibits ? [exhibits] : []), ...source_limits(c, w, changes, leading),
        ...holders.flatMap((holder) => prior_limit(c, z, holder) ?? []),
    ].slice(0, MOST_OVERTURNS);
    return { leading, runner_up, log10_lead, left_out: list, of, overturn, next: look_next(c, z, priors, leading) };
}
