/** Parses iCalendar text leniently to a tree of components. */
import { decodeUndeclared } from '../mime/charset.js';

export interface IcsProperty {
  name: string;
  parameters: ReadonlyMap<string, string>;
  value: string;
}
export interface IcsComponent {
  name: string;
  properties: IcsProperty[];
  components: IcsComponent[];
}

/**
 * Returns the top-level components: VCALENDARs, or the events of a file without a VCALENDAR. Lines
 * outside of components are dropped.
 */
export function parseIcs(bytes: Buffer): IcsComponent[] {
  const root: IcsComponent = { name: '', properties: [], components: [] };
  const open: IcsComponent[] = [root];
  for (const line of unfold(decodeUndeclared(bytes))) {
    const found = parseLine(line);
    if (found === null) continue;
    const current = open.at(-1) as IcsComponent;
    if (found.name === 'BEGIN') {
      const component: IcsComponent = {
        name: found.value.trim().toUpperCase(),
        properties: [],
        components: [],
      };
      current.components.push(component);
      open.push(component);
    } else if (found.name === 'END') {
      const at = open.findLastIndex((one) => one.name === found.value.trim().toUpperCase());
      if (at > 0) open.length = at;
    } else current.properties.push(found);
  }
  return root.components;
}

/** Returns the first property of that name. */
export function property(component: IcsComponent, name: string): IcsProperty | null {
  return component.properties.find((one) => one.name === name) ?? null;
}

/** Returns a text value with its escape sequences resolved. */
export function textOf(component: IcsComponent, name: string): string | null {
  const value = property(component, name)?.value;
  return value === undefined
    ? null
    : value.replace(/\\([nN,;\\])/g, (_, char: string) =>
        char === 'n' || char === 'N' ? '\n' : char,
      );
}

/** Control characters are removed, because Google's events cannot contain them. */
function unfold(text: string): string[] {
  return text
    .replace(/(?:\r\n|\n|\r)[ \t]/g, '')
    .split(/\r\n|\n|\r/)
    .map((line) => line.replace(/[\u0000-\u0008\u000b-\u001f]/g, ''))
    .filter((line) => line.trim() !== '');
}

/** Parses `NAME;PARAM="a:b";OTHER=c:value`; null for a line without a name and a colon. */
function parseLine(line: string): IcsProperty | null {
  const name = /^[\w.-]+/.exec(line.trimStart())?.[0];
  if (name === undefined) return null;
  const rest = line.trimStart().slice(name.length).trimStart();
  const head =
    /^((?:;\s*[\w-]+\s*=(?:\s*"[^"]*"\s*|[^";:,]*)(?:,(?:\s*"[^"]*"\s*|[^";:,]*))*)*):/.exec(rest);
  const colon = head === null ? rest.indexOf(':') : head[0].length - 1;
  if (colon < 0) return null;
  const parameters = new Map(
    [...(head?.[1] ?? '').matchAll(/;\s*([\w-]+)\s*=\s*("[^"]*"|[^;]*)/g)].map((match) => [
      (match[1] as string).toUpperCase(),
      (match[2] as string).replaceAll('"', '').trim(),
    ]),
  );
  return { name: name.toUpperCase(), parameters, value: rest.slice(colon + 1) };
}
