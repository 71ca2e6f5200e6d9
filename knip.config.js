/**
 * What `npm run lint` calls an unused export (docs/decisions/0023-unused-exports.md). Two runs:
 *
 * - over everything: an export that no other file imports, and a file that nothing reaches. Tests
 *   count as users. The public face of a package counts as any other file: what no other package or
 *   test imports is not public.
 * - `--production`: a function or a constant that only tests use, so that helpers of tests stay in
 *   tests.
 *
 * A `!` marks what the second run looks at.
 */
module.exports = ({ production = false }) => ({
  include: production ? ['exports', 'files'] : ['exports', 'types', 'files', 'duplicates'],
  // A unit test may call a part of a file by its name.
  ignoreExportsUsedInFile: production,
  workspaces: {
    '.': {
      entry: [
        'deploy/*.mjs!',
        'prisma/engine/*.mjs!',
        'test/**/*.{mjs,cjs}',
        'test/**/*.test.ts',
        'test/oracle/*.run.ts',
      ],
      project: ['{deploy,prisma/engine}/*.mjs!', 'apps/*.mjs', 'test/**/*.{ts,mjs,cjs}'],
    },
    'packages/*': workspace(['test-support/*-child.ts']),
    // A tool of tests and demos: all of its face is for them.
    'packages/simulator': workspace(['src/main.ts!'], { includeEntryExports: !production }),
    // Published: its face is for programs of others.
    'packages/client': workspace([], { includeEntryExports: false }),
    'examples/*': workspace(['src/main.ts!', 'public/*.js!']),
    'apps/*': workspace(['src/exit-with-parent.ts!']),
  },
  // Facts that tests compare with the documents, and the servers of test programs.
  ignoreIssues: {
    ...(production ? { 'packages/runtime/src/{,redis/}index.ts': ['exports'] } : {}),
    // What a generator writes beside what is used of it.
    'packages/client/src/generated/*.ts': ['types'],
  },
});

/** Its face is the file that package.json names. */
function workspace(entry, more = {}) {
  return {
    entry,
    project: ['src/**/*.ts!', '!src/**/*.test.ts!', 'test-support/**/*.ts', '!src/generated/**!'],
    includeEntryExports: true,
    ...more,
  };
}
