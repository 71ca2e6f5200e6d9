import { demoDatabase, demoRedis } from './fresh-space.js';

describe("the demo's own space", () => {
  it("is a database beside the operator's", () => {
    expect(demoDatabase('postgresql://u:p@host:5432/syncline?sslmode=require')).toBe(
      'postgresql://u:p@host:5432/syncline_demo?sslmode=require',
    );
  });

  it.each([
    ['redis://:p@host:6379/0', 'redis://:p@host:6379/1'],
    ['redis://:p@host:6379', 'redis://:p@host:6379/1'],
    ['redis://host/15', 'redis://host/0'],
  ])("is the Redis number after the operator's: %s", (operators, demos) => {
    expect(demoRedis(operators)).toBe(demos);
  });
});
