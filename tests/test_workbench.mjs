// SPDX-License-Identifier: Apache-2.0
// test_workbench.mjs: the page of `assay serve` in a headless Chromium: cases, a run with its
// progress, a file that is dropped in, weighings that are kept. Prints TAP.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accessibility, browser, open, SOURCE, tap } from "./browser.mjs";

const chromium = await browser();
const folder = mkdtempSync(join(tmpdir(), "assay-bench-"));
const HOSTILE = "</script><img src=x onerror=alert(1)>";
const case_of = (title) => `title: "${title}"
exhibits:
  - {id: E1, statement: "Said ${HOSTILE}", said_by: Somebody, source: A paper, date: 2026-01, grade: B2}
questions:
  - id: q
    text: Which?
    kind: other
    hypotheses: [{id: a}, {id: b}, {id: c, none_of_these: true}]
    findings:
      - {id: f, text: Seen, because: Made up, exhibits: [E1], likelihoods: {a: 0.8 (0.6 to 0.9), b: 0.1 (0.05 to 0.2), c: 0.2 (0.1 to 0.4)}}
      - {id: g, text: Seen again, because: Made up, exhibits: [E1], likelihoods: {a: 0.7 (0.5 to 0.9), b: 0.2 (0.1 to 0.3), c: 0.2 (0.1 to 0.4)}}
`;
for (const [name, title] of [["first", "The first case"], ["second", `The second ${HOSTILE}`]]) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "case.yaml"), case_of(title));
}

// of one instrument that is quick and one that is not
cpSync(join(SOURCE, "cases", "renamed-copy"), join(folder, "third"), { recursive: true, filter: (from) => !from.endsWith("/out") });
cpSync(join(SOURCE, "cases", "taught-writer", "lab.yaml"), join(folder, "third", "lab.yaml"));
const third = readFileSync(join(folder, "third", "case.yaml"), "utf8");
writeFileSync(join(folder, "third", "case.yaml"), third.replace("    instruments:\n", "    instruments:\n      - {instrument: lab.run, input: lab.yaml, id: slow}\n"));

const server = spawn(process.env.ASSAY, ["serve", folder, "--json", "--data", join(SOURCE, "data")], { stdio: ["ignore", "pipe", "inherit"] });
const address = await new Promise((found, failed) => {
    let text = "";
    server.stdout.on("data", (piece) => {
        text += piece;
        if (text.trimEnd().endsWith("}")) found(JSON.parse(text).address);
    });
    server.on("exit", () => failed(new Error("assay serve ended")));
});
const origin = new URL(address).origin;
const elsewhere = (page) => page.asked.filter((url) => !url.startsWith(origin));

async function without_the_token_the_page_says_what_to_do() {
    const page = await open(chromium, `${origin}/`);
    await page.getByText("The token is missing").waitFor();
    assert.deepEqual(await accessibility(page), []);
    await page.close();
}

async function the_cases_of_the_folder_are_listed() {
    const page = await open(chromium, address);
    await page.getByRole("link", { name: "The first case" }).waitFor();
    assert.ok((await page.locator("body").innerText()).includes(HOSTILE));
    assert.ok(!page.url().includes("token"), "the token does not stay in the address");
    assert.deepEqual(await accessibility(page), []);
    assert.deepEqual(page.wrong, []);
    assert.deepEqual(elsewhere(page), []);
    await page.close();
}

async function a_case_is_run_from_the_page() {
    const page = await open(chromium, address);
    await page.getByRole("link", { name: /The second/ }).click();
    await page.getByRole("button", { name: "Run the case" }).click();
    await page.locator(".headline").waitFor({ timeout: 60_000 });
    assert.ok(existsSync(join(folder, "second", "out", "report.html")));
    for (const summary of await page.locator("summary:visible").all()) await summary.click();
    assert.deepEqual(await accessibility(page), []);
    assert.deepEqual(page.wrong, []);
    assert.deepEqual(elsewhere(page), []);
    await page.close();
}

async function one_instrument_is_run_from_the_page_and_another_cancelled() {
    const page = await open(chromium, address);
    await page.getByRole("link", { name: /third/ }).or(page.locator(".cases li").filter({ hasText: "third" }).getByRole("link")).first().click();
    const line = (name) => page.locator("aside li").filter({ has: page.locator(`button[aria-label^="Run ${name} "]`) });
    await line("slow").getByText("not run yet").waitFor();
    await line("slow").getByRole("button", { name: "Run" }).click();
    await line("slow").getByRole("progressbar").waitFor();
    assert.ok(await page.getByRole("button", { name: "Run the case" }).isDisabled(), "one at a time");
    await page.getByText(/of \d+$/).waitFor({ timeout: 60_000 });
    await line("slow").getByRole("button", { name: "Cancel" }).click();
    await line("slow").getByText("Cancelled.").waitFor({ timeout: 60_000 });
    await line("slow").getByText("not run yet").waitFor();
    const quick = page.locator("aside li").filter({ hasText: "lineage.compare" }).first();
    await quick.getByRole("button", { name: "Run" }).click();
    await quick.getByText(/The finding is kept\..*slow/).waitFor({ timeout: 60_000 });
    await quick.getByText("What it found when it ran last").click();
    await quick.locator("figure svg").first().waitFor();
    assert.deepEqual(await accessibility(page), []);
    assert.deepEqual(page.wrong, []);
    assert.deepEqual(elsewhere(page), []);
    await page.close();
}

