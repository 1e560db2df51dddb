// SPDX-License-Identifier: Apache-2.0
// controls: what a reader can change: priors, findings, exhibits, sources, dependences. Each change
// calls back; nothing is computed here.
import { fill, h, fresh_id } from "../dom";
import { fixed, number, percent } from "../number";
import type { Combination } from "../report";
import type { View } from "../view";
import { no_changes } from "../weigh";

const MOST = 40; // of a kind; the most telling first

/** A range with its name and its value in words. */
function slider(name: string, value: number, say: (x: number) => string, changed: (x: number) => void): HTMLElement {
    const id = fresh_id("range");
    const output = h("output", { for: id }, say(value));
    const input = h("input", { type: "range", id, min: 0, max: 1, step: "any", value, "aria-valuetext": say(value) });
    input.addEventListener("input", () => {
        const x = Number(input.value);
        output.textContent = say(x);
        input.setAttribute("aria-valuetext", say(x));
        changed(x);
    });
    return h("div", { class: "slider" }, h("label", { for: id }, name), input, output);
}

function check(name: Parameters<typeof h>[2], on: boolean, changed: (on: boolean) => void): HTMLElement {
    const input = h("input", { type: "checkbox" });
    input.checked = on;
    input.addEventListener("change", () => changed(input.checked));
    return h("label", { class: "check" }, input, h("span", null, name));
}

export interface Controls {
    element: HTMLElement;
    show(): void; // after the view was changed from elsewhere
}

