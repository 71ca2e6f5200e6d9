/** What is asked of an account's calendars in a plan. */
export interface AskedCalendars {
  /** Default: 3. */
  calendars?: number | undefined;
}

export function calendarShape({ calendars = 3 }: AskedCalendars): { calendarsPerAccount: number } {
  return { calendarsPerAccount: calendars };
}
