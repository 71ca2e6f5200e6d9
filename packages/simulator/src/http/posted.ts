/** JSON that was posted, read with the distrust that a server owes to strangers. */
export type Posted = Readonly<Record<string, unknown>>;

/** Null for what is no JSON object; nothing posted is an empty one. */
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

/** The value if it is text, '' for everything else. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
