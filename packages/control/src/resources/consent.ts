/** What a person is asked for a resource on the connect page. */
export interface ResourceConsent {
  /** Google's scopes that are asked for. */
  scopes: readonly string[];
  /** Whether these granted scopes suffice to mirror the resource. */
  covers(granted: ReadonlySet<string>): boolean;
  /** Its name for the person: `Mail`. */
  title: string;
  /** What is read, for the person. */
  reads: string;
}
