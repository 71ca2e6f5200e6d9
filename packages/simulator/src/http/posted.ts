/** Reads posted JSON without trusting its form. */
export type Posted = Readonly<Record<string, unknown>>;

/** Returns null for a body that is not a JSON object; an empty body is an empty object. */
export function postedJson(body: Buffer): Posted | null {
  if (body.length === 0) return {};
  try {
    const json: unknown = JSON.parse(body.toString());
    return json !== null && typeof json === 'object' && !Array.isArray(json)
      ? (json as Posted)
      : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Returns the value if it is a string, otherwise ''. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
