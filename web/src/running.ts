// SPDX-License-Identifier: Apache-2.0
// running: a case, or one of its instruments, run by `assay serve`, with progress and an end on
// request; and the list of a case's instruments.
import { api, type CaseData, type InstrumentLine, type Job, type Work } from "./api";
import { fill, h } from "./dom";
import { number } from "./number";
import { file_name, finding_parts, fold, result_id } from "./parts/result";

const failure = (error: unknown): string => (error instanceof Error ? error.message : "that did not work");

export interface Runner {
    /** A button that runs `work`; its progress and what came of it are shown in `place`. */
    button(words: string, work: Work, place: HTMLElement, main?: boolean): HTMLButtonElement;
    /** Shows a job that runs already. */
    resume(id: number, place: HTMLElement): void;
}

/** `shown`: is the case still on the page? `done`: its report was made anew. */
export function runner(name: string, shown: () => boolean, done: (work: Work) => void, kept: (work: Work) => void): Runner {
    const enable = (on: boolean) => document.querySelectorAll<HTMLButtonElement>("button.run").forEach((b) => { b.disabled = !on; });
    const say = (place: HTMLElement, words: string | null) => fill(place, h("p", { role: "alert", class: "changed" }, words));

    const follow = async (id: number, place: HTMLElement): Promise<Job> => {
        const bar = h("progress", { max: 1, "aria-label": "Progress of the run" }), words = h("span", { role: "status" }, "starting");
        const cancel = h("button", { type: "button", onclick: () => { cancel.disabled = true; api.cancel(id).catch(() => { /* it has ended */ }); } }, "Cancel");
        fill(place, bar, " ", words, " ", cancel);
        for (;;) {
            const job = await api.job(id);
            if (job.state !== "running" || !shown()) return job;
            if (job.total > 0) bar.value = job.done / job.total;
            words.textContent = job.what ? `${job.what}, ${number(job.done)} of ${number(job.total)}` : "running";
            await new Promise((go_on) => setTimeout(go_on, 300));
        }
    };
    const carry_out = async (work: Work, place: HTMLElement, begin: () => Promise<number>) => {
        enable(false);
        try {
            const job = await follow(await begin(), place);
            if (!shown()) return;
            enable(true);
            if (job.state !== "done") return say(place, job.state === "cancelled" ? "Cancelled. All is as it was." : job.message);
            if (!job.message) return done(work);
            fill(place, h("p", { role: "status" }, job.message));
            kept(work);
        } catch (error) {
            enable(true);
            say(place, failure(error));
        }
    };
    return {
        button: (words, work, place, main = false) => h("button", { type: "button", class: main ? "run main" : "run",
            onclick: () => void carry_out(work, place, async () => (await api.run(name, work)).job) }, words),
        resume: (id, place) => void carry_out({}, place, () => Promise.resolve(id)),
    };
}

/** The instruments that a case names, each with what it found, and a button to run it by itself. */
export function instruments_part(data: CaseData, run: Runner): { element: HTMLElement; place(work: Work): HTMLElement | null; kept(work: Work): void } {
    const parts = data.instruments.map((i) => instrument_part(data.name, i, run, !!data.report?.questions.some((q) => q.id === i.question && q.results.some((r) => r.id === i.finding))));
    const find = (work: Work) => parts.find((p) => p.line.question === work.question && p.line.finding === work.finding);
    return {
        element: h("div", null, h("p", { class: "soft" }, "One that is run by itself keeps its finding. The report is made anew with it if the findings of all others are kept as well."),
            h("ul", { class: "plain-list" }, parts.map((p) => p.element))),
        place: (work) => find(work)?.progress ?? null,
        kept: (work) => find(work)?.show_kept(),
    };
}

function instrument_part(name: string, line: InstrumentLine, run: Runner, in_report: boolean) {
    const progress = h("div", { class: "progress" }), found = h("div"), state = h("span", { class: "soft" });
    const show_kept = () => {
        line.kept = true;
        fill(state);
        fill(found, fold("What it found when it ran last", () => {
            const place = h("div", { role: "status" }, "on its way");
            api.finding(name, line.question, line.finding).then(
                ({ finding }) => fill(place, finding_parts(finding, file_name(`${line.question}-${line.finding}`), { heading: "p" })),
                (error: unknown) => fill(place, failure(error)));
            return place;
        }));
    };
    if (line.kept && in_report) fill(state, " ", h("a", { href: `#${result_id(line.question, line.finding)}` }, "in the report"));
    else if (line.kept) show_kept();
    else state.textContent = " not run yet ";
    const button = run.button("Run", { question: line.question, finding: line.finding }, progress);
    button.setAttribute("aria-label", `Run ${line.finding} of ${line.question}`);
    const element = h("li", null, h("div", { class: "tools" }, h("span", null, h("code", null, line.instrument), " on ", h("code", null, line.input), h("span", { class: "soft" }, ` for ${line.question}`), state), button), progress, found);
    return { line, element, progress, show_kept };
}
