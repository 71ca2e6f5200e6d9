import { readFileSync } from 'node:fs';
import { createPrivateKey } from 'node:crypto';
import type { GoogleProject } from '../../projects.js';
import type { Values } from '../../variables.js';

/**
 * Settings of Google's notifications. Each part may be missing: collections without notifications
 * are polled.
 */
export interface Push {
  /** `projects/P/topics/T`. Enables Gmail watches. */
  topic: string | null;
  /** `projects/P/subscriptions/S`: notifications are pulled instead of pushed. */
  subscription: string | null;
  /** Topics of further Google projects, by the name of the project. */
  projectTopics: Record<string, string>;
  /** Subscriptions of further Google projects that are pulled. */
  projectSubscriptions: string[];
  /** The API's public address for Google. Enables Calendar channels. */
  baseUrl: string | null;
  /** Required audience of the OIDC token of a Gmail push. */
  audience: string | null;
  serviceAccount: string | null;
  /** Whose pushes are taken; null for every subscription with such a token. */
  pushSubscriptions: readonly string[] | null;
  /** Path of the key file of the service account that pulls. */
  credentialsFile: string | null;
}

/** The fields that are used of a service account's key file. */
export interface ServiceAccountKey {
  email: string;
  privateKey: string;
  keyId: string;
}

/**
 * Returns null when no notification is configured. The audience of a push is its own address,
 * unless the subscription has another one.
 */
export function toPush(values: Values, projects: readonly GoogleProject[]): Push | null {
  const baseUrl = values.PUSH_BASE_URL ?? null;
  const push: Push = {
    topic: values.GMAIL_PUBSUB_TOPIC ?? null,
    subscription: values.GMAIL_PUBSUB_SUBSCRIPTION ?? null,
    projectTopics: Object.fromEntries(
      projects.flatMap(({ name, topic }) => (topic === undefined ? [] : [[name, topic]])),
    ),
    projectSubscriptions: projects.flatMap(({ subscription }) => subscription ?? []),
    baseUrl,
    audience:
      values.PUSH_GMAIL_AUDIENCE ??
      (baseUrl !== null && values.PUSH_GMAIL_SERVICE_ACCOUNT ? `${baseUrl}/push/gmail` : null),
    serviceAccount: values.PUSH_GMAIL_SERVICE_ACCOUNT ?? null,
    pushSubscriptions: listOrNull(values.PUSH_GMAIL_SUBSCRIPTION),
    credentialsFile: values.GOOGLE_APPLICATION_CREDENTIALS ?? null,
  };
  const {
    credentialsFile: _file,
    projectTopics,
    projectSubscriptions: _pulled,
    ...notifications
  } = push;
  return Object.keys(projectTopics).length > 0 ||
    Object.values(notifications).some((value) => value !== null)
    ? push
    : null;
}

function listOrNull(text: string | undefined): string[] | null {
  return text?.split(',') ?? null;
}

/** Returns the names of the settings whose topic has no pulled subscription. */
export function topicsWithoutSubscription(
  push: Push | null,
  projects: readonly GoogleProject[],
): string[] {
  return [
    ...(push?.topic && !push.subscription ? ['GMAIL_PUBSUB_TOPIC'] : []),
    ...projects.flatMap(({ name, topic, subscription }) =>
      topic && !subscription ? [`gmailPubsubTopic of project ${name}`] : [],
    ),
  ];
}

/**
 * Returns the missing settings of the process that receives the notifications, by variable name.
 */
export function missingForNotifications(
  filled: Record<string, string>,
  projects: readonly GoogleProject[],
): string[] {
  const problems: string[] = [];
  const pulled = namedSubscription(filled, projects);
  if (pulled !== null)
    problems.push(...problemsOfKeyFile(filled['GOOGLE_APPLICATION_CREDENTIALS'], pulled));
  if (filled['PUSH_GMAIL_SUBSCRIPTION'] && !filled['PUSH_GMAIL_SERVICE_ACCOUNT']) {
    problems.push(
      'PUSH_GMAIL_SERVICE_ACCOUNT is required with PUSH_GMAIL_SUBSCRIPTION: the name of a subscription proves nothing without a token',
    );
  }
  if (filled['PUSH_GMAIL_AUDIENCE'] && !filled['PUSH_GMAIL_SERVICE_ACCOUNT']) {
    problems.push(
      'PUSH_GMAIL_SERVICE_ACCOUNT is required with PUSH_GMAIL_AUDIENCE: any Google account can get a token for an audience, so the account of the sender must be set',
    );
  }
  if (
    filled['PUSH_GMAIL_SERVICE_ACCOUNT'] &&
    !filled['PUSH_GMAIL_AUDIENCE'] &&
    !filled['PUSH_BASE_URL']
  ) {
    problems.push(
      'PUSH_GMAIL_AUDIENCE is required with PUSH_GMAIL_SERVICE_ACCOUNT, unless PUSH_BASE_URL says where pushes arrive',
    );
  }
  return problems;
}

/** Returns the name of the setting of a pulled subscription; null when none is set. */
function namedSubscription(
  filled: Record<string, string>,
  projects: readonly GoogleProject[],
): string | null {
  if (filled['GMAIL_PUBSUB_SUBSCRIPTION']) return 'GMAIL_PUBSUB_SUBSCRIPTION';
  return projects.some(({ subscription }) => subscription !== undefined)
    ? 'a gmailPubsubSubscription of GOOGLE_PROJECTS_FILE'
    : null;
}

function problemsOfKeyFile(file: string | undefined, pulled: string): string[] {
  if (!file)
    return [
      `GOOGLE_APPLICATION_CREDENTIALS is required with ${pulled}: the path of the key file of a service account that may pull`,
    ];
  return readServiceAccount(file)
    ? []
    : [
        'GOOGLE_APPLICATION_CREDENTIALS names no readable key file of a service account (JSON with client_email and private_key)',
      ];
}

/** Returns null when the file cannot be read or is not such a key. */
export function readServiceAccount(file: string): ServiceAccountKey | null {
  try {
    const {
      client_email: email,
      private_key: privateKey,
      private_key_id: keyId,
    } = Object(JSON.parse(readFileSync(file, 'utf8'))) as Record<string, unknown>;
    if (typeof email !== 'string' || typeof privateKey !== 'string') return null;
    createPrivateKey(privateKey);
    return { email, privateKey, keyId: typeof keyId === 'string' ? keyId : '' };
  } catch {
    // The file is absent, not JSON, or contains no key. Callers treat these cases alike.
    return null;
  }
}
