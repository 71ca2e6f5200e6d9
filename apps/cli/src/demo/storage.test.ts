import { demoDatabase, demoPrefix } from './storage.js';

describe("the demo's own space", () => {
  it("is a database beside the operator's", () => {
    expect(demoDatabase('postgresql://u:p@host:5432/syncline?sslmode=require')).toBe(
      'postgresql://u:p@host:5432/syncline_demo?sslmode=require',
    );
  });

  it("is a Redis prefix beside the operator's, no longer than a prefix may be", () => {
    expect(demoPrefix('syncline')).toBe('syncline-demo');
    expect(demoPrefix('p'.repeat(64))).toBe(`${'p'.repeat(59)}-demo`);
  });
});
