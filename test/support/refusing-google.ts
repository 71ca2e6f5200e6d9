import {
  GoogleError,
  type Google,
  type GoogleAccount,
  type GoogleErrorKind,
} from '@syncline/google';

/** Returns the error for an account and API; null lets the call through. */
export type Refusal = (
  accountId: string,
  api: 'gmail' | 'calendar',
  method: string,
) => GoogleErrorKind | null;

/**
 * The real client, with some calls refused before they are sent, for errors that concern one
 * account's rights.
 */
export function refusingGoogle(google: Google, refusal: Refusal): Google & { asked: string[] } {
  const asked: string[] = [];
  const guard = <T extends object>(target: T, accountId: string, api: 'gmail' | 'calendar'): T =>
    new Proxy(target, {
      get(object, name: string) {
        const method = Reflect.get(object, name) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          asked.push(`${accountId} ${api}.${name}`);
          const detail = refusal(accountId, api, name);
          if (detail) throw new GoogleError(`${api}.${name}`, detail);
          return method.apply(object, args);
        };
      },
    });
  return {
    ...google,
    asked,
    account: (accountId, call): GoogleAccount => {
      const account = google.account(accountId, call);
      return {
        ...account,
        gmail: guard(account.gmail, accountId, 'gmail'),
        calendar: guard(account.calendar, accountId, 'calendar'),
      };
    },
  };
}
