// SPDX-License-Identifier: Apache-2.0
// browser: what the tests in a browser share: Chromium without network, TAP.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

export const SOURCE = process.env.ASSAY_SOURCE;
export const require = createRequire(join(SOURCE, "web", "package.json"));
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

/** A browser, or nothing: then the whole test is skipped and says so. */
export async function browser() {
    if (!CHROMIUM) {
        console.log("1..0 # SKIP no Chromium is installed");
        process.exit(0);
    }
    return await require("playwright-core").chromium.launch({
        executablePath: CHROMIUM,
        args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync"],
    });
}

/** A page that remembers what went wrong in it and every request beyond its own. */
export async function open(chromium, address, options = {}) {
    const page = await chromium.newPage({ viewport: { width: 1200, height: 900 }, ...options });
    page.wrong = [];
    page.asked = [];
    page.on("console", (message) => { if (["error", "warning"].includes(message.type())) page.wrong.push(message.text()); });
    page.on("pageerror", (error) => page.wrong.push(String(error)));
    page.on("dialog", (dialog) => { page.wrong.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on("request", (request) => { if (!/^(file|data|blob):/.test(request.url())) page.asked.push(request.url()); });
    await page.goto(address);
    return page;
}

/** What axe finds against WCAG 2.2 A and AA and its best practices. */
export async function accessibility(page) {
    // run by the debugger, for the page's policy lets no script in
    await page.evaluate(require("axe-core").source);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    return violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(" ")).join(", ")}`);
}

/** Runs the tests in order; each throws or returns. A returned text is printed beside its name. */
export async function tap(tests) {
    console.log(`1..${tests.length}`);
    let failed = 0, number = 0;
    for (const test of tests) {
        number++;
        try {
            const remark = await test();
            console.log(`ok ${number} - ${test.name}`);
            if (remark) console.log(`# ${remark}`);
        } catch (error) {
            failed++;
            console.log(`not ok ${number} - ${test.name}`);
            console.log(String(error.stack ?? error).replace(/^/gm, "# "));
        }
    }
    return failed;
}