export function controls(view: View, describe: (exhibit: string) => string, weighed: () => void, prior_changed: () => void): Controls {
    const c = view.c;
    const element = h("div", { class: "controls" });
    const priors = h("fieldset"), switches = h("div", { class: "switches" });
    const reset = h("button", { type: "button", onclick: () => { view.changes = no_changes(); build(); weighed(); } }, "Put everything back");
    element.append(priors, switches, h("div", { class: "tools" }, reset));

    const set_prior = (at: number, value: number) => {
        // the others keep their proportions
        const rest = view.priors.reduce((sum, p, i) => (i === at ? sum : sum + p), 0);
        const share = Math.min(0.999, Math.max(0.001, value));
        view.priors = view.priors.map((p, i) => (i === at ? share : rest > 0 ? (p / rest) * (1 - share) : (1 - share) / (c.hypotheses.length - 1)));
        view.holder = "";
        view.chose_priors = true;
        prior_changed();
        build_priors(at);
    };
    const build_priors = (moving?: number) => {
        const choices: [string, number[]][] = [
            ...c.posteriors.map((p): [string, number[]] => [p.held_by, p.rows.map((row) => row.prior ?? 0)]),
            ["", view.equal()],
        ];
        const select = h("select", { "aria-label": "Whose priors" },
            choices.map(([who], i) => h("option", { value: i }, who || "equal for all")),
            h("option", { value: -1 }, "mine, by the sliders"));
        const now = choices.findIndex(([, p]) => p.every((x, i) => Math.abs(x - view.priors[i]!) < 1e-12));
        select.value = String(now);
        select.addEventListener("change", () => {
            const choice = choices[Number(select.value)];
            if (!choice) return;
            view.holder = choice[0];
            view.priors = choice[1];
            view.chose_priors = true;
            prior_changed();
            build_priors();
        });
        if (moving !== undefined) { // a slider is held: only the others' values change
            priors.querySelector("select")!.value = String(now);
            const rows = priors.querySelectorAll<HTMLElement>(".slider");
            rows.forEach((row, i) => {
                if (i === moving) return;
                const input = row.querySelector("input")!;
                input.value = String(view.priors[i]);
                input.setAttribute("aria-valuetext", percent(view.priors[i]));
                row.querySelector("output")!.textContent = percent(view.priors[i]);
            });
            return;
        }
        fill(priors, h("legend", null, "Prior probabilities"), select,
            c.hypotheses.length <= 12 && c.hypotheses.map((hypothesis, i) =>
                slider(hypothesis.text ?? hypothesis.id, view.priors[i]!, percent, (x) => set_prior(i, x))));
    };

    const flip = (set: Set<number>, i: number) => (on: boolean) => {
        if (on) set.delete(i);
        else set.add(i);
        weighed();
    };
    const most_telling = [...c.findings.keys()].sort((a, b) => c.findings[b]!.bits - c.findings[a]!.bits);
    const build_switches = () => {
        const nodes = (kind: string) => [...c.nodes.keys()].filter((i) => c.nodes[i]!.kind === kind);
        const part = (name: string, note: string, items: HTMLElement[], of: number) =>
            items.length > 0 && h("fieldset", null, h("legend", null, name), h("p", { class: "soft" }, note,
                of > items.length && ` The ${items.length} that tell most of ${number(of)}.`), items);
        const told_by = new Map<number, number>(); // node: the most bits of a finding that it is a cause of
        c.findings.forEach((f) => f.parents.forEach((node) => told_by.set(node, Math.max(told_by.get(node) ?? 0, f.bits))));
        const by_bits = (a: number, b: number) => (told_by.get(b) ?? 0) - (told_by.get(a) ?? 0);
        const sources = nodes("source").sort(by_bits), exhibits = nodes("exhibit").sort(by_bits);
        fill(switches,
            part("Findings", "Without a mark it is left out.", most_telling.slice(0, MOST).map((f) =>
                check([h("strong", null, c.findings[f]!.id), " ", c.findings[f]!.text], !view.changes.findings_out.has(f), flip(view.changes.findings_out, f))), c.findings.length),
            part("Exhibits", "Without one, every finding that rests on it is left out.", exhibits.slice(0, MOST).map((i) =>
                check([h("strong", null, c.nodes[i]!.name), " ", describe(c.nodes[i]!.name)], !view.changes.nodes_out.has(i), flip(view.changes.nodes_out, i))), exhibits.length),
            part("Sources", "The chance that what this source says depends on the truth at all.", sources.slice(0, MOST).map((i) =>
                slider(c.nodes[i]!.name, view.changes.probability.get(i) ?? c.nodes[i]!.probability, percent, (x) => {
                    // 0 and 1 would leave nothing to weigh, or make a source infallible
                    view.changes.probability.set(i, Math.min(0.999, Math.max(0.001, x)));
                    weighed();
                })), sources.length),
            part("Dependence", "0: these findings count as if they were independent; 1: all together count once.", c.dependences.map((d, g) =>
                d.findings.length > 1 && slider(`${d.findings.map((f) => c.findings[f]!.id).join(", ")}${d.because ? `: ${d.because}` : ""}`,
                    view.changes.correlation.get(g) ?? d.correlation, (x) => fixed(x), (x) => {
                        view.changes.correlation.set(g, x);
                        weighed();
                    })).filter((x): x is HTMLElement => x !== false).slice(0, MOST), c.dependences.length));
    };
    const build = () => { build_priors(); build_switches(); };
    build();
    return { element, show: build };
}

/** What a reader has changed, in words. */
export function changes_in_words(c: Combination, view: View): string[] {
    const { findings_out, nodes_out, probability, correlation } = view.changes;
    return [
        findings_out.size ? `without ${[...findings_out].map((f) => c.findings[f]!.id).join(", ")}` : "",
        nodes_out.size ? `without exhibit ${[...nodes_out].map((i) => c.nodes[i]!.name).join(", ")}` : "",
        ...[...probability].map(([i, p]) => `${c.nodes[i]!.name} trusted ${percent(p)} instead of ${percent(c.nodes[i]!.probability)}`),
        ...[...correlation].map(([g, x]) => `dependence ${c.dependences[g]!.id} ${fixed(x)} instead of ${fixed(c.dependences[g]!.correlation)}`),
    ].filter(Boolean);
}
