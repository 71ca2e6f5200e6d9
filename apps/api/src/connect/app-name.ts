/** The customer's product in sentences. */
import { UNNAMED_APP } from '@syncline/runtime';

/** Returns the name as it begins a sentence: a product's own name stays as it is written. */
export function atStart(app: string): string {
  return app === UNNAMED_APP ? `${app.charAt(0).toUpperCase()}${app.slice(1)}` : app;
}
