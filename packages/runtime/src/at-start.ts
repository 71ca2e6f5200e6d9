/**
 * The first import of every program (`@syncline/runtime/at-start`): from here on a signal waits for
 * the program to be loaded, and a failure to load it is reported without a stack where an operator
 * can mend it.
 */
import { keepSignals } from './early-signals.js';
import { reportLoadFailure } from './load-failure.js';

keepSignals();
reportLoadFailure();
