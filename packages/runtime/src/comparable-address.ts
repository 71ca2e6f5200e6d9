/**
 * Returns the form in which addresses are compared and stored for lookups: without case, by the
 * rules of Unicode, and composed (NFC). The database does not compute it, because `lower` depends on
 * the collation: with `C` it changes ASCII letters only.
 */
export function comparableAddress(address: string): string {
  return address.toLowerCase().normalize('NFC');
}
