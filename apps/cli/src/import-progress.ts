import type { ImportStep, ReportImportStep } from '@syncline/control/import';
import { counted } from '@syncline/control/words';
import { unreachable } from '@syncline/runtime';
import { type Progress, stderrDrained } from './terminal.js';

/**
 * Shows the progress of an import. A refused line is reported, and the import waits for the reader
 * of stderr.
 */
export function showImportProgress(progress: Progress): ReportImportStep {
  return (step) => {
    if (step.step === 'read') return progress.show({ line: `${counted(step.lines, 'line')} read` });
    progress.printMessage(words(step));
    return step.step === 'refused' ? stderrDrained() : undefined;
  };
}

function words(step: Exclude<ImportStep, { step: 'read' }>): string {
  switch (step.step) {
    case 'refused':
      return `line ${step.line} ${step.problem}`;
    case 'noted':
      return `line ${step.line} ${step.note}`;
    case 'google-silent':
      return 'Google does not answer: the grants of further lines are checked by the first sync';
    default:
      return unreachable(step);
  }
}
