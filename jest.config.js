const path = require('node:path');
const { notRun } = require('./test/support/optional-programs.cjs');

/** One jest run for the whole repository: unit tests sit beside their sources, what crosses packages lives in test/. */
module.exports = {
  rootDir: __dirname,
  testEnvironment: '<rootDir>/test/support/environment.cjs',
  testMatch: [
    '<rootDir>/packages/*/src/**/*.test.ts',
    '<rootDir>/apps/*/src/**/*.test.ts',
    '<rootDir>/test/**/*.test.ts',
  ],
  // What needs a program that this machine lacks; the reporter names it.
  testPathIgnorePatterns: [
    '/node_modules/',
    ...notRun().map(({ file }) => file.replaceAll('.', '\\.')),
  ],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { configFile: path.join(__dirname, '.swcrc'), swcrc: false }],
    // ES modules: Node 20.19 can require them, jest cannot before Node 24.9.
    '/node_modules/(?:jose|openid-client|oauth4webapi)/.+\\.js$': [
      '@swc/jest',
      { configFile: path.join(__dirname, '.swcrc'), swcrc: false },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!(?:jose|openid-client|oauth4webapi)/)'],
  // Packages are read from source, so that a test never runs against a stale build.
  moduleNameMapper: {
    '^@syncline/(client|contract|recurrence|runtime|google|store|sync|fleet|simulator)$':
      '<rootDir>/packages/$1/src/index.ts',
    '^@syncline/control/((?:calendar|gmail)/.+)$': '<rootDir>/packages/control/src/resources/$1',
    '^@syncline/control/([a-z-]+)$': '<rootDir>/packages/control/src/$1',
    '^@syncline/client/pg$': '<rootDir>/packages/client/src/pg.ts',
    '^@syncline/contract/(scopes|connect-outcomes)$': '<rootDir>/packages/contract/src/$1.ts',
    '^@syncline/google/consent$': '<rootDir>/packages/google/src/consent.ts',
    '^@syncline/google/costs$': '<rootDir>/packages/google/src/costs.ts',
    '^@syncline/google/push$': '<rootDir>/packages/google/src/push.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/', '<rootDir>/.syncline/'],
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  // A bound for tests that wait for signals: on a busy machine thirty starts of a process take more than a minute.
  testTimeout: 180_000,
  testSequencer: '<rootDir>/test/support/scenarios-first.cjs',
  // Twice the cores: many tests wait for leases, locks and processes most of their time.
  maxWorkers: 4,
};
