/**
 * A simulated Google with injectable faults: Gmail, Calendar and OAuth over HTTP, for tests, demos
 * and benchmarks.
 */
export { startSimulator, type Simulator } from './simulator.js';
export type { SimulatorOptions } from './options.js';
export type { FaultOrder, CallFault } from './faults.js';
export type { ActionOrder } from './control/act.js';
