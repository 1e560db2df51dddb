// SPDX-License-Identifier: Apache-2.0
// One file: the script and the style go into index.html, and the page's policy allows that one
// script by its digest. Goes in: index.html, src/. Comes out: OUT/index.html.
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";

// What a page may do: run its own script, ask its own origin (`assay serve`; nothing at all from a
// file), show pictures that it makes. Charts set styles, so styles are not restricted to a digest.
export const policy = (script) =>
    `default-src 'none'; script-src 'sha256-${createHash("sha256").update(script).digest("base64")}'; ` +
    "style-src 'unsafe-inline'; img-src data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'";

const one_file = {
    name: "one-file",
    enforce: "post",
    generateBundle(_, bundle) {
        const take = (ends) => {
            const name = Object.keys(bundle).find((n) => n.endsWith(ends));
            const text = bundle[name].code ?? String(bundle[name].source);
            if (ends !== ".html") delete bundle[name];
            return text;
        };
        // nothing in a script may end the element that it stands in
        const script = take(".js").trim().replaceAll("</script", "<\\/script").replaceAll("<!--", "\\x3C!--");
        const style = take(".css").trim();
        const page = bundle["index.html"];
        page.source = String(page.source)
            .replace(/<script type="module"[^>]*><\/script>/, "")
            .replace(/<link rel="stylesheet"[^>]*>/, "")
            .replace("POLICY", () => policy(script))
            .replace("</head>", () => `<style>${style}</style>\n</head>`)
            .replace("</body>", () => `<script>${script}</script>\n</body>`);
    },
};

export default {
    root: fileURLToPath(new URL(".", import.meta.url)),
    logLevel: "warn",
    plugins: [one_file],
    build: {
        target: "es2022",
        cssCodeSplit: false,
        modulePreload: false,
        assetsInlineLimit: 1 << 30,
        rollupOptions: { output: { format: "iife" } },
    },
};
