// SPDX-License-Identifier: Apache-2.0
// workbench: the page as `assay serve` gives it: the cases of a folder; one of them with its
// report, its runs, its files and the weighings that were kept.
import { api, Refused, take_token, type CaseData, type Work } from "./api";
import { fill, h } from "./dom";
import { number } from "./number";
import { report_page } from "./page";
import { files_part } from "./files";
import { fold, result_id } from "./parts/result";
import { instruments_part, runner } from "./running";
import type { Saved } from "./saved";
import { table_element } from "./table";

const page = document.getElementById("page")!;
let turn = 0; // what is shown; an answer that comes after something else was opened is dropped

const shell = (title: string, ...children: Parameters<typeof fill>[1][]) => {
    document.title = title;
    fill(page, children);
};

function failed(error: unknown): void {
    const refused = error instanceof Refused ? error : new Refused(0, "the server does not answer: is assay serve still running?");
    shell("Assay", h("main", { class: "bench" }, h("p", { class: "brand" }, "Assay"), h("h1", null, refused.status === 401 ? "The token is missing" : "That did not work"),
        refused.status === 401 ? h("p", null, "Open the whole address that ", h("code", null, "assay serve"), " printed; it ends in ", h("code", null, "#token=…"), ". It is new at every start.")
            : h("p", { role: "alert" }, refused.message),
        h("p", null, h("a", { href: "#" }, "All cases"))));
}

async function list(): Promise<void> {
    const mine = ++turn;
    const { cases, version } = await api.cases();
    if (mine !== turn) return;
    if (cases.length === 1 && !location.hash.includes("list")) return void (location.hash = `case=${cases[0]!.name}`);
    shell("Cases", h("main", { class: "bench" }, h("p", { class: "brand" }, `Assay ${version}`), h("h1", null, "Cases"),
        cases.length === 0 && h("p", null, "No folder here has a case.yaml. Make one with ", h("code", null, "assay case new"), "."),
        h("ul", { class: "cases" }, cases.map((c) => h("li", null,
            h("a", { href: `#case=${encodeURIComponent(c.name)}` }, c.title ?? c.name),
            h("span", { class: "soft" }, ` ${c.name}${c.reported ? "" : ", not run yet"}`),
            c.problem && h("p", { class: "changed" }, c.problem))))));
}

function weighings_part(data: CaseData, current: () => Record<string, Saved>, put: (saved: Record<string, Saved>) => number): HTMLElement {
    const label = h("input", { type: "text", maxlength: 64, pattern: "[A-Za-z0-9_\\-][A-Za-z0-9._\\-]*", placeholder: "name", "aria-label": "Name of this weighing" });
    const said = h("span", { role: "status" });
    const items = h("ul", { class: "plain-list" });
    let kept = data.weighings;
    const tell = (error: unknown) => { said.textContent = error instanceof Error ? error.message : "that did not work"; };
    const show = () => fill(items, kept.map((w) => h("li", null, h("strong", null, w.label), h("span", { class: "soft" }, ` ${w.kept} `),
        h("button", { type: "button", "aria-label": `Show weighing ${w.label}`, onclick: () => {
            try {
                const lost = put(JSON.parse(w.settings) as Record<string, Saved>);
                said.textContent = lost ? `${w.label} is shown; ${number(lost)} of its changes are about things that the case no longer has.` : `${w.label} is shown.`;
            } catch {
                said.textContent = `${w.label} cannot be read.`;
            }
        } }, "Show"), " ",
        h("button", { type: "button", "aria-label": `Delete weighing ${w.label}`, onclick: () => {
            api.forget(data.name, w.label).then(() => { kept = kept.filter((x) => x !== w); show(); }, tell);
        } }, "Delete"))));
    const keep = () => {
        const settings = current();
        api.keep(data.name, label.value, settings).then(async () => {
            kept = (await api.one(data.name)).weighings;
            said.textContent = `${label.value} is kept.`;
            show();
        }, tell);
    };
    show();
    return h("div", null, h("p", { class: "soft" }, "What you changed below, kept under a name. The case and its report stay as they are."),
        h("div", { class: "tools" }, label, h("button", { type: "button", onclick: keep }, "Keep what is shown"), said), items);
}

const unfolded = (details: HTMLElement, open: boolean): HTMLElement => {
    if (open) (details as HTMLDetailsElement).open = true;
    return details;
};

async function open_case(name: string): Promise<void> {
    const mine = ++turn;
    const data = await api.one(name);
    if (mine !== turn) return;
    const changed = h("span", { class: "changed", role: "status" }, "case.yaml has changed since this report was made.");
    changed.hidden = !data.report || data.report.case_sha256 === data.case_sha256;
    const progress = h("div", { class: "progress" });
    const again = (work: Work) => {
        if (mine !== turn) return;
        open_case(name).then(() => {
            const card = work.question ? document.getElementById(result_id(work.question, work.finding!)) : null;
            card?.scrollIntoView();
            card?.focus();
        }, failed);
    };
    const run = runner(name, () => mine === turn, again, (work) => instruments.kept(work));
    const instruments = instruments_part(data, run);
    const { elements, questions } = data.report ? report_page(data.report, (question, finding) => {
        const place = h("div", { class: "progress" });
        const button = run.button("Run this instrument again", { question, finding }, place);
        button.setAttribute("aria-label", `Run this instrument again: ${finding} of ${question}`);
        return h("div", { class: "run-one" }, button, place);
    }) : { elements: [], questions: [] };
    shell(data.report?.title ?? name, h("aside", { class: "bench", "aria-label": "Workbench" },
        h("p", null, h("a", { href: "#list" }, "All cases"), " / ", h("strong", null, name)),
        h("div", { class: "tools" }, run.button(data.report ? "Run what has changed" : "Run the case", {}, progress, true),
            data.report && run.button("Run all of it anew", { fresh: true }, progress), changed),
        progress,
        data.instruments.length > 0 && unfolded(fold("Instruments", () => instruments.element), !data.report),
        questions.length > 0 && fold("Weighings kept", () => weighings_part(data, () => Object.fromEntries(questions.map((q) => [q.id, q.save()])),
            (saved) => questions.reduce((lost, q) => lost + (saved[q.id] ? q.restore(saved[q.id]!) : 0), 0))),
        fold("Files", () => files_part(data, () => { changed.hidden = false; })),
        fold("Runs", () => table_element({
            columns: ["Began (UTC)", "Ended", "State", "SHA-256 of case.yaml", "SHA-256 of the report", "Message"],
            rows: data.runs.map((r) => [r.began, r.ended, r.state, r.case_sha256, r.report_sha256, r.message]),
        }, "Runs of the case"))),
        data.report ? elements : h("main", null, h("h1", null, name), h("p", null, "This case has not been run yet.")));
    if (data.job?.name === name)
        run.resume(data.job.id, (data.job.question && instruments.place({ question: data.job.question, finding: data.job.finding! })) || progress);
}

export function workbench(): void {
    const route = () => {
        take_token();
        const name = /^#case=([^&]+)/.exec(location.hash)?.[1];
        if (name) open_case(decodeURIComponent(name)).catch(failed);
        else if (!location.hash || location.hash === "#list" || location.hash === "#") list().catch(failed);
        // any other hash is a place in the report that is shown
    };
    addEventListener("hashchange", route);
    route();
}
