import type { CalendarEvent } from '@syncline/google';
import type { Simulator } from '@syncline/simulator';

/**
 * One simulated account's calendars over plain HTTP, with a client that shares no code with the
 * engine.
 */
export interface CalendarClient {
  email: string;
  calendarIds(): Promise<string[]>;
  /** Reads every page of `events.list`. */
  list(
    calendarId: string,
    query?: Record<string, string>,
  ): Promise<{ items: CalendarEvent[]; timeZone: string }>;
}

interface Page<Item> {
  items: Item[];
  timeZone?: string;
  nextPageToken?: string;
}

export async function calendarClient(simulator: Simulator): Promise<CalendarClient> {
  const [account] = simulator.accounts();
  if (!account) throw new Error('a world without accounts');
  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: account.refreshToken,
    client_id: 'test',
    client_secret: 'test',
  });
  const { access_token: accessToken } = (await (
    await fetch(`${simulator.url}/token`, { method: 'POST', body })
  ).json()) as { access_token: string };
  const pages = async <Item>(at: string, query: Record<string, string>): Promise<Page<Item>> => {
    const items: Item[] = [];
    for (let pageToken = ''; ;) {
      const parameters = new URLSearchParams({
        ...query,
        ...(pageToken === '' ? {} : { pageToken }),
      });
      const answer = await fetch(`${simulator.url}/calendar/v3/${at}?${parameters.toString()}`, {
        headers: { authorization: `Bearer ${accessToken}` },
      });
      if (!answer.ok) throw new Error(`${at}: ${answer.status} ${await answer.text()}`);
      const page = (await answer.json()) as Page<Item>;
      items.push(...page.items);
      if (page.nextPageToken === undefined) return { ...page, items };
      pageToken = page.nextPageToken;
    }
  };
  return {
    email: account.email,
    calendarIds: async () =>
      (await pages<{ id: string }>('users/me/calendarList', {})).items.map((entry) => entry.id),
    async list(calendarId, query = {}) {
      const { items, timeZone } = await pages<CalendarEvent>(
        `calendars/${encodeURIComponent(calendarId)}/events`,
        { maxResults: '2500', ...query },
      );
      return { items, timeZone: timeZone ?? 'UTC' };
    },
  };
}
