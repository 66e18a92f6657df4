import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const FOLDER = new URL("../../assets/js/", import.meta.url);
const AT_ONCE = /^(?:import|export|\})[^;]*?"\.\/([\w/]+\.js)";/gm;
const ON_DEMAND = /\bimport\("\.\/([\w/]+\.js)"\)/g;

const texts = new Map(
  readdirSync(FOLDER)
    .filter((file) => file.endsWith(".js"))
    .map((file) => [file, readFileSync(new URL(file, FOLDER), "utf8")]),
);

/**
 * @param {RegExp} pattern
 * @returns {Map<string, string[]>} each module and those that it imports
 */
const importsBy = (pattern) =>
  new Map(
    [...texts].map(([file, text]) => [file, [...text.matchAll(pattern)].map(([, name]) => name ?? "")]),
  );
const imports = importsBy(AT_ONCE);
const onDemand = importsBy(ON_DEMAND);

/**
 * @param {string} file
 * @param {string[]} path from the module where the search began
 * @param {Set<string>} seen modules that are part of no cycle
 * @returns {string[] | null} a cycle
 */
function findCycle(file, path, seen) {
  if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
  if (seen.has(file)) return null;
  for (const imported of imports.get(file) ?? []) {
    const cycle = findCycle(imported, [...path, file], seen);
    if (cycle) return cycle;
  }
  seen.add(file);
  return null;
}

test("every module that is imported exists", () => {
  for (const [file, imported] of [...imports, ...onDemand]) {
    for (const name of imported) assert.ok(imports.has(name), `${file} imports ${name}`);
  }
});

test("modules do not import each other in a circle", () => {
  const seen = new Set();
  for (const file of imports.keys()) assert.equal(findCycle(file, [], seen)?.join(" → "), undefined);
});

test("every module is reached from the entry", () => {
  const reached = new Set(["main.js"]);
  for (const file of reached) {
    for (const found of [imports, onDemand]) found.get(file)?.forEach((name) => reached.add(name));
  }
  assert.deepEqual([...imports.keys()].filter((file) => !reached.has(file)), []);
});