async function an_instrument_is_run_again_from_its_card() {
    writeFileSync(join(folder, "third", "case.yaml"), third);
    const page = await open(chromium, `${address}&case=third`.replace(/#token=(\w+)&case=third/, "#case=third&token=$1"));
    await page.getByRole("button", { name: "Run the case" }).click();
    await page.locator(".headline").first().waitFor({ timeout: 60_000 });
    const card = page.locator(".result").first(), made = () => existsSync(join(folder, "third", "out", "report.json"));
    assert.ok(made());
    rmSync(join(folder, "third", "out", "report.json"));
    await card.getByRole("button", { name: /^Run this instrument again/ }).click();
    await page.waitForFunction(() => document.activeElement?.classList.contains("result"), null, { timeout: 60_000 });
    assert.ok(made(), "the report is made anew with it");
    for (const summary of await page.locator("summary:visible").all()) await summary.click();
    assert.deepEqual(await accessibility(page), []);
    assert.deepEqual(page.wrong, []);
    await page.close();
}

async function a_weighing_is_kept_and_shown_again() {
    const page = await open(chromium, address);
    await page.getByRole("link", { name: /The second/ }).click();
    await page.locator(".reweigh > summary").click();
    await page.locator(".check input").first().uncheck();
    await page.getByText("As you changed it:").waitFor();
    const changed = await page.locator(".headline").innerText();
    await page.getByText("Weighings kept").click();
    await page.getByLabel("Name of this weighing").fill("sceptical");
    await page.getByRole("button", { name: "Keep what is shown" }).click();
    await page.getByText("sceptical is kept.").waitFor();
    await page.reload();
    await page.locator(".headline").waitFor();
    assert.notEqual(await page.locator(".headline").innerText(), changed);
    await page.getByText("Weighings kept").click();
    await page.getByRole("button", { name: "Show weighing sceptical" }).click();
    await page.waitForFunction((text) => document.querySelector(".headline").innerText === text, changed);
    await page.getByRole("button", { name: "Delete weighing sceptical" }).click();
    await page.getByRole("button", { name: "Delete weighing sceptical" }).waitFor({ state: "detached" });
    assert.deepEqual(page.wrong, []);
    await page.close();
}

async function a_file_is_dropped_in_and_becomes_an_exhibit() {
    const page = await open(chromium, address);
    await page.getByRole("link", { name: "The first case" }).click();
    await page.getByText("Files", { exact: true }).click();
    await page.locator(".drop").waitFor();
    const drop = (text) => page.evaluate((content) => { // as a hand would
        const data = new DataTransfer();
        data.items.add(new File([content], "a claim (1).yaml"));
        document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }, text);
    await drop("name: x\n");
    await page.getByText("a-claim-1-.yaml is in the case's folder.").waitFor();
    assert.equal(readFileSync(join(folder, "first", "a-claim-1-.yaml"), "utf8"), "name: x\n");
    await drop("name: y\n");
    await page.getByText("is not written over").waitFor();
    assert.equal(readFileSync(join(folder, "first", "a-claim-1-.yaml"), "utf8"), "name: x\n");
    await page.getByRole("button", { name: "Put it beside as a-claim-1--2.yaml" }).click();
    await page.getByText("a-claim-1--2.yaml is in the case's folder.").waitFor();
    assert.equal(readFileSync(join(folder, "first", "a-claim-1--2.yaml"), "utf8"), "name: y\n");
    assert.deepEqual(await accessibility(page), []);

    const before = readFileSync(join(folder, "first", "case.yaml"), "utf8");
    await page.getByLabel("Where it is from").fill(`A drawer ${HOSTILE}`);
    await page.getByLabel("Its id").fill("E1");
    await page.getByRole("button", { name: "Make it an exhibit" }).click();
    await page.getByText(/exhibit E1 stands twice/).waitFor();
    assert.equal(readFileSync(join(folder, "first", "case.yaml"), "utf8"), before);
    await page.getByLabel("Its id").fill("drawer");
    await page.getByLabel("Grade of the source").selectOption("C3");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter"); // by keyboard
    await page.getByText("drawer is an exhibit").waitFor();
    const after = readFileSync(join(folder, "first", "case.yaml"), "utf8");
    assert.ok(after.includes('grade: "C3"') && after.length > before.length, after);
    await page.getByRole("button", { name: "Run the case" }).click();
    await page.locator("#exhibit-drawer").waitFor({ timeout: 60_000 });
    assert.deepEqual(page.wrong.filter((words) => !/status of 4(00|09)/.test(words)), []); // of the two refusals
    assert.deepEqual(elsewhere(page), []);
    await page.close();
}

const failed = await tap([
    without_the_token_the_page_says_what_to_do,
    the_cases_of_the_folder_are_listed,
    a_case_is_run_from_the_page,
    one_instrument_is_run_from_the_page_and_another_cancelled,
    an_instrument_is_run_again_from_its_card,
    a_weighing_is_kept_and_shown_again,
    a_file_is_dropped_in_and_becomes_an_exhibit,
]);
await chromium.close();
const ended = new Promise((done) => server.on("exit", done));
server.kill("SIGINT");
const code = await ended;
rmSync(folder, { recursive: true });
process.exit(failed || code !== 0 ? 1 : 0);
