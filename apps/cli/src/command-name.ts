/** The words of the command that this process runs, such as `accounts pause`. */
let words = 'unknown';

export function setCommandName(name: string): void {
  words = name;
}

export function commandName(): string {
  return words;
}
