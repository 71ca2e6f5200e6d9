/** Finds the route of a path. Paths match byte for byte; only parameters are decoded. */
import type { Route } from '@syncline/contract';

export interface Entry {
  id: string;
  route: Route;
}

export interface Match {
  /** The routes of this path, by method. */
  methods: ReadonlyMap<string, Entry>;
  params: Readonly<Record<string, string>>;
}

interface Pattern {
  segments: readonly string[];
  methods: Map<string, Entry>;
}

/** @returns null for a path that no route has */
type Matcher = (path: string) => Match | null;

export function matcherOf(routes: Readonly<Record<string, Route>>): Matcher {
  const patterns = new Map<string, Pattern>();
  for (const [id, route] of Object.entries(routes)) {
    const pattern = patterns.get(route.path) ?? {
      segments: route.path.split('/'),
      methods: new Map<string, Entry>(),
    };
    pattern.methods.set(route.method, { id, route });
    patterns.set(route.path, pattern);
  }
  // A fixed segment wins over a parameter.
  const ordered = [...patterns.values()].sort(
    (one, other) => parameters(one).length - parameters(other).length,
  );
  return (path) => {
    const given = path.split('/');
    for (const { segments, methods } of ordered) {
      const params = segments.length === given.length ? paramsOf(segments, given) : null;
      if (params !== null) return { methods, params };
    }
    return null;
  };
}

function parameters({ segments }: Pattern): string[] {
  return segments.filter(isParameter);
}

function isParameter(segment: string): boolean {
  return segment.startsWith('{');
}

function paramsOf(
  segments: readonly string[],
  given: readonly string[],
): Record<string, string> | null {
  const params: [string, string][] = [];
  for (const [at, segment] of segments.entries()) {
    const part = given[at] ?? '';
    if (!isParameter(segment)) {
      if (segment !== part) return null;
      continue;
    }
    const value = decoded(part);
    if (value === null || value === '') return null;
    params.push([segment.slice(1, -1), value]);
  }
  return Object.fromEntries(params);
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
