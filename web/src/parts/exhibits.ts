// SPDX-License-Identifier: Apache-2.0
// exhibits: what the case rests on, a page of rows at a time, searched by any word in a row.
import { fill, h, once_a_frame } from "../dom";
import { number } from "../number";
import type { Exhibit } from "../report";

const PAGE = 50;
const RELIABILITY: Record<string, string> = {
    A: "reliable", B: "usually reliable", C: "fairly reliable", D: "not usually reliable", E: "unreliable", F: "reliability cannot be judged",
};
const CREDIBILITY: Record<string, string> = {
    1: "confirmed", 2: "probably true", 3: "possibly true", 4: "doubtful", 5: "improbable", 6: "truth cannot be judged",
};
export const grade_words = (grade: string): string => `${RELIABILITY[grade[0]!] ?? "?"}, ${CREDIBILITY[grade[1]!] ?? "?"}`;

export function exhibits_section(exhibits: Exhibit[]): HTMLElement {
    let from = 0, found = exhibits;
    const body = h("tbody"), where = h("p", { class: "soft", role: "status" });
    const button = (words: string, by: number) => h("button", { type: "button", onclick: () => { from += by; show(); } }, words);
    const back = button("Earlier", -PAGE), on = button("Later", PAGE);
    const show = () => {
        from = Math.max(0, Math.min(from, found.length - 1));
        from -= from % PAGE;
        fill(body, found.slice(from, from + PAGE).map((e) => h("tr", { id: `exhibit-${e.id}` },
            h("th", { scope: "row" }, e.id),
            h("td", null, e.statement ?? h("code", null, e.file), e.said_by && h("span", { class: "soft" }, ` (${e.said_by})`),
                e.sha256 && h("div", { class: "digest" }, h("code", null, e.sha256))),
            h("td", null, e.source), h("td", { class: "d" }, e.date),
            h("td", null, h("abbr", { title: grade_words(e.grade) }, e.grade)))));
        fill(where, found.length ? `${number(from + 1)} to ${number(Math.min(found.length, from + PAGE))} of ${number(found.length)}` : "None has these words.");
        back.disabled = from === 0;
        on.disabled = from + PAGE >= found.length;
    };
    const search = h("input", { type: "search", placeholder: "words in an exhibit", "aria-label": "Search the exhibits" });
    search.addEventListener("input", once_a_frame(() => {
        const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
        found = exhibits.filter((e) => {
            const all = [e.id, e.statement, e.file, e.said_by, e.source, e.date, e.grade].join(" ").toLowerCase();
            return words.every((word) => all.includes(word));
        });
        from = 0;
        show();
    }));
    show();
    const paged = exhibits.length > PAGE;
    return h("section", { id: "exhibits", "aria-labelledby": "exhibits-title" },
        h("h2", { id: "exhibits-title" }, "Exhibits"),
        h("p", null, "Grades are the reader's (Admiralty): a letter for the source, a digit for what it says."),
        paged && h("div", { class: "tools", role: "search" }, search, back, on),
        paged && where,
        h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of exhibits" },
            h("table", null,
                h("thead", null, h("tr", null, ["Id", "What it says", "Source", "Date", "Grade"].map((t) => h("th", { scope: "col" }, t)))),
                body)));
}
