import { createMetrics } from './metrics.js';

test('every metric complies with Prometheus’s naming and has no label that grows with accounts', async () => {
  const metrics = await createMetrics().registry.getMetricsAsJSON();
  expect(metrics.length).toBeGreaterThan(15);
  for (const { name, type, help } of metrics) {
    expect(name).toMatch(/^syncline_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(String(type) === 'counter');
    expect(help).not.toBe('');
  }
});

test('a label that is not declared is refused', () => {
  const { googleRequests } = createMetrics();
  const increment = googleRequests.inc.bind(googleRequests) as (
    labels: Record<string, string>,
  ) => void;
  expect(() => increment({ accountId: 'a' })).toThrow(/label/);
});

test('two runtimes do not share their counts', async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.messagesStored.inc(2);
  expect(await one.registry.metrics()).toContain('syncline_messages_stored_total 2');
  expect(await other.registry.metrics()).toContain('syncline_messages_stored_total 0');
});
