import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { assembleImage, type ImageTree } from '../support/image-tree.js';

const CHECKOUT = path.resolve(__dirname, '../..');
const LIMIT_BYTES = 150_000_000;
const PACKAGES_NAMED = 12;

let tree: ImageTree;
let files: Map<string, number>;
beforeAll(() => {
  tree = assembleImage();
  files = tree.files();
});
afterAll(() => tree.remove());

test('the tree of the image is below 150 MB', () => {
  const sizes = new Map<string, number>();
  for (const [name, bytes] of files) {
    const owner = ownerOf(name);
    sizes.set(owner, (sizes.get(owner) ?? 0) + bytes);
  }
  const total = [...files.values()].reduce((sum, bytes) => sum + bytes, 0);
  const largest = [...sizes].sort(([, one], [, other]) => other - one).slice(0, PACKAGES_NAMED);
  process.stdout.write(
    `the image's tree: ${megabytes(total)} in ${sizes.size} packages; ${largest.map(([name, bytes]) => `${name} ${megabytes(bytes)}`).join(', ')}\n`,
  );
  expect(total).toBeLessThan(LIMIT_BYTES);
});

test('the tree has our programs, the migrations and the packages needed at run time, and nothing else', () => {
  const tops = new Set([...files.keys()].map((name) => name.split('/')[0]));
  expect([...tops].sort()).toEqual([
    'LICENSE',
    'apps',
    'node_modules',
    'package.json',
    'packages',
    'prisma',
    'sbom.cdx.json',
  ]);
  const own = [...files.keys()].filter((name) => /^(?:apps|packages)\//.test(name));
  expect(
    own.filter(
      (name) =>
        !/^(?:apps|packages)\/\w+\/(?:package\.json|dist\/.+\.js|node_modules\/.+|file-lock\.cjs|lua\/.+\.lua)$/.test(
          name,
        ),
    ),
  ).toEqual([]);
  for (const name of [
    'googleapis',
    'prisma',
    '@prisma/engines',
    '@prisma/schema-engine-wasm',
    'typescript',
    'jest',
    '@types',
  ])
    expect([name, existsSync(path.join(tree.root, 'node_modules', name))]).toEqual([name, false]);
});

test('sbom.cdx.json lists every package of the tree with its version and licence', () => {
  const sbom = JSON.parse(readFileSync(path.join(tree.root, 'sbom.cdx.json'), 'utf8')) as {
    bomFormat: string;
    components: { purl: string; licenses?: unknown[] }[];
  };
  expect(sbom.bomFormat).toBe('CycloneDX');
  const manifests = [...files.keys()].filter((name) =>
    /^(?:apps|packages)\/\w+\/package\.json$|node_modules\/(?:@[^/]+\/)?[^/]+\/package\.json$/.test(
      name,
    ),
  );
  const present = manifests.map((name) => {
    const manifest = JSON.parse(readFileSync(path.join(tree.root, name), 'utf8')) as {
      name: string;
      version: string;
    };
    return `pkg:npm/${manifest.name}@${manifest.version}`;
  });
  expect(present.length).toBeGreaterThan(100);
  expect(sbom.components.map(({ purl }) => decodeURIComponent(purl)).toSorted()).toEqual(
    [...new Set(present)].toSorted(),
  );
  expect(sbom.components.filter(({ licenses = [] }) => licenses.length === 0)).toEqual([]);
});

test('no program names a package that the tree lacks', () => {
  const missing = [...files.keys()]
    .filter((name) => /^(?:apps|packages)\/\w+\/dist\/.+\.js$/.test(name))
    .flatMap((name) =>
      requiredBy(path.join(tree.root, name)).filter((one) => !isResolvable(name, one)),
    );
  expect([...new Set(missing)]).toEqual([]);
});

test('the scripts for Redis are in the tree', () => {
  const scripts = ['google', 'fleet'].flatMap((name) =>
    readdirSync(path.join(CHECKOUT, 'packages', name, 'lua'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.lua'))
      .map((file) => `packages/${name}/lua/${file}`),
  );
  expect(scripts.length).toBeGreaterThan(10);
  expect(scripts.filter((file) => !files.has(file))).toEqual([]);
});

test('workspaces are links within the tree', () => {
  const links = [
    'api',
    'cli',
    'control',
    'fleet',
    'google',
    'recurrence',
    'runtime',
    'scheduler',
    'store',
    'sync',
    'worker',
  ];
  for (const name of links)
    expect(readlinkSync(path.join(tree.root, 'node_modules/@syncline', name))).toMatch(
      /^\.\.\/\.\.\/(?:apps|packages)\/\w+$/,
    );
});

/** `node_modules/pg/lib/client.js` belongs to pg, `apps/cli/dist/main.js` to apps/cli. */
function ownerOf(name: string): string {
  const inModules = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(name)?.[1];
  return inModules ?? name.split('/').slice(0, 2).join('/');
}

function requiredBy(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [
    ...text.matchAll(/\brequire\("([^".][^"]*)"\)/g),
    ...text.matchAll(/\bimport\("([^".][^"]*)"\)/g),
  ]
    .map(([, name]) => name as string)
    .filter((name) => !name.startsWith('node:'));
}

function isResolvable(from: string, name: string): boolean {
  try {
    require.resolve(name, { paths: [path.dirname(path.join(tree.root, from))] });
    return true;
  } catch {
    return false;
  }
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
