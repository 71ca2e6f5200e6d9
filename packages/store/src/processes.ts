/**
 * The processes of the fleet. Each writes a row about itself every 10 s; a process without one for
 * 30 s has ended or is disconnected.
 */
import { hostname } from 'node:os';
import type { Queryable } from './transaction.js';

const LIVING = "interval '30 seconds'";
const KEPT = "interval '1 day'";
/** More processes than this are not listed. */
const LIST_LIMIT = 500;

/** What a process knows of one window of a project's quota. */
interface QuotaWindow {
  used: number;
  limit: number;
}

/** The quota of one API of a Google project. */
interface QuotaOfApi {
  minute: QuotaWindow & {
    /** Above 0 while a refusal of Google keeps the window closed. */
    closedForMs: number;
    /** The usable percentage of the limit since Google refused a call; 100 normally. */
    pacePercent: number;
  };
  /** Null for an API without a daily limit. */
  day: (QuotaWindow & { endsInMs: number }) | null;
}

/** What a process says of itself. */
export interface ProcessLoad {
  /** Share of one core since the last heartbeat. */
  cpu: number;
  rssBytes: number;
  /** Workers: jobs that it may run at once, and those that it runs. */
  slots?: { all: number; busy: number };
  /** Workers: by project and API, as Redis counts it. */
  quota?: Record<string, Record<string, QuotaOfApi>>;
}

export interface ProcessView {
  id: string;
  service: string;
  version: string;
  host: string;
  pid: number;
  startedAt: Date;
  seenAt: Date;
  load: ProcessLoad;
}

export interface Processes {
  /** Writes the heartbeat of this process. */
  beat(process: { service: string; version: string; load: ProcessLoad }): Promise<void>;
  /** Deletes the row of this process, at its end. */
  leave(): Promise<void>;
  /** Returns the living processes by service, host and pid. */
  list(): Promise<ProcessView[]>;
}

/**
 * @param session a session that does not wait for page commits
 * @param id unique to this process
 */
export function processesIn(session: Queryable, id: string, startedAt: Date): Processes {
  let hasBeaten = false;
  return {
    beat: async ({ service, version, load }) => {
      hasBeaten = true;
      await session.query(
        `INSERT INTO syncline.processes (id, service, version, host, pid, started_at, seen_at, load) VALUES ($1, $2, $3, $4, $5, $6, now(), $7)
         ON CONFLICT (id) DO UPDATE SET seen_at = now(), load = excluded.load`,
        [id, service, version, hostname(), process.pid, startedAt, JSON.stringify(load)],
      );
    },
    leave: async () => {
      if (hasBeaten) await session.query('DELETE FROM syncline.processes WHERE id = $1', [id]);
    },
    list: () => livingProcesses(session),
  };
}

export async function livingProcesses(session: Queryable): Promise<ProcessView[]> {
  const { rows } = await session.query<ProcessView>(
    `SELECT id, service, version, host, pid, started_at AS "startedAt", seen_at AS "seenAt", load FROM syncline.processes
      WHERE seen_at > now() - ${LIVING} ORDER BY service, host, pid LIMIT ${LIST_LIMIT}`,
  );
  return rows;
}

export async function pruneProcesses(session: Queryable): Promise<void> {
  await session.query(`DELETE FROM syncline.processes WHERE seen_at < now() - ${KEPT}`);
}
