// SPDX-License-Identifier: Apache-2.0
// build.mjs OUT.c FOLDER [--tests]: installs what the page needs (once a lockfile), builds the page
// in FOLDER and writes it as two C arrays, before and after the place of a report's JSON.
// Meson runs it (src/report/meson.build); people run it by `./dev build`.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const [out, folder, ...rest] = process.argv.slice(2);
const with_tests = rest.includes("--tests");
const modules = join(here, "node_modules");

// Two build folders may come here at once; the second waits.
async function locked(work) {
    const lock = join(here, ".installing");
    for (;;) {
        try {
            mkdirSync(lock);
            break;
        } catch (error) {
            if (error.code !== "EEXIST") throw error;
            try {
                if (Date.now() - statSync(lock).mtimeMs > 600_000) rmdirSync(lock); // left by a killed one
            } catch { /* gone meanwhile */ }
            await new Promise((done) => setTimeout(done, 200));
        }
    }
    try {
        work();
    } finally {
        rmdirSync(lock);
    }
}

function install() {
    const digest = createHash("sha256").update(readFileSync(join(here, "package-lock.json"))).digest("hex");
    const stamp = join(modules, ".assay-installed");
    const there = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
    if (there === `${digest} all` || (there === `${digest} page` && !with_tests)) return;
    const options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
    if (!with_tests) options.push("--omit=dev");
    execFileSync("npm", options, { cwd: here, stdio: ["ignore", "ignore", "inherit"] });
    writeFileSync(stamp, `${digest} ${with_tests ? "all" : "page"}`);
}

// A C array of the text's bytes.
function array(name, text) {
    const bytes = Buffer.from(text, "utf8");
    let lines = "";
    for (let i = 0; i < bytes.length; i += 32)
        lines += `    ${Array.from(bytes.subarray(i, i + 32)).join(",")},\n`;
    return `const unsigned char ${name}[] = {\n${lines}};\nconst size_t ${name}_size = ${bytes.length};\n`;
}

await locked(install);
const { build } = await import("vite");
await build({
    configFile: join(here, "vite.config.mjs"),
    build: { outDir: resolve(folder), emptyOutDir: true },
});
const page = readFileSync(join(folder, "index.html"), "utf8");
const slot = '<script type="application/json" id="report">null';
const at = page.indexOf(slot);
if (at < 0 || page.indexOf(slot, at + 1) >= 0) throw new Error("index.html must have one place for the report");
const split = at + slot.length - "null".length;
writeFileSync(out, "/* made by web/build.mjs */\n#include \"report/bundle.h\"\n\n" +
    array("bundle_before", page.slice(0, split)) + array("bundle_after", page.slice(split + "null".length)));
