// SPDX-License-Identifier: Apache-2.0
// table: numbers as a table and as CSV. Long tables show their first rows; the CSV holds all.
import { h } from "./dom";
import { number } from "./number";

export type Cell = string | number | null | undefined;
export interface Table {
    columns: string[];
    rows: Cell[][];
}

export const SHOWN_ROWS = 200;

/** The table in a box that scrolls by itself, and by keyboard. */
export function table_element(table: Table, label: string): HTMLElement {
    const numeric = table.columns.map((_, i) => table.rows.some((row) => typeof row[i] === "number"));
    const mark = (i: number) => (numeric[i] ? "n" : null);
    const shown = table.rows.slice(0, SHOWN_ROWS);
    return h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": label },
        h("table", null,
            h("thead", null, h("tr", null, table.columns.map((name, i) => h("th", { scope: "col", class: mark(i) }, name)))),
            h("tbody", null, shown.map((row) => h("tr", null, row.map((cell, i) => {
                const text = typeof cell === "number" ? number(cell) : cell ?? "–";
                if (typeof cell === "string" && /^[0-9a-f]{64}$/.test(cell)) return h("td", null, h("code", { class: "sha" }, cell));
                return i ? h("td", { class: mark(i) }, text) : h("th", { scope: "row" }, text);
            }))))),
        table.rows.length > shown.length &&
            h("p", { class: "soft" }, `The first ${shown.length} of ${number(table.rows.length)} rows; the CSV holds all.`));
}

/** RFC 4180. A text that a spreadsheet would run as a formula is led by an apostrophe. */
export function csv(table: Table): string {
    const cell = (value: Cell): string => {
        if (value === null || value === undefined) return "";
        if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
        const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
        return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    return [table.columns, ...table.rows].map((row) => row.map(cell).join(",") + "\r\n").join("");
}
