import { parseSync } from '@swc/core';

/** What of a syntax tree is read here. */
interface Node {
  type?: string;
  value?: unknown;
  key?: Node;
  callee?: Node;
  object?: Node;
  property?: Node;
  properties?: Node[];
  arguments?: { expression: Node }[];
}

const METHODS = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'child']);

/** The fields of the objects that `source` gives to a log, without those that it spreads into them. */
export function loggedFields(source: string): string[] {
  const fields: string[] = [];
  visit(parseSync(source, { syntax: 'typescript', target: 'es2024' }), (node) => {
    if (node.type !== 'CallExpression' || !isLogMethod(node.callee)) return;
    const first = node.arguments?.[0]?.expression;
    for (const property of first?.properties ?? []) fields.push(...namesOf(property));
  });
  return fields;
}

/** `log.info`, `rt.log.info` and `rt.log[level]`. */
function isLogMethod(callee: Node | undefined): boolean {
  if (callee?.type !== 'MemberExpression') return false;
  const of = callee.object?.type === 'MemberExpression' ? callee.object.property : callee.object;
  const method = callee.property;
  return of?.value === 'log' && (method?.type === 'Computed' || METHODS.has(String(method?.value)));
}

function namesOf(property: Node): string[] {
  if (property.type === 'Identifier') return [String(property.value)];
  return property.key ? [String(property.key.value)] : [];
}

function visit(value: unknown, each: (node: Node) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) return value.forEach((one) => visit(one, each));
  each(value as Node);
  for (const part of Object.values(value)) visit(part, each);
}
