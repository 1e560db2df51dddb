// SPDX-License-Identifier: Apache-2.0
// saved: what a reader changed in a question, by names, so that it outlives a report computed anew.
import type { View } from "./view";
import { no_changes } from "./weigh";

export interface Saved {
    findings_out: string[];
    nodes_out: string[]; // "kind name"
    probability: [node: string, chance: number][];
    correlation: [dependence: string, value: number][];
    priors: [hypothesis: string, probability: number][];
    holder: string;
    chose_priors: boolean;
}

const node_key = (node: { kind: string; name: string }) => `${node.kind} ${node.name}`;

export function save(view: View): Saved {
    const { c, changes } = view;
    return {
        findings_out: [...changes.findings_out].map((f) => c.findings[f]!.id),
        nodes_out: [...changes.nodes_out].map((i) => node_key(c.nodes[i]!)),
        probability: [...changes.probability].map(([i, p]) => [node_key(c.nodes[i]!), p]),
        correlation: [...changes.correlation].map(([g, x]) => [c.dependences[g]!.id, x]),
        priors: c.hypotheses.map((h, i) => [h.id, view.priors[i]!]),
        holder: view.holder,
        chose_priors: view.chose_priors,
    };
}

/** What no longer has its name is passed over; the number of such things. */
export function restore(view: View, saved: Saved): number {
    const { c } = view;
    let lost = 0;
    const find = (at: number, use: (i: number) => void) => (at >= 0 ? use(at) : void lost++);
    const share = (x: number) => Math.min(1, Math.max(0, Number(x) || 0));
    view.changes = no_changes();
    for (const id of saved.findings_out) find(c.findings.findIndex((f) => f.id === id), (i) => view.changes.findings_out.add(i));
    for (const key of saved.nodes_out) find(c.nodes.findIndex((n) => node_key(n) === key), (i) => view.changes.nodes_out.add(i));
    for (const [key, p] of saved.probability) find(c.nodes.findIndex((n) => node_key(n) === key), (i) => view.changes.probability.set(i, share(p)));
    for (const [id, x] of saved.correlation) find(c.dependences.findIndex((d) => d.id === id), (g) => view.changes.correlation.set(g, share(x)));
    const priors = c.hypotheses.map((h) => share(saved.priors.find(([id]) => id === h.id)?.[1] ?? 0));
    const sum = priors.reduce((a, b) => a + b, 0);
    if (sum > 0) view.priors = priors.map((p) => p / sum);
    view.holder = String(saved.holder);
    view.chose_priors = saved.chose_priors === true;
    return lost;
}
