/**
 * The first import of every program (`@syncline/runtime/at-start`). Signals are kept until the
 * program is loaded. A failure to load is reported without a stack when an operator can fix its
 * cause.
 */
import { keepSignals } from './early-signals.js';
import { reportLoadFailure } from './load-failure.js';

keepSignals();
reportLoadFailure();
