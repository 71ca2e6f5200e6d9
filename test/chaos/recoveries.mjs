/**
 * How long a killed worker's collections wait: from the kill until another worker has claimed them.
 */

/** The number of slowest recoveries that are reported. */
const TAILS = 5;

export function watchRecoveries(pool) {
  const open = [];
  /**
   * Completed recoveries: the killed worker's holder, when it was killed, and how long the
   * collection waited.
   */
  const over = [];
  return {
    /** Called before the kill of the worker whose leases begin with `holder`. */
    note(holder) {
      const at = performance.now();
      pool
        .query(
          "SELECT id FROM syncline.collections WHERE lease_holder LIKE $1 || '%' AND lease_until > now() AND next_sync_at < '9999-01-01'",
          [holder],
        )
        .then(
          ({ rows }) => open.push(...rows.map(({ id }) => ({ id, holder, at }))),
          () => undefined,
        ); // Postgres may be unavailable.
    },
    async poll() {
      if (open.length === 0) return;
      const { rows } = await pool.query(
        'SELECT id, lease_holder FROM syncline.collections WHERE id = ANY($1::uuid[])',
        [open.map(({ id }) => id)],
      );
      const holders = new Map(rows.map((row) => [row.id, row.lease_holder]));
      for (let i = open.length - 1; i >= 0; i--) {
        const { id, holder, at } = open[i];
        if (holders.get(id)?.startsWith(holder)) continue;
        if (holders.has(id)) over.push({ holder, at, seconds: (performance.now() - at) / 1_000 });
        open.splice(i, 1);
      }
    },
    pending: () => open.length,
    summary() {
      const sorted = over.map(({ seconds }) => seconds).toSorted((a, b) => a - b);
      const at = (share) =>
        sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
      const tails = new Map();
      for (const one of over)
        if (one.seconds > (tails.get(one.at)?.seconds ?? 0)) tails.set(one.at, one);
      return {
        count: sorted.length,
        tails: [...tails.values()].toSorted((a, b) => b.seconds - a.seconds).slice(0, TAILS),
        p50: at(0.5),
        p99: at(0.99),
        slowest: sorted.at(-1) ?? 0,
      };
    },
  };
}
