/** The first import of every program (`@syncline/runtime/at-start`): from here on a signal waits for the program to be loaded. */
import { keepSignals } from './early-signals.js';

keepSignals();
