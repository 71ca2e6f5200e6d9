/** A Google that can be broken on purpose: Gmail, Calendar and OAuth over HTTP, for tests, demos and benchmarks. */
export { startSimulator, type Simulator } from './simulator.js';
export type { SimulatorOptions, QuotaOptions } from './options.js';
export type { SimClock } from './clock.js';
export { World, type Account, type AccountPlan } from './world.js';
export { Faults, type FaultOrder, type CallFault, type WorldFault } from './faults.js';
export { PubSub, type SubscriptionOrder } from './push/pubsub.js';
export { Weather, type DeliveryWeather } from './push/weather.js';
export { ServiceAccount } from './service-account.js';
export {
  Ledger,
  type LedgerSnapshot,
  type Violation,
  type ViolationKind,
  type NotificationCounts,
} from './ledger.js';
export type { ActionName, ActionOrder, ActResult } from './control/act.js';
export type { GmailTruth, CalendarTruth } from './control/truth.js';
export type { Mailbox, StoredMessage } from './mailbox.js';
export type { CalendarStore, StoredEvent } from './calendar/store.js';
export type { EventBody, EventDraft } from './calendar/event.js';
export type { LoadReport, FileReport } from './load/report.js';
