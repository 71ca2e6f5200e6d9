/** How long a killed worker's collections rest: from the kill until somebody else has claimed them. */

export function watchRecoveries(pool) {
  const open = [];
  const seconds = [];
  return {
    seconds,
    /** Called before the kill of the worker whose leases begin with `holder`. */
    note(holder) {
      const at = performance.now();
      pool.query("SELECT id FROM collections WHERE lease_holder LIKE $1 || '%' AND lease_until > now() AND next_sync_at < '9999-01-01'", [holder])
        .then(({ rows }) => open.push(...rows.map(({ id }) => ({ id, holder, at }))), () => undefined); // Postgres is under siege too.
    },
    async look() {
      if (open.length === 0) return;
      const { rows } = await pool.query('SELECT id, lease_holder FROM collections WHERE id = ANY($1::uuid[])', [open.map(({ id }) => id)]);
      const holders = new Map(rows.map((row) => [row.id, row.lease_holder]));
      for (let i = open.length - 1; i >= 0; i--) {
        const { id, holder, at } = open[i];
        if (holders.get(id)?.startsWith(holder)) continue;
        if (holders.has(id)) seconds.push((performance.now() - at) / 1_000);
        open.splice(i, 1);
      }
    },
    pending: () => open.length,
    summary() {
      const sorted = seconds.toSorted((a, b) => a - b);
      const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
      return { count: sorted.length, p50: at(0.5), p99: at(0.99), slowest: sorted.at(-1) ?? 0 };
    },
  };
}
