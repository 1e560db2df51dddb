// SPDX-License-Identifier: Apache-2.0
// sensitivity: what becomes of the lead without each thing that it rests on; what would overturn
// it; and what to look for next.
import { bars_chart } from "../charts/bars";
import { next_chart } from "../charts/next";
import { h } from "../dom";
import { figure, type Drawing } from "../figure";
import { fixed, number, percent } from "../number";
import type { Combination } from "../report";
import type { Table } from "../table";
import { name_of } from "./combined";
import { folding } from "./result";

const label = (l: Combination["left_out"][number]) => `${l.kind} ${l.id}`;

export function sensitivity_section(c: Combination, file: string): HTMLElement {
    const leader = name_of(c, c.leading), next = name_of(c, c.runner_up);
    const drawing = (shown: Combination["left_out"]): Drawing => ({
        title: `Without one thing: log10 ratio of ${leader} over the best other`, file: `${file}-sensitivity`,
        note: [`With everything it is ${fixed(c.log10_lead)}, over ${next}. Below nought another hypothesis leads.`, c.left_out_total > c.left_out.length && ` The ${number(c.left_out.length)} largest changes of ${number(c.left_out_total)}.`],
        legend: [["g0", "it still leads"], ["g1", "another leads"]],
        draw: (width) => bars_chart([{ label: "with everything", group: "it still leads", value: c.log10_lead, low: NaN, high: NaN },
            ...shown.map((l) => ({ label: label(l), group: l.overturns ? "another leads" : "it still leads", value: l.log10_lr, low: NaN, high: NaN }))], "log10 likelihood ratio", width, fixed),
        table: (): Table => ({
            columns: ["Without", "Which", "What it is", "log10 ratio", "Change", "In words", "Leads then"],
            rows: c.left_out.map((l) => [l.kind, l.id, l.text, l.log10_lr, l.change, l.words, name_of(c, l.leading)]),
        }),
    });
    return h("section", { "aria-label": `Sensitivity of ${file}` },
        h("h3", null, "What it hangs on"),
        c.overturn.length > 0 && h("div", { class: "cannot" }, h("h4", { class: "small" }, "What would overturn it"), h("ul", null, c.overturn.map((o) => h("li", null, o.text)))),
        c.left_out.length > 0 && folding(c.left_out, "things", (shown) => figure(drawing(shown)), (f, shown) => f.redraw(drawing(shown))));
}

export function next_section(c: Combination, file: string): HTMLElement | null {
    if (!c.next.length) return null;
    // all on one axis if the case says what its units are worth
    const in_usd = c.next.every((n) => n.cost === null || n.cost_usd !== null);
    const unit_of = (n: Combination["next"][number]) => in_usd ? "USD" : n.cost_unit ?? "";
    const cost_of = (n: Combination["next"][number]) => in_usd ? n.cost_usd : n.cost;
    const units = [...new Set(c.next.map(unit_of))];
    const table = (): Table => ({
        columns: ["What", "Bits expected", "Cost", "Unit", "Cost in USD", "Nothing as cheap tells as much", "Chance that another hypothesis leads after it", "Instrument", "Why", "What it may show: chance, log10 ratio then"],
        rows: c.next.map((n) => [n.text, n.bits, n.cost, n.cost_unit, n.cost_usd, n.efficient ? "yes" : "no", n.overturn, n.instrument, n.because,
            n.outcomes.map((o) => `${o.text}: ${percent(o.probability)}, ${fixed(o.log10_lr)}`).join("; ")]),
    });
    // costs of different units cannot stand on one axis
    return h("section", { "aria-label": `What to look for next for ${file}` },
        h("h3", null, "What to look for next"),
        units.map((unit) => {
            const of_unit = c.next.filter((n) => unit_of(n) === unit);
            const costed = of_unit.filter((n) => cost_of(n) !== null);
            const drawing: Drawing = costed.length > 0 ? {
                title: `Information expected against cost${unit ? ` in ${unit}` : ""}`, file: `${file}-next`,
                note: of_unit.length > costed.length ? `${of_unit.length - costed.length} have no stated cost and stand in the numbers alone.` : null,
                draw: (width) => next_chart(costed.map((n) => ({ name: n.text, bits: n.bits, cost: cost_of(n)! })), unit, width), table,
            } : {
                title: "Information expected, cost not stated", file: `${file}-next`,
                draw: (width) => bars_chart(of_unit.map((n) => ({ label: n.text, group: null, value: n.bits, low: NaN, high: NaN })), "bits", width), table,
            };
            return figure(drawing).element;
        }));
}
