import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { dockerfile } from '../support/image-tree.js';

/*
 * S14, as far as it can be known without asking a registry: what is installed, under which licences,
 * and what the image is made of.
 */

const REGISTRY = 'https://registry.npmjs.org/';
const ROOT = path.resolve(__dirname, '../..');
const read = (name: string): string => readFileSync(path.join(ROOT, name), 'utf8');

interface Locked {
  version?: string;
  integrity?: string;
  resolved?: string;
  license?: string;
  link?: true;
  dev?: true;
  optional?: true;
  devOptional?: true;
  peer?: true;
  hasInstallScript?: true;
}
const locked = (JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> })
  .packages;
const foreign = Object.entries(locked).filter(
  ([place, one]) => place.includes('node_modules/') && !one.link,
);
/** What runs in production. */
const needed = foreign.filter(
  ([, one]) => !(one.dev || one.optional || one.devOptional || one.peer),
);

test('S14: the lockfile names every package by an exact version, from the registry, with its checksum', () => {
  expect(foreign.length).toBeGreaterThan(200);
  const wrong = foreign.filter(
    ([, { version, integrity, resolved }]) =>
      !/^\d+\.\d+\.\d+(?:[-+].+)?$/.test(version ?? '') ||
      integrity?.startsWith('sha512-') !== true ||
      !(resolved ?? REGISTRY).startsWith(REGISTRY),
  );
  expect(wrong).toEqual([]);
});

test('S14: every package.json asks for exact versions', () => {
  const manifests = [
    'package.json',
    ...['packages', 'apps'].flatMap((folder) =>
      readdirSync(path.join(ROOT, folder))
        .map((name) => `${folder}/${name}/package.json`)
        .filter((name) => existsSync(path.join(ROOT, name))),
    ),
  ];
  const ranges = manifests.flatMap((name) => {
    const manifest = JSON.parse(read(name)) as Record<string, Record<string, string> | undefined>;
    return ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides']
      .flatMap((kind) => Object.entries(manifest[kind] ?? {}))
      .filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.-]+)?$/.test(version))
      .map(([dependency, version]) => `${name}: ${dependency} ${version}`);
  });
  expect(ranges).toEqual([]);
});

test('S14: what runs in production is under licences that allow it', () => {
  const allowed = [
    '0BSD',
    'Apache-2.0',
    'BlueOak-1.0.0',
    'BSD-2-Clause',
    'BSD-3-Clause',
    'ISC',
    'MIT',
  ];
  expect(needed.length).toBeGreaterThan(50);
  expect(needed.filter(([, { license }]) => !allowed.includes(license ?? 'none'))).toEqual([]);
});

test('S14: no script of a package runs at an install, none is needed, and a version is taken three days after its release at the earliest', () => {
  expect(read('.npmrc').split('\n')).toEqual(
    expect.arrayContaining(['ignore-scripts=true', 'min-release-age=3']),
  );
  // It only reports installs to its maker; the image leaves it out.
  const reporter = 'node_modules/@scarf/scarf';
  expect(needed.filter(([place, one]) => one.hasInstallScript && place !== reporter)).toEqual([]);
  // This checkout was installed without scripts: Prisma's script would have fetched its engines.
  const engines = path.join(ROOT, 'node_modules/@prisma/engines');
  expect(readdirSync(engines).filter((name) => /schema-engine|\.node$/.test(name))).toEqual([]);
});

test('S14: the image has an exact base, npm ci without scripts, and the files that one script copies from a list', () => {
  const lines = dockerfile();
  const bases = lines.filter((line) => line.startsWith('FROM '));
  expect(bases).toHaveLength(2);
  for (const base of bases)
    expect(base).toMatch(
      /^FROM node:\d+\.\d+\.\d+-bookworm-slim(?:@sha256:[0-9a-f]{64})?(?: AS \w+)?$/,
    );
  const [build, run] = [
    lines.slice(0, lines.indexOf(bases[1]!)),
    lines.slice(lines.indexOf(bases[1]!)),
  ];
  expect(build.filter((line) => line.startsWith('RUN '))).toEqual([
    'RUN npm ci --ignore-scripts && node prisma/engine/prisma.mjs generate && node_modules/.bin/tsc -b',
    'RUN node deploy/assemble.mjs /app',
  ]);
  expect(run.filter((line) => /^(?:COPY|ADD)\b/.test(line))).toEqual([
    'COPY --from=build /app /app',
  ]);
  expect(lines.filter((line) => /^ADD\b|curl|wget|https?:/.test(line))).toEqual([]);
});

test('S14: the image runs as a user without rights, starts Node itself, and holds no secret', () => {
  const run = dockerfile();
  expect(run.filter((line) => line.startsWith('USER '))).toEqual([
    expect.stringMatching(/^USER [1-9]\d*:[1-9]\d*$/),
  ]);
  expect(run.filter((line) => /^(?:CMD|ENTRYPOINT)/.test(line))).toEqual([
    'CMD ["node", "apps/worker/dist/main.js"]',
  ]);
  const names = run
    .filter((line) => /^(?:ENV|ARG) /.test(line))
    .flatMap((line) => [...line.matchAll(/(\w+)=/g)].map(([, name]) => name as string));
  expect(names.filter((name) => /KEY|SECRET|TOKEN|PASSWORD|URL/.test(name))).toEqual([]);
  const ignored = read('deploy/Dockerfile.dockerignore').split('\n');
  expect(ignored).toEqual(
    expect.arrayContaining(['.git', '.syncline', '**/.env*', '**/*.pem', '**/*.key']),
  );
});

test('S14: compose starts our programs read-only, without capabilities and without new privileges', () => {
  const { services } = parse(read('docker-compose.yml'), { merge: true }) as {
    services: Record<string, Record<string, unknown>>;
  };
  for (const name of ['migrate', 'scheduler', 'worker', 'api'])
    expect([name, services[name]]).toEqual([
      name,
      expect.objectContaining({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      }),
    ]);
});
