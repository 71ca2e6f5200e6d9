/** The result of a loader for each file; nothing is skipped silently. */
export interface FileReport {
  file: string;
  loaded: number;
  ignored: { what: string; reason: string }[];
}

export interface LoadReport {
  kind: 'eml' | 'mbox' | 'ics';
  source: string;
  email: string;
  loaded: number;
  files: FileReport[];
}

export function reportOf(
  kind: LoadReport['kind'],
  source: string,
  email: string,
  files: FileReport[],
): LoadReport {
  return { kind, source, email, loaded: files.reduce((sum, file) => sum + file.loaded, 0), files };
}
