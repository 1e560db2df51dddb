// SPDX-License-Identifier: Apache-2.0
// api: what `assay serve` is asked (docs/page.md), with the token of this start.
import { parse, type Finding, type Report } from "./report";

export interface CaseLine { name: string; title: string | null; reported: boolean; problem?: string }
export interface Run { id: number; case_sha256: string; began: string; ended: string | null; state: string; message: string | null; report_sha256: string | null }
/** What is to run: all that is not kept, all anew, or one instrument by the ids of its question and finding. */
export interface Work { question?: string; finding?: string; fresh?: boolean }
export interface InstrumentLine { question: string; finding: string; instrument: string | null; input: string | null; kept: boolean }
export interface Job { id: number; name: string; question: string | null; finding: string | null; state: "running" | "done" | "failed" | "cancelled"; what: string; done: number; total: number; message: string | null }
export interface CaseData {
    name: string;
    case_sha256: string | null;
    report: Report | null;
    instruments: InstrumentLine[];
    exhibit_files: string[]; // files that case.yaml names as exhibits
    files: { name: string; bytes: number }[];
    came: { file: string; sha256: string; bytes: number; came: string }[];
    runs: Run[];
    weighings: { label: string; settings: string; kept: string }[];
    job: Job | null;
}

/** An answer that is no success, in words. */
export class Refused extends Error {
    constructor(readonly status: number, message: string) { super(message); }
}

const KEPT = "assay-token";

/** The token of the address that the program printed; kept for this tab alone. */
export function take_token(): void {
    const given = /(?:^#|&)token=([0-9a-f]{64})/.exec(location.hash)?.[1];
    if (!given) return;
    sessionStorage.setItem(KEPT, given);
    history.replaceState(null, "", location.pathname + location.hash.replace(/&?token=[0-9a-f]{64}/, ""));
}

async function ask<T>(method: string, path: string, body?: Blob | string): Promise<T> {
    const answer = await fetch(`/api/${path}`, { method, body, headers: { "X-Assay-Token": sessionStorage.getItem(KEPT) ?? "" } });
    const text = await answer.text();
    let value: unknown = null;
    try {
        value = parse(text);
    } catch {
        throw new Refused(answer.status, "the answer is not JSON");
    }
    if (!answer.ok) throw new Refused(answer.status, (value as { error?: string } | null)?.error ?? `status ${answer.status}`);
    return value as T;
}

/** A name that the server takes: other letters become hyphens. */
export const plain_name = (given: string): string => given.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^\.+/, "").slice(-64) || "file";

const name = encodeURIComponent;
export const api = {
    cases: () => ask<{ cases: CaseLine[]; version: string }>("GET", "cases"),
    one: (of: string) => ask<CaseData>("GET", `cases/${name(of)}`),
    run: (of: string, work: Work) => ask<{ job: number }>("POST", `cases/${name(of)}/run`, JSON.stringify(work)),
    finding: (of: string, question: string, finding: string) => ask<{ finding: Finding }>("GET", `cases/${name(of)}/findings/${name(question)}/${name(finding)}`),
    job: (id: number) => ask<Job>("GET", `jobs/${id}`),
    cancel: (id: number) => ask<Job>("POST", `jobs/${id}/cancel`),
    drop: (of: string, file: File, as: string) => ask<{ file: string; sha256: string; bytes: number }>("PUT", `cases/${name(of)}/files/${name(as)}`, file),
    add_exhibit: (of: string, entry: Record<string, string>) => ask<unknown>("POST", `cases/${name(of)}/exhibits`, JSON.stringify(entry)),
    keep: (of: string, label: string, settings: unknown) => ask<unknown>("PUT", `cases/${name(of)}/weighings/${name(label)}`, JSON.stringify(settings)),
    forget: (of: string, label: string) => ask<unknown>("DELETE", `cases/${name(of)}/weighings/${name(label)}`),
};
