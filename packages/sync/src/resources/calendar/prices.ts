export interface CalendarShape {
  calendarsPerAccount: number;
}

export interface CalendarPrices {
  calendarRequestsPerAccount: number;
}

/** One request for the list, and one request per calendar of up to 2,500 events. */
export function calendarPrices({ calendarsPerAccount }: CalendarShape): CalendarPrices {
  return { calendarRequestsPerAccount: 1 + calendarsPerAccount };
}
