/** Reads the fields of control calls. Each throws RangeError with the name of the field. */

/** @param otherwise the value of an omitted field */
export function textField<T>(name: string, value: unknown, otherwise: T): string | T {
  if (value === undefined) return otherwise;
  if (typeof value !== 'string') throw new RangeError(`${name} must be a text`);
  return value;
}

/** An omitted list is empty. */
export function textsField(name: string, value: unknown): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string'))
    throw new RangeError(`${name} must be a list of texts`);
  return value;
}
