#!/usr/bin/env node
/**
 * Assembles the content of an image: `node deploy/assemble.mjs DIRECTORY`. The Dockerfile calls it
 * after `npm ci` and the build; so does the test that starts every program from the result
 * (test/scenarios/image.test.ts). It copies from a list, so that other files of a checkout (keys,
 * dumps, an .env) get into no layer:
 *
 * - of node_modules, the packages that the lockfile marks as needed at run time: no development,
 *   optional or peer dependencies;
 * - of our own packages, their package.json and its `files`: the compiled programs, and the files
 *   that they load;
 * - the migrations.
 *
 * It also writes `sbom.cdx.json`, the list of those packages with versions and licences
 * (CycloneDX).
 *
 * Files that Node never loads are left out. Licences are kept.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const OWN_FILES = ['package.json', 'LICENSE', 'prisma/migrations'];
/** Files that Node does not load: types, source maps, sources, notes for readers. */
const UNLOADED =
  /\.(?:d\.[cm]?ts|[cm]?ts|tsx|map|md|markdown|flow|tsbuildinfo)$|^(?:README|CHANGELOG|HISTORY)(?:\.|$)/i;
/**
 * Prisma's client contains a fast and a small query compiler for each kind of database, and clients
 * for browsers and edge runtimes. Ours uses the small compiler.
 */
const UNUSED_OF_PRISMA =
  /^runtime\/(?:query_compiler_fast|query_compiler_\w+\.(?!postgresql\.)|wasm-compiler-edge|edge)|^(?:edge|react-native|scripts)\b/;

/** The API serves two files of it. */
const UNUSED_OF_SWAGGER = /^(?!swagger-ui(?:-bundle\.js|\.css)|package\.json|LICENSE|NOTICE)/;
/** What no program of the image loads: the client, which others install, and what only it needs. */
const OUTSIDE =
  /^(?:packages\/client|examples\/.+|node_modules\/openapi-(?:fetch|typescript-helpers))$/;
/** It reports installs to its maker; swagger-ui-dist names it and does not load it. */
const REPORTER = 'node_modules/@scarf/scarf';
const UNUSED = [
  ['@prisma/client', UNUSED_OF_PRISMA],
  ['swagger-ui-dist', UNUSED_OF_SWAGGER],
];

assemble(process.argv[2]);

function assemble(given) {
  if (given === undefined) fail('usage: node deploy/assemble.mjs DIRECTORY');
  const target = path.resolve(given);
  if (existsSync(target) && readdirSync(target).length > 0) fail(`${target} is not empty`);
  const lock = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')).packages;
  for (const name of OWN_FILES) copy(name, target);
  for (const place of neededPackages(lock)) copyPackage(place, target);
  for (const place of workspacesOf(lock)) {
    copy(`${place}/package.json`, target);
    for (const name of filesOf(place))
      copy(`${place}/${name}`, target, (relative) => hasNoSource(place, name, relative));
    link(lock[place].name, place, target);
  }
  writeFileSync(path.join(target, 'sbom.cdx.json'), billOfMaterials(lock));
}

/**
 * Returns npm's bill of materials, reduced to the packages of the image. npm's own `--omit` also
 * omits packages that are needed at run time, such as bullmq (npm 10 and 11).
 */
function billOfMaterials(lock) {
  const printed = execFileSync('npm', ['sbom', '--package-lock-only', '--sbom-format=cyclonedx'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const all = JSON.parse(printed);
  const kept = new Set(
    [...neededPackages(lock), ...workspacesOf(lock)].map((place) => {
      const { name = place.split('node_modules/').at(-1), version } = lock[place];
      return `${name}@${version}`;
    }),
  );
  const components = all.components.filter((one) => kept.has(one['bom-ref']));
  const refs = new Set([all.metadata.component, ...components].map((one) => one['bom-ref']));
  const dependencies = all.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((on) => refs.has(on)) }));
  return `${JSON.stringify({ ...all, components, dependencies }, null, 2)}\n`;
}

/**
 * Returns the places like `node_modules/bullmq` that are needed at run time, by the flags of the
 * lockfile.
 */
function neededPackages(lock) {
  return Object.entries(lock)
    .filter(([place, one]) => place.includes('node_modules/') && !one.link)
    .filter(([, one]) => !(one.dev || one.optional || one.devOptional || one.peer))
    .filter(([place]) => !place.includes('node_modules/@types/') && place !== REPORTER)
    .filter(([place]) => !OUTSIDE.test(place))
    .map(([place]) => place);
}

function workspacesOf(lock) {
  return Object.keys(lock).filter(
    (place) => place !== '' && !place.includes('node_modules/') && !OUTSIDE.test(place),
  );
}

function filesOf(place) {
  const { files = ['dist'] } = JSON.parse(readFileSync(path.join(ROOT, place, 'package.json')));
  return files;
}

/** Whether a compiled file no longer has a source: an earlier build created it. */
function hasNoSource(place, name, relative) {
  if (name !== 'dist') return false;
  const source = path.join(ROOT, place, 'src', relative.replace(/\.js$/, '.ts'));
  return relative.endsWith('.js') && !existsSync(source);
}

function copyPackage(place, target) {
  const [, unused] = UNUSED.find(([name]) => place.endsWith(`node_modules/${name}`)) ?? [];
  const isUnused = (relative) => unused?.test(relative) === true;
  if (!existsSync(path.join(ROOT, place))) fail(`${place} is not installed: run npm ci`);
  copy(
    place,
    target,
    (relative) => relative.split('/').includes('node_modules') || isUnused(relative),
  );
}

/**
 * Copies a file or a directory, without files that Node does not load and those that `isLeftOut`
 * selects by their path below `place`.
 */
function copy(place, target, isLeftOut = () => false) {
  const from = path.join(ROOT, place);
  if (!existsSync(from)) fail(`${place} is missing: build first`);
  const to = path.join(target, place);
  mkdirSync(path.dirname(to), { recursive: true });
  cpSync(from, to, {
    recursive: true,
    filter: (source) => {
      const relative = path.relative(from, source);
      return relative === '' || !(UNLOADED.test(path.basename(source)) || isLeftOut(relative));
    },
  });
}

/** Links workspaces as npm does: `node_modules/@syncline/store` points to `packages/store`. */
function link(name, place, target) {
  const at = path.join(target, 'node_modules', name);
  mkdirSync(path.dirname(at), { recursive: true });
  rmSync(at, { force: true });
  symlinkSync(path.relative(path.dirname(at), path.join(target, place)), at);
}

function fail(message) {
  process.stderr.write(`assemble: ${message}\n`);
  process.exit(1);
}
