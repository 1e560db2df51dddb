// SPDX-License-Identifier: Apache-2.0
// main: a report stands in the page (report.html), or the page was served empty by `assay serve`.
import "./style.css";
import { fill, h } from "./dom";
import { finding_page, report_page } from "./page";
import { is_alone, parse, type Alone, type Report } from "./report";
import { workbench } from "./workbench";

const page = document.getElementById("page")!;
const report = parse<Report | Alone | null>(document.getElementById("report")!.textContent ?? "null");
if (report) fill(page, is_alone(report) ? finding_page(report) : report_page(report).elements);
else if (location.protocol === "file:") fill(page, h("main", null, h("p", null, "No report stands in this page.")));
else workbench();
