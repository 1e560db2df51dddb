// SPDX-License-Identifier: Apache-2.0
// bench_page.mjs: a case of 10,000 exhibits and 100 hypotheses (bench/make_case.py) as a page in a
// headless Chromium: how long it takes to open and draw, and how soon a change is redrawn.
// Needs ASSAY (the program) and ASSAY_SOURCE (the tree).
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { browser, open, SOURCE } from "../tests/browser.mjs";

const chromium = await browser();
const folder = mkdtempSync(join(tmpdir(), "assay-bench-page-"));
execFileSync("python3", [join(SOURCE, "bench/make_case.py"), folder]);
execFileSync(process.env.ASSAY, ["case", "run", folder, "--data", join(SOURCE, "data")], { stdio: "ignore" });
const file = join(folder, "out", "report.html");
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

const opened = [];
let page;
for (let i = 0; i < 5; i++) {
    await page?.close();
    const started = performance.now();
    page = await open(chromium, pathToFileURL(file).href);
    await page.locator("figure svg").first().waitFor();
    opened.push((performance.now() - started) / 1000);
}
await page.locator(".reweigh > summary").first().click();
const redrawn = await page.evaluate(async () => {
    const time = async (element, event, set) => {
        const headline = document.querySelector(".headline");
        const done = new Promise((d) => new MutationObserver((_, o) => { o.disconnect(); d(); }).observe(headline, { childList: true }));
        const started = performance.now();
        set();
        element.dispatchEvent(new Event(event));
        await done;
        return performance.now() - started;
    };
    const priors = document.querySelector(".controls select"), finding = document.querySelector(".check input");
    const result = { prior: [], finding: [] };
    for (let i = 0; i < 9; i++) {
        result.prior.push(await time(priors, "change", () => { priors.value = "0"; }));
        result.finding.push(await time(finding, "change", () => { finding.checked = !finding.checked; }));
    }
    return result;
});
console.log(`page of 10,000 exhibits and 100 hypotheses, ${(statSync(file).size / 1e6).toFixed(1)} MB`);
console.log(`opened and drawn           ${median(opened).toFixed(2)} s   (median of 5)`);
console.log(`a prior changed, redrawn   ${median(redrawn.prior).toFixed(0)} ms  (median of 9)`);
console.log(`a finding left out         ${median(redrawn.finding).toFixed(0)} ms  (median of 9)`);
await chromium.close();
rmSync(folder, { recursive: true });
